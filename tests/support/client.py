"""HTTP by hand, since these tests are about connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

TIMEOUT_SECONDS = 20.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


def request(path: str, method: str = "GET", *fields: str, body: bytes = b"") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: test", *fields, "", "")
    return "\r\n".join(lines).encode() + body


class Connection:
    """One connection of a client."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        opening = asyncio.open_connection("127.0.0.1", self._port)
        self.reader, self.writer = await asyncio.wait_for(opening, TIMEOUT_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> Answer:
        """The first line and the header of an answer."""
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), TIMEOUT_SECONDS)
        first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        pairs = (line.split(": ", 1) for line in lines)
        return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs})

    async def answer(self) -> Answer:
        """A whole answer of known length, after whatever interim ones."""
        while (answer := await self.head()).status < 200:
            pass
        length = int(answer.headers["content-length"])
        answer.body = await asyncio.wait_for(self.reader.readexactly(length), TIMEOUT_SECONDS)
        return answer

    async def get(self, path: str) -> Answer:
        self.send(request(path))
        return await self.answer()

    async def end(self) -> bytes:
        """What comes until the connection is closed or reset."""
        try:
            return await self.rest()
        except ConnectionError:
            return b""

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        return await asyncio.wait_for(self.reader.read(), TIMEOUT_SECONDS)
