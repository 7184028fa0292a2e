"""One stop of a live process with every kind of client connected, and what each of them saw."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.client import Answer, Connection, request
from tests.support.process import DRAIN_SECONDS, REQUEST_SECONDS, Service, running

SERVERS = {
    "uvicorn": ("tests.server.service:app",),
    "gunicorn": ("tests.server.service:app", "--server", "gunicorn", "--workers", "2"),
}
UPLOAD = b"0123456789"


@dataclass
class Seen:
    """What the clients saw; times are seconds since the signal."""

    in_flight: list[Answer] = field(default_factory=list[Answer])
    long: list[tuple[Answer, float]] = field(default_factory=list[tuple[Answer, float]])
    half_sent: list[Answer] = field(default_factory=list[Answer])
    idle: list[bytes] = field(default_factory=list[bytes])
    silent: list[Answer] = field(default_factory=list[Answer])
    late: list[Answer] = field(default_factory=list[Answer])
    readiness: list[int] = field(default_factory=list[int])
    busy: int = 0
    lost: list[str] = field(default_factory=list[str])
    stream_ended: list[float] = field(default_factory=list[float])
    websockets: list[int | None] = field(default_factory=list["int | None"])
    websockets_closed: list[float] = field(default_factory=list[float])
    """When the service closed them, whenever their clients came to see it."""
    refused_after: bool = False
    exit_code: int | None = None
    seconds: float = 0
    lifespans_ended: int = 0
    log: str = ""


class Clients:
    """The clients of one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.seen = Seen()
        self._stopping = asyncio.Event()
        self._since = 0.0
        self._ready = asyncio.Semaphore(0)

    async def watch(self) -> Seen:
        """Connects everybody, sends SIGTERM, and waits until the process has ended and everybody has been told."""
        clients = [
            *(self.in_flight() for _ in range(5)),
            *(self.long() for _ in range(2)),
            *(self.half_sent() for _ in range(2)),
            *(self.idle() for _ in range(5)),
            *(self.silent() for _ in range(5)),
            *(self.busy() for _ in range(10)),
            *(self.websocket() for _ in range(5)),
            self.streaming(),
        ]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client)
            for _ in clients:
                await self._ready.acquire()
            await asyncio.sleep(0.1)
            self._since = time.monotonic()
            self.service.signal(signal.SIGTERM)
            self._stopping.set()
            group.create_task(self.late())
            self.seen.exit_code = await asyncio.to_thread(self.service.wait)
            self.seen.seconds = self._elapsed()
        self.seen.lifespans_ended = self.service.lifespans_ended()
        self.seen.websockets_closed = sorted(moment - self._since for moment in self.service.websockets_closed())
        self.seen.log = self.service.log()
        return self.seen

    async def in_flight(self) -> None:
        async with Connection(self.service.port) as connection:
            await connection.get("/fast")
            self._ready.release()
            connection.send(request("/slow?seconds=0.5"))
            self.seen.in_flight.append(await connection.answer())

    async def long(self) -> None:
        async with Connection(self.service.port) as connection:
            connection.send(request("/slow?seconds=60"))
            self._ready.release()
            self.seen.long.append((await connection.answer(), self._elapsed()))

    async def half_sent(self) -> None:
        async with Connection(self.service.port) as connection:
            connection.send(request("/echo", "POST", f"Content-Length: {len(UPLOAD)}", body=UPLOAD[:5]))
            self._ready.release()
            await self._stopping.wait()
            await asyncio.sleep(DRAIN_SECONDS / 2)
            connection.send(UPLOAD[5:])
            self.seen.half_sent.append(await connection.answer())

    async def idle(self) -> None:
        async with Connection(self.service.port) as connection:
            await connection.get("/fast")
            self._ready.release()
            self.seen.idle.append(await connection.rest())

    async def silent(self) -> None:
        """Connected before the signal; the first request comes after it."""
        async with Connection(self.service.port) as connection:
            self._ready.release()
            await self._stopping.wait()
            await asyncio.sleep(0.03)
            if self._elapsed() > DRAIN_SECONDS:
                return  # this machine was too slow to be early
            self.seen.silent.append(await connection.get("/fast"))

    async def busy(self) -> None:
        """One request after the other, on a new connection when told to close, until a balancer would have noticed."""
        self._ready.release()
        while self._elapsed() < DRAIN_SECONDS * 0.7:
            try:
                async with Connection(self.service.port) as connection:
                    while not (await connection.get("/fast")).closes:
                        self.seen.busy += 1
                    self.seen.busy += 1
            except (ConnectionError, EOFError) as error:
                self.seen.lost.append(f"{type(error).__name__} at {self._elapsed():.2f} s")
                return

    async def websocket(self) -> None:
        async with connect(f"ws://127.0.0.1:{self.service.port}/ws") as websocket:
            await websocket.send("hello")
            await websocket.recv()
            self._ready.release()
            try:
                await websocket.recv()
            except ConnectionClosed as closed:
                self.seen.websockets.append(closed.rcvd.code if closed.rcvd else None)

    async def streaming(self) -> None:
        async with Connection(self.service.port) as connection:
            connection.send(request("/stream"))
            await connection.head()
            self._ready.release()
            await connection.end()
            self.seen.stream_ended.append(self._elapsed())

    async def late(self) -> None:
        for moment in (0.02, 0.1, DRAIN_SECONDS / 2):
            await asyncio.sleep(max(0, moment - self._elapsed()))
            try:
                async with Connection(self.service.port) as connection:
                    self.seen.late.append(await connection.get("/fast"))
                async with Connection(self.service.port) as connection:
                    self.seen.readiness.append((await connection.get("/readyz")).status)
            except ConnectionRefusedError:
                if self._elapsed() < DRAIN_SECONDS:  # else this machine was too slow to be early
                    raise
        while self._elapsed() < DRAIN_SECONDS + REQUEST_SECONDS:
            try:
                async with Connection(self.service.port) as connection:
                    await connection.get("/fast")
            except ConnectionRefusedError:
                self.seen.refused_after = True
                return
            await asyncio.sleep(0.02)

    def _elapsed(self) -> float:
        return time.monotonic() - self._since if self._since else 0.0


def stop(server: str, folder: Path) -> Seen:
    """The whole of it, for one of `SERVERS`."""
    with running(folder, *SERVERS[server]) as service:
        return asyncio.run(Clients(service).watch())
