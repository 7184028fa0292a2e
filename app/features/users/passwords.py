"""Passwords: which are refused, and argon2id in worker threads, few at a time (NIST SP 800-63B, OWASP)."""

import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from app.features.users.settings import PasswordSettings
from app.platform.http.problems import Shed

SHORTEST = 8
LONGEST = 128

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies: some ten milliseconds and `memory_kib` in a thread, at most `slots` at once.

    `hash` and `verify` raise `Problem` 503 when `waiting` others wait for a slot already.
    """

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHash(
            [Argon2Hasher(time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=1)]
        )
        self._nobody = hash_of_nobody(settings)
        self._slots = CapacityLimiter(settings.slots)
        self._most = settings.slots + settings.waiting
        self._running_or_waiting = 0

    async def hash(self, password: SecretStr) -> str:
        """The hash to store, in the PHC string format."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password: SecretStr, stored: str | None) -> tuple[bool, str | None]:
        """Whether it is the password, and the hash to store instead where its cost has changed since.

        Without a hash (an unknown user) the same work is done, so that the time tells nothing (ASVS 6.3.8).
        """
        return await self._run(lambda: self._hasher.verify_and_update(_normal(password), stored or self._nobody))

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._running_or_waiting >= self._most:
            raise Shed("log_in_slots", "Too many log-ins at once; try again.")
        self._running_or_waiting += 1
        try:
            return await to_thread.run_sync(work, limiter=self._slots)
        finally:
            self._running_or_waiting -= 1


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
