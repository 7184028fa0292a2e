"""One small document of another process over HTTP, with a limit on its size and on the time it may take."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from ..telemetry.metrics.labels import CallError


class FetchError(Exception):
    """The other process gave no document that can be used; says why.

    `status` is that of its answer, 0 without one.
    """

    def __init__(self, reason: str, kind: CallError = "content", status: int = http.client.OK) -> None:
        super().__init__(reason)
        self.kind: CallError = kind
        self.status = status


def fetch(url: str, *, accept: str, max_bytes: int, timeout_seconds: float) -> bytes:
    """The body at `url`; blocks, so it runs in a thread. No redirect is followed.

    Raises `FetchError` for anything but a complete answer with status 200.
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
        # The timeout of a socket is for each read; who sends a byte a second would hold the thread for ever.
        hang_up = threading.Timer(timeout_seconds, _hang_up, (connection.sock,))
        hang_up.start()
        connection.request("GET", parts.path, headers={"Accept": accept})
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
        raise FetchError("the answer is too large")
    return body


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
