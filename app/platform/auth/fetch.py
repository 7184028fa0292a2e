"""Fetches a small document from another process over HTTP, with limits on its size and on the time."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from ..telemetry.metrics.labels import CallError
from ..telemetry.tracing.propagation import outbound_headers


class FetchError(Exception):
    """The other process returned no usable document; the message is the reason.

    `status` is the status of its response, 0 without one.
    """

    def __init__(self, reason: str, kind: CallError = "content", status: int = http.client.OK) -> None:
        super().__init__(reason)
        self.kind: CallError = kind
        self.status = status


def fetch(url: str, *, accept: str, max_bytes: int, timeout_seconds: float) -> bytes:
    """Returns the body at `url`. It blocks, so call it in a thread. Redirects are not followed.

    The call is part of the trace of the running request, if there is one. Raises `FetchError` unless the response is
    complete and has status 200.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=timeout_seconds, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=timeout_seconds)
    )
    hang_up = None
    try:
        connection.connect()
        # The timeout of a socket applies to each read: a server that sends a byte a second would block the thread.
        hang_up = threading.Timer(timeout_seconds, _hang_up, (connection.sock,))
        hang_up.start()
        connection.request("GET", parts.path, headers={"Accept": accept, **outbound_headers()})
        with connection.getresponse() as answer:
            if answer.status != http.client.OK:
                raise FetchError(f"status {answer.status}", "status", answer.status)
            body = answer.read(max_bytes + 1)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        kind: CallError = "timeout" if isinstance(error, TimeoutError) else "connection"
        raise FetchError(type(error).__name__, kind, 0) from error
    finally:
        if hang_up:
            hang_up.cancel()
        connection.close()
    if len(body) > max_bytes:
        raise FetchError("the response is too large")
    return body


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
