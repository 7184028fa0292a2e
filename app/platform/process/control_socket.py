"""Where a process takes run-time changes from its own user: a Unix socket, and how a command finds it.

On Linux the address is abstract, so that no writable folder is needed, and the kernel says whose the other end is.
Elsewhere it is a file that only its owner may open.
"""

import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

ABSTRACT = sys.platform == "linux"
MAX_BYTES = 4096
"""Of a change, and of the answer to it."""
TIMEOUT_SECONDS = 5.0
"""How long one side waits for the other."""


def listen_for_changes(port: int) -> socket.socket:
    """The socket of this process; `port` is that of its metrics. Raises `OSError` if it cannot be had."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if ABSTRACT:
            listener.bind(f"\0{_prefix(port)}{os.getpid()}")
        else:
            path = _folder() / f"{port}-{os.getpid()}"
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            path.chmod(0o600)
        listener.listen(4)
    except OSError:
        listener.close()
        raise
    return listener


def close_listener(listener: socket.socket) -> None:
    """Closes it, and removes its file."""
    address = listener.getsockname()
    listener.close()
    if isinstance(address, str) and address:
        Path(address).unlink(missing_ok=True)


def process_numbers(port: int) -> list[int]:
    """The processes of this user that take changes and have this metrics port: several with gunicorn's workers."""
    if ABSTRACT:
        names = (line.rpartition("@")[2] for line in Path("/proc/net/unix").read_text().splitlines())
        prefix = _prefix(port)
    else:
        names = (path.name for path in _folder().iterdir())
        prefix = f"{port}-"
    found = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    return sorted(int(number) for number in found if number.isdecimal())


def connect_to(port: int, process: int) -> socket.socket:
    """A connection to a process. Raises `OSError` if it has ended, or if the socket is another user's."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT_SECONDS)
    try:
        connection.connect(f"\0{_prefix(port)}{process}" if ABSTRACT else str(_folder() / f"{port}-{process}"))
        if not is_ours(connection):
            raise PermissionError("the socket is another user's")
    except OSError:
        connection.close()
        raise
    return connection


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end is a process of this user. Where the socket is a file, its mode has decided that."""
    if sys.platform != "linux":
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())


def read_line(connection: socket.socket) -> bytes:
    """A line without its end. Raises `ValueError` for one that is too long, `OSError` for one that does not come."""
    line = b""
    while not line.endswith(b"\n"):
        received = connection.recv(MAX_BYTES)
        if not received:
            raise ConnectionAbortedError
        line += received
        if len(line) > MAX_BYTES:
            raise ValueError("the line is too long")
    return line[:-1]


def _prefix(port: int) -> str:
    return f"slipway-control/{os.geteuid()}/{port}/"


def _folder() -> Path:
    """Ours alone: another user could have made one of this name."""
    folder = Path(tempfile.gettempdir()) / f"slipway-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o077 or not folder.is_dir():
        raise PermissionError(f"{folder} must belong to this user and be closed to others")
    return folder
