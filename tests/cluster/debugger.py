"""A client of the Debug Adapter Protocol, as far as a breakpoint needs one."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast


class Debugger:
    """A connection to debugpy."""

    def __init__(self, port: int, *, patience_seconds: float = 20) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience_seconds)
        self._stream = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._read: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, command: str, **arguments: object) -> int:
        """Send a request; its answer carries the number that comes back."""
        number = next(self._numbers)
        content = json.dumps({"seq": number, "type": "request", "command": command, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        return number

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """The body of the answer to a request."""
        return self.answer(self.send(command, **arguments))

    def answer(self, number: int) -> dict[str, Any]:
        answer = self._await({"type": "response", "request_seq": number})
        assert answer["success"], answer
        return cast("dict[str, Any]", answer.get("body", {}))

    def event(self, name: str) -> dict[str, Any]:
        """The body of the next event of this name, or of one that came before and nobody asked for."""
        return cast("dict[str, Any]", self._await({"type": "event", "event": name}).get("body", {}))

    def _await(self, wanted: Mapping[str, object]) -> dict[str, Any]:
        while True:
            for message in self._read:
                if wanted.items() <= message.items():
                    self._read.remove(message)
                    return message
            self._read.append(self._message())

    def _message(self) -> dict[str, Any]:
        length = 0
        while line := self._stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the debugger hung up"
        return cast("dict[str, Any]", json.loads(self._stream.read(length)))
