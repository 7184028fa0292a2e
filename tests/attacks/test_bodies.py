"""Bodies that outsiders send: without a token, with the wrong shape, or too many of them at once."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from app.features.users.tokens import TokenIssuer
from app.platform.content_length import MAX_LENGTH, parse_content_length
from app.platform.ids import new_id
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, settings_for
from tests.support.client import Answer, Connection, request
from tests.support.live import live_service
from tests.support.process import Service, scrape

ITEMS = "/api/v2/items"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
LOG_IN = "/api/v1/auth/token"
ONE_MIB = 1024 * 1024
ITEM = "0190a8b6-0000-7000-8000-000000000000"
GOOD = b'{"name": "x", "price": {"amount": "1", "currency": "EUR"}}'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Service]:
    with live_service(tmp_path_factory.mktemp("bodies"), database) as service:
        yield service


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Service]:
    """A service whose bodies may be as large as those of version 0.2."""
    folder = tmp_path_factory.mktemp("roomy")
    with live_service(folder, database, SLIPWAY_HTTP__MAX_BODY_BYTES=str(ONE_MIB)) as service:
        yield service


@pytest.fixture
async def connection(service: Service) -> AsyncIterator[Connection]:
    async with Connection(service.port) as connection:
        yield connection


def bearer(database: Database, *scopes: str) -> str:
    token = TokenIssuer(settings_for(database).auth).issue(new_id(), scopes or ALL_SCOPES)
    return f"Authorization: Bearer {token}"


async def post(service: Service, path: str, body: bytes, *fields: str) -> Answer:
    async with Connection(service.port) as connection:
        connection.send(request(path, "POST", f"Content-Length: {len(body)}", *fields, body=body))
        return await connection.answer()


def brief(value: object) -> str:
    """The id of a parameter: bodies are long."""
    if not isinstance(value, bytes):
        return str(value)
    return f"{len(value)} {value[:16].decode('ascii', 'backslashreplace')}"


def detail(answer: Answer) -> str:
    text: str = json.loads(answer.body)["detail"]
    return text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ITEMS),
        ("PUT", f"/api/v1/items/{ITEM}"),
        ("PATCH", f"{ITEMS}/{ITEM}"),
        ("PATCH", "/api/v1/users/me"),
        ("PUT", "/api/v1/users/me/password"),
    ],
)
async def test_without_a_token_no_body_is_read(connection: Connection, method: str, path: str) -> None:
    connection.send(request(path, method, JSON, "Content-Length: 60000", body=b"{"))
    answer = await connection.answer()
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    connection.send(b" " * 59_999)
    assert (await connection.get("/livez")).status == 200, "the rest of the body is not the next request"


async def test_a_bad_token_is_answered_before_a_chunked_body(connection: Connection) -> None:
    fields = (JSON, "Authorization: Bearer nonsense", "Transfer-Encoding: chunked")
    connection.send(request(ITEMS, "POST", *fields, body=b"4\r\n    \r\n"))
    answer = await connection.answer()
    assert (answer.status, "invalid_token" in answer.headers["www-authenticate"]) == (401, True)
    connection.send(b"0\r\n\r\n")
    assert (await connection.get("/livez")).status == 200


async def test_a_missing_scope_is_answered_before_the_body(connection: Connection, database: Database) -> None:
    connection.send(request(ITEMS, "POST", JSON, bearer(database, "items:read"), "Content-Length: 60000"))
    answer = await connection.answer()
    assert (answer.status, json.loads(answer.body)["type"]) == (403, "urn:slipway:problem:insufficient-scope")


async def test_a_client_that_waits_for_a_100_is_refused_and_closed(connection: Connection) -> None:
    connection.send(request(ITEMS, "POST", JSON, "Content-Length: 100", "Expect: 100-continue"))
    answer = await connection.head()
    assert (answer.status, answer.closes) == (401, True)


async def test_a_good_body_is_still_taken(service: Service, database: Database) -> None:
    for content_type in (JSON, f"{JSON}; charset=utf-8", "content-type: Application/Merge-Patch+JSON"):
        assert (await post(service, ITEMS, GOOD, content_type, bearer(database))).status == 201
    assert (await post(service, ITEMS, b"\xef\xbb\xbf" + GOOD, JSON, bearer(database))).status == 201


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace(b'"name": "x"', b'"name": "x", "name": "y"'),
        GOOD.replace(b'"name": "x"', rb'"name": "x", "\u006eame": "y"'),
        GOOD.replace(b'"amount": "1"', b'"amount": "1", "amount": "2"'),
        b'[[{"a": [{"b": 1, "b": 1}]}]]',
        b'{"": 1, "": 2}',
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
async def test_a_member_that_is_there_twice_is_refused(
    service: Service, database: Database, body: bytes, media_type: str
) -> None:
    answer = await post(service, ITEMS, body, f"Content-Type: {media_type}", bearer(database))
    assert (answer.status, detail(answer)) == (400, "An object of the body has a member twice; send each name once.")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" * 33 + b"]" * 33, "nested deeper"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "nested deeper"),
        (b"[" * 60_000, "values"),
        (b"[[" * 16 + b"[", "nested deeper"),
        (b"[" + b"]" * 60_000, "not valid JSON"),
        (b"[" + b"1," * 2000 + b"1]", "values"),
        (b"[" + b"[]," * 1999 + b"[]]", "values"),
        (b'"' + rb"\"" * 30_000, "not valid JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not valid JSON"),
        (b'{"name": "\xff"}', "not valid JSON"),
        (b'{"name": "\xed\xa0\x80"}', "not valid JSON"),
        (GOOD.decode().encode("utf-16"), "not valid JSON"),
        (GOOD.decode().encode("utf-32-le"), "not valid JSON"),
        (b"\x00", "not valid JSON"),
    ],
    ids=brief,
)
async def test_json_of_the_wrong_shape_is_answered_400(
    service: Service, database: Database, body: bytes, says: str
) -> None:
    answer = await post(service, ITEMS, body, JSON, bearer(database))
    assert answer.status == 400
    assert says in detail(answer)


async def test_commas_and_brackets_of_a_text_do_not_count(service: Service, database: Database) -> None:
    for text in (",[{" * 1300, r"\"[,\\" * 600):
        body = GOOD.replace(b'"name": "x"', f'"name": "x", "description": "{text}"'.encode())
        answer = await post(service, ITEMS, body, JSON, bearer(database))
        assert answer.status in (201, 422), detail(answer)
    nested = b"[" * 32 + b"]" * 32
    assert (await post(service, ITEMS, nested, JSON, bearer(database))).status == 422


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"&".join([b"a=1"] * 101), FORM, 400),
        (b"&".join([b"a=1"] * 100), FORM, 422),
        (b"&" * 60_000, FORM, 400),
        (b"username=%ff&password=x", FORM, 400),
        (b"username=\xff&password=x", FORM, 400),
        (b"username=%ed%a0%80&password=x", FORM, 400),
        (b"username=a&password=x", f"{FORM}; charset=punycode", 415),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 101 + b"--x--", None, 400),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n' * 11 + b"--x--", None, 400),
    ],
    ids=brief,
)
async def test_a_form_has_at_most_a_hundred_fields_of_utf_8(
    service: Service, body: bytes, content_type: str | None, status: int
) -> None:
    answer = await post(service, LOG_IN, body, content_type or "Content-Type: multipart/form-data; boundary=x")
    assert answer.status == status, detail(answer)


MEDIA_TYPES = (
    "",
    "application/json; charset=utf-16",
    "application/json; charset=none",
    "application/json; charset*=x''%ff",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\xff",
    "multipart/form-data; boundary=x; charset=idna",
    "multipart/form-data; boundary=x; charset*=x''idna",
    "\xff/\xff",
    ";",
)


@pytest.mark.parametrize("path", [ITEMS, LOG_IN, "/api/v1/users"])
async def test_what_cannot_be_decoded_is_no_fault_of_the_service(
    connection: Connection, database: Database, path: str
) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--'
    for media_type in MEDIA_TYPES:
        for body in (b"\xff\xfe\x00\xd8", part):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{bearer(database)}\r\nContent-Length: {len(body)}\r\n"
            connection.send(f"{head}Content-Type: {media_type}\r\n\r\n".encode("latin-1") + body)
            assert (await connection.answer()).status in (400, 415, 422), media_type


def cpu_seconds(service: Service) -> float:
    found = re.search(r"^process_cpu_seconds_total (\S+)", scrape(service.metrics_port), re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        (ITEMS, b"{" + b",".join(b'"%d":1' % number for number in range(100_000))[: ONE_MIB - 2] + b"}", JSON),
        (ITEMS, b"[" + b"{}," * 340_000 + b"1]", JSON),
        (ITEMS, b"[" * (ONE_MIB - 1), JSON),
        (ITEMS, b'["' + rb"\",[" * 250_000, JSON),
        (ITEMS, b'"",' * 340_000, JSON),
        (ITEMS, b"{" + b'"' + b"\\" * 1_000_000, JSON),
        (LOG_IN, b"a=1&" * 110_000, FORM),
        (LOG_IN, b"username=" + b"%41" * 21_000, FORM),
        (LOG_IN, b"username=" + b"%41" * 340_000, FORM),
        (LOG_IN, b"--x\r\nA: b\r\n\r\n" * 75_000, "Content-Type: multipart/form-data; boundary=x"),
    ],
    ids=["members", "objects", "depth", "quotes", "strings", "backslashes", "fields", "percents", "more", "parts"],
)
async def test_no_body_keeps_the_event_loop_busy(
    roomy: Service, database: Database, path: str, body: bytes, content_type: str
) -> None:
    before = await asyncio.to_thread(cpu_seconds, roomy)
    for _ in range(5):
        assert (await post(roomy, path, body, content_type, bearer(database))).status in (400, 413, 422)
    # CPU time, which other processes of the machine do not lengthen; twice what is wanted, for a slow one.
    assert (await asyncio.to_thread(cpu_seconds, roomy) - before) / 5 < 0.1


async def test_all_bodies_together_have_a_budget(tmp_path_factory: pytest.TempPathFactory, database: Database) -> None:
    folder = tmp_path_factory.mktemp("budget")
    user = json.dumps({"username": "nobody", "email": "x", "password": "x"}).encode()
    with live_service(folder, database, SLIPWAY_HTTP__MAX_BODY_BYTES_IN_FLIGHT="200000") as service:
        async with AsyncExitStack() as stack:
            holders = [await stack.enter_async_context(Connection(service.port)) for _ in range(3)]
            for holder in holders:
                holder.send(request("/api/v1/users", "POST", JSON, "Content-Length: 65000", body=b" " * 60_000))
            answer = await until_status(service, b" " * 60_000, 503)
            assert answer.headers["retry-after"] == "1"
            assert (await post(service, "/api/v1/users", user, JSON)).status == 422, "small bodies have room"
            holders[0].send(b" " * 5_000)
            assert (await holders[0].answer()).status == 400, "who is within the budget is served"
        shed = re.search(r'requests_shed_total\{reason="body_budget"\} (\S+)', scrape(service.metrics_port))
        assert shed is not None
        assert float(shed[1]) >= 1
        await until_status(service, b" " * 60_000, 400)


async def until_status(service: Service, body: bytes, status: int) -> Answer:
    """The answer of this status, which comes as soon as the service has seen what other connections did."""
    end = time.monotonic() + 20
    while (answer := await post(service, "/api/v1/users", body, JSON)).status != status:
        assert time.monotonic() < end, answer
    return answer


@pytest.mark.parametrize(("text", "length"), [("0", 0), ("0" * 30 + "64", 64), ("9" * 5000, MAX_LENGTH)])
def test_a_length_is_read_whole(text: str, length: int) -> None:
    assert parse_content_length(text) == parse_content_length(text.encode()) == length


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1 ", "1_0", "1,1", "0x1", "1.0", "\u0661", "1\n"])
def test_a_length_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        parse_content_length(text)
