"""uvicorn's server with a stop that loses no request: it drains, answers what runs, and ends the lifespan."""

import asyncio
import gc
import logging
import math
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

import uvicorn

from ..process.drain import Drain
from .config import ServerConfig
from .guard import GuardedProtocol
from .websocket import GuardedWebSocket

TICK_INTERVAL_SECONDS = 0.05
ACCEPT_GRACE_SECONDS = 0.3
"""How long a client whose connection was taken in as the listener closed has to send its request."""
CANCEL_TIMEOUT_SECONDS = 0.5
"""How long cancelled requests have to answer 503 and to clean up."""
LIFESPAN_TIMEOUT_SECONDS = 3.0
"""How long the lifespan's shutdown may take: grace periods leave five seconds after `request_seconds`."""

_log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """Serves until SIGTERM, then stops without losing a request.

    SIGTERM begins the drain: the edge middleware turns readiness to 503 and tells clients to close, while the
    listener stays open for `drain_seconds`. Then running requests have `request_seconds`; what has not begun to
    answer by then is cancelled, which the layer turns into a 503. SIGINT is the same without the drain, and a
    second one cancels at once. The signal is not raised again, so the process ends with code 0.
    """

    def __init__(self, config: ServerConfig, drain: Drain) -> None:
        super().__init__(config)
        self._config = config
        self._stop = config.shutdown
        self._drain = drain
        self._hurry = False
        self._starting: asyncio.Task[object] | None = None
        self._ticks = 0
        self._swept = time.monotonic()
        self._sweep_every = min(1.0, config.settings.http.header_timeout_seconds / 4)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins the stop; the second SIGINT forces it. By SIGQUIT gunicorn hands on a SIGINT of its own."""
        if sig != signal.SIGTERM:
            self.force_exit |= self._hurry and sig == signal.SIGINT
            self._hurry = True
        self.should_exit = True
        self._drain.begin()
        if self._starting:
            self._starting.get_loop().call_soon_threadsafe(self._give_up_starting)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        starting = self._starting = asyncio.current_task()
        try:
            await super().startup(sockets)
        except (asyncio.CancelledError, OSError) as error:
            if self.lifespan.startup_event.is_set():
                await self._end_lifespan()
            if isinstance(error, OSError) or not starting or not self.should_exit:
                raise
            # Stopped while it was starting: nothing has been accepted, and the lifespan is cancelled with the loop.
            starting.uncancel()
            logging.getLogger("uvicorn.error").disabled = True
        else:
            _settle_memory()
            _log.info("listening on http://%s:%d", self.config.host, self.config.port)
        finally:
            self._starting = None

    async def on_tick(self, counter: int) -> bool:
        now = time.monotonic()
        if now - self._swept >= self._sweep_every:
            for connection in list(self.server_state.connections):
                if isinstance(connection, GuardedProtocol | GuardedWebSocket):
                    connection.sweep(now - self._swept)
            self._config.limits.connections.set(len(self.server_state.connections))
            self._swept = now
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        connections, tasks = self.server_state.connections, self.server_state.tasks
        end = time.monotonic() + self._stop.drain_seconds
        while not self._hurry and (left := end - time.monotonic()) > 0:
            if left < self._stop.drain_seconds / 2:
                self._close_some_websockets(left)
            await self._tick()
        await self._close_listeners(sockets or [])
        await self._until(
            lambda: self.force_exit or not connections, min(ACCEPT_GRACE_SECONDS, self._stop.request_seconds)
        )
        for connection in list(connections):
            connection.shutdown()
        await self._until(lambda: self.force_exit or not (connections or tasks), self._stop.request_seconds)
        if tasks:
            _log.warning("%d running requests are cancelled: the time for them is over", len(tasks))
        for task in list(tasks):
            task.cancel()
        await self._until(lambda: not (connections or tasks), CANCEL_TIMEOUT_SECONDS)
        for connection in list(connections):
            connection.transport.abort()
        await self._end_lifespan()

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            await self._tick()

    async def _tick(self) -> None:
        self._ticks += 1
        await self.on_tick(self._ticks)
        await asyncio.sleep(TICK_INTERVAL_SECONDS)

    def _close_some_websockets(self, left: float) -> None:
        """Spreads the closing over the time that is left, so that not all clients come back at once."""
        still_open = [
            connection
            for connection in self.server_state.connections
            if isinstance(connection, GuardedWebSocket) and connection.handshake_complete
        ]
        for connection in still_open[
            : math.ceil(len(still_open) * TICK_INTERVAL_SECONDS / max(left, TICK_INTERVAL_SECONDS))
        ]:
            connection.shutdown()

    async def _close_listeners(self, sockets: list[socket.socket]) -> None:
        """Takes in who has connected since the loop last looked, whom the kernel would reset, and closes."""
        late: list[socket.socket] = []
        for bound in sockets:
            with suppress(BlockingIOError):
                while True:
                    late.append(bound.accept()[0])
        for server in self.servers:
            server.close()
        for bound in sockets:
            bound.close()
        loop = asyncio.get_running_loop()
        protocol = partial(GuardedProtocol, self._config, self.server_state, self.lifespan.state, loop)
        for client in late:
            await loop.connect_accepted_socket(protocol, client)

    async def _end_lifespan(self) -> None:
        try:
            await asyncio.wait_for(self.lifespan.shutdown(), LIFESPAN_TIMEOUT_SECONDS)
        except TimeoutError:
            _log.error("the application's shutdown did not end within %.0f seconds", LIFESPAN_TIMEOUT_SECONDS)

    def _give_up_starting(self) -> None:
        if self._starting:
            self._starting.cancel()


def _settle_memory() -> None:
    """Freezes the objects of the start-up, and sets the thresholds of the garbage collector."""
    gc.collect()
    gc.freeze()
    # A request leaves few cycles. Those that it leaves may hold its body, so they must not wait for long: the oldest
    # generation is looked at after 5,000 x 10 x 10 objects, and after freeze() it is small.
    gc.set_threshold(5_000, 10, 10)
