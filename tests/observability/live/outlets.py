"""Proxies for the spans, log lines and metrics of a process, which can be stopped."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_FOREIGN = b"# TYPE node_load1 gauge\nnode_load1 0.1\n"


class Outlet(ABC):
    """Made on the event loop that it runs on; `healthy_port` is that of a process without a fault."""

    settings: Mapping[str, str] = {}
    """Variables that lead the process here."""
    metrics_port: int | None = None
    """Where its metrics are scraped instead."""

    samples_port: int | None = None
    """Port of more metrics to scrape, if there are any."""

    def __init__(self, healthy_port: int) -> None:
        self.healthy_port = healthy_port
        self._servers: list[asyncio.Server] = []

    @abstractmethod
    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        """Begins; the ports are those of the page that takes spans, and of the process."""

    @abstractmethod
    def stop(self) -> None:
        """Nothing gets through."""

    @abstractmethod
    def go(self) -> None:
        """Everything does."""

    async def listen(self, serve: Serve) -> int:
        """Takes connections on the port that it returns."""
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Accepts no more connections."""
        for server in self._servers:
            server.close()


class _Passing(Outlet):
    """A connection that is forwarded until it is stopped."""

    def __init__(self, healthy_port: int) -> None:
        super().__init__(healthy_port)
        self._passes = asyncio.Event()
        self._passes.set()

    def stop(self) -> None:
        self._passes.clear()

    def go(self) -> None:
        self._passes.set()

    async def pass_to(self, port: int) -> int:
        """Listens, and leads to this port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer, port)
            await hang_up(writer)

        return await self.listen(serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        await self._passes.wait()
        upstream, upward = await asyncio.open_connection("127.0.0.1", to)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, upward))
                group.create_task(self._pass(upstream, writer))
        finally:
            await hang_up(upward)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            async for data in _chunks(source):
                await self._passes.wait()
                target.write(data)
                await target.drain()
        target.close()


class Spans(_Passing):
    """A collector that takes connections and no longer answers when it is stopped."""

    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        self.settings = {"SLIPWAY_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{await self.pass_to(page)}"}


class Peer(_Passing):
    """Another process of the service, whose keys are fetched."""

    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        self.settings = {"SLIPWAY_SERVICES__USERS": f"http://127.0.0.1:{await self.pass_to(self.healthy_port)}"}


class Metrics(_Passing):
    """A port that is scraped; stopped, it answers as another program."""

    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        self.metrics_port = await self.pass_to(metrics_port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
        if self._passes.is_set():
            await super()._serve(reader, writer, to)
            return
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(_FOREIGN)}\r\n\r\n"
        writer.write(head.encode() + _FOREIGN)
        await writer.drain()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            async for data in _chunks(source):
                if not self._passes.is_set():
                    break
                target.write(data)
                await target.drain()
        target.close()


class Lines(Outlet):
    """The standard output, as a pipe that is read or not."""

    _SIZE: ClassVar[int] = 65536
    _descriptor = -1

    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        path = folder / f"output-{port}"
        os.mkfifo(path)
        self._loop = asyncio.get_running_loop()
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.go()

    def stop(self) -> None:
        self._loop.remove_reader(self._descriptor)

    def go(self) -> None:
        self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        self.stop()
        os.close(self._descriptor)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._descriptor, self._SIZE)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes a connection, even if it is closed already."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _chunks(source: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await source.read(65536):
        yield data
