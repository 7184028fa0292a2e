"""Passwords: which are refused, and argon2id in worker threads, few at a time (NIST SP 800-63B, OWASP)."""

import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from app.features.users.hash_queue import HashQueue
from app.features.users.origin import HERE, Origin
from app.features.users.settings import AccountSettings, PasswordSettings

SHORTEST = 8
LONGEST = 128

Result = TypeVar("Result")
Before = Callable[[], Awaitable[None]]


class Passwords:
    """Hashes and verifies: some ten milliseconds and `memory_kib` in a thread, at most `slots` at once.

    One address and one account have `places` in the queue.
    """

    def __init__(self, settings: PasswordSettings, *, places: int = AccountSettings().places) -> None:
        self._hasher = PasswordHash(
            [Argon2Hasher(time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=1)]
        )
        self.nobody = hash_of_nobody(settings)
        self.queue = HashQueue(slots=settings.slots, waiting=settings.waiting, places=places)
        self._threads = CapacityLimiter(settings.slots)

    @contextmanager
    def place(self, origin: Origin = HERE) -> Generator["Place"]:
        """A place in the queue until the block ends, for hashes one after the other.

        Raises `Problem` 429 when the queue is full, or when the address has no place left.
        """
        with self.queue.place(origin.network):
            yield Place(self, origin)

    async def hash(self, password: SecretStr, origin: Origin = HERE) -> str:
        """The hash to store, in the PHC string format, at a place of its own."""
        with self.place(origin) as place:
            return await place.hash(password)

    async def verify(self, password: SecretStr, stored: str | None) -> tuple[bool, str | None]:
        """As `Place.verify`, at a place of its own."""
        with self.place() as place:
            return await place.verify(password, stored)

    async def run(self, work: Callable[[PasswordHash], Result], origin: Origin, before: Before | None = None) -> Result:
        """Waits in line for a slot, awaits `before`, and does the work in a thread; for `Place`."""
        async with self.queue.slot(origin):
            if before:
                await before()
            return await to_thread.run_sync(work, self._hasher, limiter=self._threads)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue.

    Both methods raise `ClientDisconnect` when the client disconnects before its turn; no hash is computed then.
    """

    passwords: Passwords
    origin: Origin

    def of_account(self, username: str) -> AbstractContextManager[None]:
        """One of the places of this account as well. Raises `Problem` 429 when it has none left."""
        # As PostgreSQL compares names: `str.lower` makes K of the Kelvin sign, and strangers could take others' places.
        return self.passwords.queue.owned(f"account {username.encode().lower().decode()}")

    async def hash(self, password: SecretStr) -> str:
        """The hash to store, in the PHC string format."""
        normal = _normal(password)
        return await self.passwords.run(lambda hasher: hasher.hash(normal), self.origin)

    async def verify(
        self, password: SecretStr, stored: str | None, before: Before | None = None
    ) -> tuple[bool, str | None]:
        """Whether it is the password, and the hash to store instead where its cost has changed since.

        Without a hash (an unknown user) the same work is done, so that the time tells nothing (ASVS 6.3.8).
        `before` is awaited when it is this one's turn; what it raises is raised here, and costs no hash.
        """
        normal, known = _normal(password), stored or self.passwords.nobody
        return await self.passwords.run(lambda hasher: hasher.verify_and_update(normal, known), self.origin, before)


def weakness(password: SecretStr, *names: str) -> str | None:
    """Why a password of the right length is refused: it is common, or one of the user's names.

    There is no rule on what characters it holds: such rules make passwords worse (NIST SP 800-63B, ASVS 6.2.5).
    """
    folded = unicodedata.normalize("NFKC", password.get_secret_value()).casefold()
    if folded in common_passwords():
        return "This is one of the most common passwords: choose another"
    if folded in {name.casefold() for name in names}:
        return "The password is the user name or the e-mail address: choose another"
    return None


@cache
def common_passwords() -> frozenset[str]:
    """The 3,000 most common ones, folded; read at the first use."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _normal(password: SecretStr) -> str:
    """The same text however a keyboard composes it, and nothing else of it changed (RFC 8265 §4.2, ASVS 6.2.8)."""
    return unicodedata.normalize("NFC", password.get_secret_value())


def hash_of_nobody(settings: PasswordSettings) -> str:
    """A hash of the present cost that no password has."""
    salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={settings.memory_kib},t={settings.iterations},p=1${salt}${digest}"
