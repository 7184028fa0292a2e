"""The queue for password hashes: bounded, a few places a client, and a client that disconnects gives its place up."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

from starlette.requests import ClientDisconnect

from app.features.users.origin import Origin
from app.platform.problems import Overloaded


class HashQueue:
    """At most `slots` hashes run at once, and `waiting` wait; each owner has `places` of both."""

    def __init__(self, *, slots: int, waiting: int, places: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._places = slots + waiting
        self._places_of_owner = places
        self._taken = 0
        self._owned: Counter[str] = Counter()

    @contextmanager
    def place(self, owner: str = "") -> Generator[None]:
        """A place in the queue until the block ends, and of the owner if there is one.

        Raises `Overloaded` 429 at once when the queue is full or the owner has no place left.
        """
        # One that outsiders fill is full by their doing: no error of the service, so 429 and not 503.
        if self._taken >= self._places:
            raise Overloaded(
                "log_in_slots", "Too many log-ins at once; try again.", status=HTTPStatus.TOO_MANY_REQUESTS
            )
        with self.owned(owner):
            self._taken += 1
            try:
                yield
            finally:
                self._taken -= 1

    @contextmanager
    def owned(self, owner: str) -> Generator[None]:
        """A place of this owner, for one who has a place in the queue. Raises `Overloaded` 429 when none is left."""
        if owner and self._owned[owner] >= self._places_of_owner:
            raise Overloaded(
                "log_in_client_places",
                "Other log-ins of this address or user name are not finished; try again.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
            )
        self._owned[owner] += 1
        try:
            yield
        finally:
            self._owned[owner] -= 1
            if not self._owned[owner]:
                del self._owned[owner]

    @asynccontextmanager
    async def slot(self, origin: Origin) -> AsyncGenerator[None]:
        """Waits in line for a slot, and has it until the block ends.

        Raises `ClientDisconnect` when the client disconnects before its turn.
        """
        # The first of the two that is run: a client that has left already gets no slot, also where one is free.
        left = asyncio.ensure_future(origin.left())
        turn = asyncio.create_task(self._slots.acquire())
        try:
            await asyncio.wait((left, turn), return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                raise ClientDisconnect
            left.cancel()
            yield
        finally:
            left.cancel()
            if not turn.cancel() and not turn.cancelled():
                self._slots.release()
