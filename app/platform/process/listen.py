"""Sockets to listen on, and one sentence that says what to do when an address cannot be had."""

import errno
import socket

_REASONS = {
    errno.EADDRINUSE: "another process uses this port; stop it, or choose another with {variable}",
    errno.EADDRNOTAVAIL: "this machine has no such address; set the HOST beside {variable}",
    errno.EACCES: "this user may not open this port; choose one above 1023 with {variable}",
}


class ListenError(Exception):
    """An address cannot be listened on; the text is one sentence for the operator."""


def listen_error(error: OSError, host: str, port: int, *, variable: str) -> ListenError:
    """The sentence for an error of `bind`; `variable` is the environment variable that moves the port."""
    other = f"{error.strerror or error}; check {{variable}} and the HOST beside it"
    reason = _REASONS.get(error.errno or 0, other)
    return ListenError(f"cannot listen on {host} port {port}: {reason.format(variable=variable)}")


def bind(host: str, port: int, *, variable: str) -> socket.socket:
    """A bound TCP socket that does not listen yet, so that clients are refused until the server is ready.

    `::` takes IPv4 as well where the system can.

    Raises:
        ListenError: the address is in use or cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise listen_error(error, host, port, variable=variable) from None
    return bound
