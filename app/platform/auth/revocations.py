"""Access tokens that are refused before they expire: by whose they are, and the second they were issued in."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from time import monotonic, time
from typing import NoReturn
from uuid import UUID

import structlog

from .fetch import FetchError

_JITTER = Random()  # noqa: S311 - its own, so that nobody else sees the state of `random` change
MAX_SUBJECTS = 10_000
"""Revocations that are told apart; about 150 bytes each."""
MAX_TOKEN_SECONDS = 600
"""How long a token may be good: the most that the setting `auth.token_seconds` takes."""
RETENTION_SECONDS = MAX_TOKEN_SECONDS + 60
"""How long a revocation matters. The minute is for clocks that are apart, more than verifiers grant."""
READ_TIMEOUT_SECONDS = 4.0
"""For one question to the source of revocations."""
MAX_AGE_SECONDS = 60.0
"""Within this time a revocation must be known everywhere; older knowledge shows in `/readyz` and is logged."""
LOG_INTERVAL_SECONDS = 60.0

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class RevocationsStaleError(Exception):
    """The source of revocations has not been reached for too long."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What a source says.

    Tokens that a subject got before the second in `before` are refused, and those that anybody got before `floor`.
    """

    before: Mapping[str, int] = field(default_factory=dict[str, int])
    """Seconds since 1970 in UTC, by the subject's `digest_of`."""
    floor: int = 0
    age_seconds: float = 0.0
    """How old this knowledge was when it was read."""


def digest_of(subject: UUID) -> str:
    """Stands for a user in a list that others may read: the id cannot be computed from it."""
    return urlsafe_b64encode(sha256(b"slipway revocation " + subject.bytes).digest()[:12]).decode()


def bounded(before: Mapping[str, int], floor: int = 0) -> RevocationList:
    """A list of at most `MAX_SUBJECTS`. For the oldest of too many, everybody's tokens of that age are refused."""
    if len(before) > MAX_SUBJECTS:
        newest_first = sorted(before.items(), key=lambda item: -item[1])
        floor = max(floor, newest_first[MAX_SUBJECTS][1])
        before = dict(newest_first[:MAX_SUBJECTS])
    return RevocationList(before, floor)


class Revocations:
    """What this process knows of revoked tokens.

    It only grows until entries are too old to matter, so that a source that lags behind or has restarted takes
    nothing back. `added` is called with the digests of new entries, or with None when `floor` rose.
    """

    def __init__(self, *, clock: Callable[[], float] = time, timer: Callable[[], float] = monotonic) -> None:
        self.added: Callable[[AbstractSet[str] | None], object] = lambda digests: None
        self._clock = clock
        self._timer = timer
        self._list = RevocationList()
        self._known_at = timer()
        self._read = False

    def refuses(self, subject: UUID, issued_at: int) -> bool:
        """Whether a token of this subject and second is revoked."""
        known = self._list
        if issued_at < known.floor:
            return True
        return bool(known.before) and issued_at < known.before.get(digest_of(subject), 0)

    def revoke(self, subject: UUID, before: int) -> None:
        """Refuses from now on, in this process, what the subject got before that second."""
        self._merge(RevocationList({digest_of(subject): before}))

    def learn(self, source: RevocationList) -> None:
        """Adds what a source says."""
        self._merge(source)
        self._known_at = self._timer() - source.age_seconds
        self._read = True

    def current(self) -> RevocationList | None:
        """What is known, with its age; None until a source was read."""
        known = self._list
        return RevocationList(known.before, known.floor, self.age()) if self._read else None

    def age(self) -> float:
        """Seconds since the source was read; until then, since the start."""
        return max(0.0, self._timer() - self._known_at)

    async def require_fresh(self) -> None:
        """For `/readyz`. Raises `RevocationsStaleError`."""
        if self.age() > MAX_AGE_SECONDS:
            raise RevocationsStaleError

    def _merge(self, more: RevocationList) -> None:
        old = self._list
        new = {digest: before for digest, before in more.before.items() if before > old.before.get(digest, 0)}
        oldest = int(self._clock()) - RETENTION_SECONDS
        kept = {digest: before for digest, before in old.before.items() if before > oldest}
        self._list = merged = bounded({**kept, **new}, max(old.floor, more.floor))
        if merged.floor > old.floor:
            self.added(None)
        elif new:
            self.added(new.keys())


async def follow(
    revocations: Revocations, read: Callable[[], Awaitable[RevocationList]], interval_seconds: float
) -> NoReturn:
    """Reads the source again and again, until it is cancelled.

    While the source does not answer, tokens stay good: they live ten minutes, and to refuse everybody would make an
    outage of a fault that most likely concerns nobody.
    """
    logged_at = float("-inf")
    failing = False
    while True:
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS):
                revocations.learn(await read())
        except Exception as error:  # noqa: BLE001 - a source may fail in any way, and is asked again
            failing = True
            if monotonic() - logged_at >= LOG_INTERVAL_SECONDS:
                logged_at = monotonic()
                problem = str(error) if isinstance(error, FetchError) else type(error).__name__
                age = round(revocations.age(), 1)
                _log.warning("revoked tokens cannot be read", problem=problem, age_seconds=age)
        else:
            if failing:
                _log.info("revoked tokens can be read again")
            failing = False
        # Apart from the other pods, which started, or lost the source, in the same moment.
        await asyncio.sleep(interval_seconds * _JITTER.uniform(0.8, 1.2))
