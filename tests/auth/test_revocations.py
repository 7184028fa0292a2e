"""What is known of revoked tokens: it only grows, is bounded, and holds while its source is away."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from uuid import UUID

import pytest

from app.platform.auth import revocations
from app.platform.auth.fetch import FetchError
from app.platform.auth.principal import InvalidToken, Principal
from app.platform.auth.remote_revocations import document_of, parse_document
from app.platform.auth.revocations import (
    MAX_AGE_SECONDS,
    MAX_SUBJECTS,
    RETENTION_SECONDS,
    RevocationList,
    Revocations,
    RevocationsStaleError,
    bounded,
    digest_of,
    follow,
)
from app.platform.auth.tokens import TokenVerifier
from app.platform.ids import new_id
from tests.support.forge import auth_settings, claims, token

NOW = 1_800_000_000


class Clock:
    """Stands still until it is set."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def made(clock: Clock) -> Revocations:
    return Revocations(clock=clock, timer=clock)


def test_a_remembered_token_is_refused_from_the_moment_of_its_revocation() -> None:
    known = Revocations()
    verifier = TokenVerifier(auth_settings(), revocations=known)
    said, other = claims(), token()
    first, kept = b"Bearer " + token(payload=said), b"Bearer " + other
    later = b"Bearer " + token(payload=said | {"iat": int(str(said["iat"])) + 1})
    remembered = verifier.authenticate(kept)
    assert all(isinstance(verifier.authenticate(header), Principal) for header in (first, later))
    known.revoke(UUID(str(said["sub"])), int(str(said["iat"])) + 1)
    assert verifier.authenticate(first) == InvalidToken("The token was revoked")
    assert isinstance(verifier.authenticate(later), Principal)
    assert verifier.authenticate(kept) is remembered


def test_a_source_that_lags_behind_takes_nothing_back() -> None:
    known, subject = made(Clock()), new_id()
    known.revoke(subject, NOW)
    known.learn(RevocationList())
    known.learn(RevocationList({digest_of(subject): NOW - 50}))
    assert known.refuses(subject, NOW - 1)
    assert not known.refuses(subject, NOW)


def test_a_revocation_is_forgotten_when_no_token_can_be_alive() -> None:
    clock, subject = Clock(), new_id()
    known = made(clock)
    known.revoke(subject, NOW)
    clock.now += RETENTION_SECONDS + 1
    known.learn(RevocationList())
    current = known.current()
    assert current is not None
    assert current.before == {}


def test_of_too_many_revocations_the_oldest_become_those_of_everybody() -> None:
    clock = Clock()
    known, subjects = made(clock), [new_id() for _ in range(MAX_SUBJECTS + 5)]
    bystander = new_id()
    verifier = TokenVerifier(auth_settings(), revocations=known)
    header = b"Bearer " + token()
    remembered = verifier.authenticate(header)
    known.learn(RevocationList({digest_of(subject): NOW + number for number, subject in enumerate(subjects)}))
    current = known.current()
    assert current is not None
    assert len(current.before) == MAX_SUBJECTS
    assert all(known.refuses(subject, NOW + number - 1) for number, subject in enumerate(subjects))
    assert known.refuses(bystander, NOW + 3)
    assert not known.refuses(bystander, NOW + 4)
    assert verifier.authenticate(header) is not remembered


def test_the_largest_list_can_be_read_back() -> None:
    known = bounded({digest_of(new_id()): NOW for _ in range(MAX_SUBJECTS + 1)})
    assert parse_document(json.dumps(document_of(known)).encode()) == known


GOOD = document_of(RevocationList({digest_of(new_id()): NOW}, 5, 1.5))
MALFORMED: dict[str, object] = {
    "a list": [],
    "nothing": {},
    "no entries": {**GOOD, "before": []},
    "a long digest": {**GOOD, "before": {"x" * 17: 1}},
    "a digest with a line feed": {**GOOD, "before": {"x" * 16 + "\n": 1}},
    "an id": {**GOOD, "before": {str(new_id()): 1}},
    "a second that is text": {**GOOD, "before": {"x" * 16: "1"}},
    "a second that is true": {**GOOD, "before": {"x" * 16: True}},
    "a negative second": {**GOOD, "before": {"x" * 16: -1}},
    "a huge second": {**GOOD, "before": {"x" * 16: 10**300}},
    "a floor that is no number": {**GOOD, "floor": None},
    "a floor with a fraction": {**GOOD, "floor": 1.5},
    "no age": {**GOOD, "age_seconds": None},
    "a negative age": {**GOOD, "age_seconds": -1},
    "an age that is not a number": {**GOOD, "age_seconds": float("nan")},
    "an endless age": {**GOOD, "age_seconds": float("inf")},
    "too many": {**GOOD, "before": {f"{number:016}": 1 for number in range(MAX_SUBJECTS + 1)}},
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_document_of_another_shape_is_refused(kind: str) -> None:
    with pytest.raises(FetchError):
        parse_document(json.dumps(MALFORMED[kind]).encode())


@pytest.mark.parametrize("text", [b"", b"<html>", b"[" * 60_000, b"\xff"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(FetchError):
        parse_document(text)


async def test_what_is_known_holds_while_its_source_fails_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "READ_TIMEOUT_SECONDS", 0.05)
    subject, known, asked = new_id(), Revocations(), asyncio.Event()
    attempts = 0

    async def read() -> RevocationList:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            return RevocationList({digest_of(subject): NOW})
        if attempts == 2:
            raise ConnectionError
        if attempts == 3:
            await asyncio.sleep(60)
        asked.set()
        return RevocationList()

    following = asyncio.create_task(follow(known, read, 0.01))
    await asyncio.wait_for(asked.wait(), 20)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert attempts >= 4
    assert known.refuses(subject, NOW - 1)


async def test_old_knowledge_shows_in_readiness_with_the_age_that_the_source_had() -> None:
    clock = Clock()
    known = made(clock)
    assert known.current() is None
    known.learn(RevocationList(age_seconds=MAX_AGE_SECONDS - 10))
    await known.require_fresh()
    clock.now += 11
    with pytest.raises(RevocationsStaleError):
        await known.require_fresh()
    current = known.current()
    assert current is not None
    assert current.age_seconds == MAX_AGE_SECONDS + 1
    known.learn(RevocationList())
    await known.require_fresh()
