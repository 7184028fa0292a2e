"""Tokens that are no tokens, and good ones in a thousand forms, sent to the real service."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from app.platform.http.single_fields import SINGLE_FIELDS
from app.platform.settings import Database
from tests.support.client import Answer, Connection, request
from tests.support.forge import SIGNING, claims, head, key, pem, token
from tests.support.live import live_service
from tests.support.process import Service, scrape
from tests.support.token_corpus import CORPUS, REFUSED
from tests.support.tools import not_run_here

ITEMS = "/api/v2/items"
FORMS = 1000
SPACES = b" " * 28_000
GROWTH_MIB = 14
"""What a process may grow by; to hold every form would take 27."""
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Service]:
    signing = pem(key(SIGNING)).get_secret_value()
    folder = tmp_path_factory.mktemp("tokens")
    with live_service(folder, database, SLIPWAY_AUTH__SIGNING_KEY=signing) as service:
        yield service


def lookups(service: Service, result: str) -> int:
    found = re.search(rf'cache_requests_total{{cache="tokens",result="{result}"}} (\S+)', scrape(service.metrics_port))
    assert found
    return int(float(found[1]))


def resident_mib(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status")
    if not status.exists():
        not_run_here("/proc", "the memory of a process is read there")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1]) / 1024


async def ask(service: Service, *headers: bytes) -> list[Answer]:
    """The answers to requests with these values of `Authorization`, one after the other on one connection."""
    answers: list[Answer] = []
    async with Connection(service.port) as connection:
        for value in headers:
            connection.send(b"GET %b HTTP/1.1\r\nHost: test\r\nAuthorization: %b\r\n\r\n" % (ITEMS.encode(), value))
            answers.append(await connection.answer())
    return answers


async def answered(service: Service, *fields: str, path: str = ITEMS) -> Answer:
    async with Connection(service.port) as connection:
        connection.send(request(path, "GET", *fields))
        return await connection.answer()


async def test_a_good_token_behind_spaces_is_refused_and_not_kept(service: Service) -> None:
    mallory, bystander = token(), b"Bearer " + token()
    # A warm service, so that what is measured is what the forms leave behind.
    assert {answer.status for answer in await ask(service, *[b"Bearer " + mallory, bystander] * 50)} == {200}
    before = resident_mib(service)
    forms = [b"Bearer " + SPACES + b" " * number + mallory for number in range(FORMS)]
    assert {answer.status for answer in await ask(service, *forms)} == {401}
    assert resident_mib(service) - before < GROWTH_MIB
    hits = lookups(service, "hit")
    assert [answer.status for answer in await ask(service, bystander)] == [200]
    assert lookups(service, "hit") == hits + 1


async def test_one_token_is_kept_once_however_its_scheme_is_written(service: Service) -> None:
    misses, good = lookups(service, "miss"), token()
    schemes = ["".join(letters).encode() for letters in product(*zip("bearer", "BEARER", strict=True))]
    assert {answer.status for answer in await ask(service, *(scheme + b" " + good for scheme in schemes))} == {200}
    assert lookups(service, "miss") == misses + 1


@pytest.mark.parametrize("between", [b"  ", b"\t", b" \t", b"", b",", b"="])
async def test_only_one_space_is_between_scheme_and_token(between: bytes, service: Service) -> None:
    [answer] = await ask(service, b"Bearer" + between + token())
    # Without a space it is another scheme, which is no bearer token at all.
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", [ITEMS, "/livez"])
async def test_two_authorization_fields_are_refused_whichever_is_good(path: str, service: Service) -> None:
    good, bad = f"Authorization: Bearer {token().decode()}", "authorization: Bearer bad"
    for pair in (
        (good, bad),
        (bad, good),
        (good, good),
        (good, "Authorization: "),
        (good, "AUTHORIZATION: Basic YTpi"),
    ):
        answer = await answered(service, *pair, path=path)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
        assert b"authorization" in answer.body


async def test_a_websocket_handshake_with_two_tokens_is_refused(service: Service) -> None:
    field = f"Authorization: Bearer {token().decode()}"
    assert (await answered(service, *HANDSHAKE, field, path="/sockets")).status == 404
    assert (await answered(service, *HANDSHAKE, field, field, path="/sockets")).status == 400


@pytest.mark.parametrize("name", sorted(SINGLE_FIELDS - {b"content-length"}))
async def test_a_field_with_one_value_is_taken_once(name: bytes, service: Service) -> None:
    field = f"{name.decode()}: test"
    assert (await answered(service, field, "X-Between: 1", field, path="/livez")).status == 400


async def test_lists_and_labels_may_be_repeated(service: Service) -> None:
    parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for field in (parent, 'If-None-Match: "1"', "X-Forwarded-For: 192.0.2.1", "Accept: */*", "X-Request-ID: abc"):
        assert (await answered(service, field, field, path="/livez")).status == 200


def _fits_a_header(value: bytes) -> bool:
    return len(value) < 8000 and not re.search(rb"[\x00-\x1f\x7f]", value)


async def test_no_token_ends_a_connection_without_an_answer(service: Service) -> None:
    tokens = [REFUSED[reason][name] for name, reason in CORPUS]
    odd: list[object] = [None, True, 1e308, 10**4000, -(10**400), 2**63, [], {}, [[]] * 50, "\0", "\ud800", {"a": [1]}]
    tokens += [
        token(payload=claims(**{name: value}))
        for name, value in product(("iss", "aud", "sub", "jti", "iat", "nbf", "exp", "scope"), odd)
        if value is not None or name != "nbf"
    ]
    tokens += [token(head(**{name: value})) for name, value in product(("alg", "typ", "kid", "crit"), odd[1:])]
    sent = [b"Bearer " + value for value in tokens if _fits_a_header(value)]
    assert len(sent) > 150
    for answer in await ask(service, *sent):
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def test_many_at_once_are_answered(service: Service) -> None:
    results = await asyncio.gather(
        *(ask(service, *[b"Bearer " + value] * 5) for value in (token(), b"x", b"a.b.c") * 5)
    )
    assert {answer.status for answers in results for answer in answers} == {200, 401}
