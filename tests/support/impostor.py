"""Servers in PostgreSQL's place: one that asks for the password, and one that puts TLS in front of the real server."""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def request(number: int, rest: bytes = b"") -> bytes:
    """An authentication request of PostgreSQL's protocol."""
    return message(b"R", struct.pack("!i", number) + rest)


OK = request(0)
CLEAR_TEXT = request(3)
MD5 = request(5, b"salt")
SASL = request(10, b"SCRAM-SHA-256\0\0")


@dataclass
class Impostor:
    """Sends `asks` one after the other, and keeps everything that it `received`.

    In a message of its own, `NONCE` stands for what the client chose.
    """

    asks: Sequence[bytes]
    tls: ssl.SSLContext | None = None
    piecemeal: bool = False
    received: bytearray = field(default_factory=bytearray)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == SSL_REQUEST:
            writer.write(b"S" if self.tls else b"N")
            await writer.drain()
            if self.tls:
                await writer.start_tls(self.tls)
            first = await reader.readexactly(8)
        self.received += first + await reader.readexactly(struct.unpack("!i", first[:4])[0] - 8)
        nonce = b""
        for template in self.asks:
            ask = _with_nonce(template, nonce)
            for part in [ask] if not self.piecemeal else [bytes([one]) for one in ask]:
                writer.write(part)
                await writer.drain()
                if self.piecemeal:
                    await asyncio.sleep(0.001)
            if ask == OK:
                continue  # nothing is answered to it
            answer = await reader.read(10_000)
            self.received += answer
            nonce = answer.partition(b",r=")[2] or nonce
        self.received += await reader.read(10_000)


def _with_nonce(ask: bytes, nonce: bytes) -> bytes:
    return message(ask[:1], ask[5:].replace(b"NONCE", nonce)) if b"NONCE" in ask else ask


def in_front_of(host: str, port: int, tls: ssl.SSLContext) -> Handler:
    """PostgreSQL's own TLS upgrade, and then each byte to the real server and back."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(8) != SSL_REQUEST:
            return  # as a server does whose pg_hba.conf knows `hostssl` lines only
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(tls)
        there, back = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            back.close()

    return relay


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@contextmanager
def listening(handler: Handler) -> Generator[int]:
    """Serves in a thread of its own, so that processes and blocking tests reach it; the port."""
    loop = asyncio.new_event_loop()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            writer.transport.abort()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(handle, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)

    async def end() -> None:
        server.close()
        ours = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not ours]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
