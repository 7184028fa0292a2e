"""Writes log lines and never makes their author wait: a bounded buffer, and a thread that empties it."""

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping

MAX_BUFFER_BYTES = 4 * 1024 * 1024
"""Of lines that wait because nobody reads them; past it new lines are dropped and counted."""
WRITE_INTERVAL_SECONDS = 0.02
"""How long the thread gathers lines before it writes them at once: it wakes at most 50 times a second."""
FLUSH_TIMEOUT_SECONDS = 0.4


class LineWriter:
    """Lines to a file descriptor, in order, from any thread.

    Its thread starts with the first line, so one can be made before a fork, and each process gets its own.
    A process that is killed with -9 loses the lines of the last 20 ms.

    Args:
        descriptor: of the open file, which stays the caller's.
        on_drop: told how many lines were lost, whenever some are.
    """

    def __init__(self, descriptor: int, on_drop: Callable[[int], None] | None = None) -> None:
        self._descriptor = descriptor
        self.on_drop = on_drop
        self.on_line: Mapping[str, Callable[[], object]] = {}
        """Called for each line that is written, by its level."""
        self.begin()
        this = weakref.ref(self)

        def begin_anew() -> None:
            if writer := this():
                writer.begin()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=begin_anew)

    def begin(self) -> None:
        """Forgets the lines and the thread, which after a fork are the parent's."""
        # Reentrant, since a finalizer that logs may run inside `write`, in the same thread.
        self._lock = threading.RLock()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._some = threading.Event()
        self._none = threading.Event()
        self._none.set()
        self._thread: threading.Thread | None = None

    def write(self, line: bytes, level: str = "info") -> None:
        """Takes a line with its newline. Never waits for the file."""
        if count := self.on_line.get(level):
            count()
        with self._lock:
            full = self._bytes + len(line) > MAX_BUFFER_BYTES
            if not full:
                self._lines.append(line)
                self._bytes += len(line)
                if not self._some.is_set():
                    self._wake()
        if full:
            self._lost(1)

    def flush(self, seconds: float = FLUSH_TIMEOUT_SECONDS) -> bool:
        """Waits until every line is written, but no longer than that. Returns whether they are."""
        return self._none.wait(seconds)

    def _wake(self) -> None:
        self._none.clear()
        self._some.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # The interpreter is on its way out: nobody minds waiting now.
                self._thread = None
                self._write_out()
            else:
                atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(WRITE_INTERVAL_SECONDS)
            self._write_out()

    def _write_out(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            self._some.clear()
        gathered = b"".join(lines)
        try:
            _write_all(self._descriptor, gathered)
        except OSError:  # The reader is gone.
            self._lost(len(lines))
        with self._lock:
            self._bytes -= len(gathered)
            if not self._lines:
                self._none.set()

    def _lost(self, lines: int) -> None:
        if self.on_drop is not None:
            self.on_drop(lines)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # Somebody else made the file non-blocking.
            time.sleep(WRITE_INTERVAL_SECONDS)
