"""The throttle of log-ins: after some failures each further one must wait, twice as long as the one before (ADR 12)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from http import HTTPStatus

from app.features.users import throttle_repository as repository
from app.features.users.settings import AccountSettings
from app.platform.db import Database, UnitOfWork
from app.platform.problems import Overloaded

MAX_PAIR_DELAY = timedelta(minutes=5)
"""Longer would gain little: with pauses of an hour, after which all is forgotten, as many guesses can be made."""
MAX_ADDRESS_DELAY = timedelta(minutes=5)
MAX_ACCOUNT_DELAY = timedelta(minutes=1)
"""The longest delay of an account for clients at addresses that it does not know: others may cause it."""


class LogInThrottled(Overloaded):
    """429: too many log-ins of this account or address have failed; the right password is not looked at either."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "log_in_failures",
            "Too many log-ins have failed; try again after the time in Retry-After.",
            status=HTTPStatus.TOO_MANY_REQUESTS,
            slug="log-in-throttled",
            retry_after=max(1, math.ceil(seconds)),
        )


@dataclass(frozen=True, slots=True)
class _Limit:
    """Failures under a key: the first `free` cost no delay, and no delay is longer than `max_delay`."""

    key: bytes
    free: int
    max_delay: timedelta


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that may go on; `limits` are those that it is counted by."""

    account: bytes
    address: bytes
    pair: bytes
    limits: Sequence[_Limit]


class Throttle:
    """Counts failed log-ins in the database, so that all processes count together."""

    def __init__(self, settings: AccountSettings) -> None:
        self._failures = settings.failures
        self._failures_per_address = settings.failures_per_address

    async def admit(self, database: Database, network: str, username: str) -> Attempt:
        """The attempt to log in, which no delay forbids. Raises `LogInThrottled`.

        An account from an address that it has logged in from in the last month is counted together with the address
        alone. So nobody who guesses elsewhere can delay its user there.
        """
        # As PostgreSQL compares them: user names are ASCII in any case.
        name = username.encode().lower()
        account, address = _key(b"account", name), _key(b"address", network.encode())
        pair = _key(b"pair", name, network.encode())
        rows = {row["key"]: row for row in await repository.read(database, (account, address, pair), address)}
        limits = [_Limit(pair, self._failures, MAX_PAIR_DELAY)]
        if account not in rows or not rows[account]["knows"]:
            # All attempts count in this order, so that none of them waits in a circle.
            limits = [
                _Limit(address, self._failures_per_address, MAX_ADDRESS_DELAY),
                _Limit(account, self._failures + self._failures // 2, MAX_ACCOUNT_DELAY),
                *limits,
            ]
        wait = max((float(rows[limit.key]["wait"]) for limit in limits if limit.key in rows), default=0)
        if wait > 0:
            raise LogInThrottled(wait)
        return Attempt(account, address, pair, limits)

    async def count(self, database: Database, attempt: Attempt) -> None:
        """Counts the attempt as failed, before its hash is computed: so attempts at the same time count too.

        Raises `LogInThrottled` if another attempt was faster, and counts nothing then.
        """
        async with UnitOfWork(database) as work:
            for limit in attempt.limits:
                if not await repository.count(work, limit.key, limit.free, limit.max_delay):
                    raise LogInThrottled(1)
            await repository.remove_expired(work)

    async def succeed(self, database: Database, attempt: Attempt) -> None:
        """Forgets the account's failures here, and this attempt; not what others failed from the address."""
        await repository.reset(database, attempt.pair)
        if any(limit.key == attempt.address for limit in attempt.limits):
            await repository.refund(database, attempt.address)
        await repository.know(database, attempt.account, attempt.address)


def _key(*parts: bytes) -> bytes:
    return blake2b(b"\0".join(parts), digest_size=16).digest()
