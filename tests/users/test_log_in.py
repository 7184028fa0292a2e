"""The log-in form: tokens with the scopes asked for, and no hint on what was wrong."""

import asyncio
import time
from collections.abc import Mapping
from uuid import UUID

import httpx2
import pytest

from app.features.users.settings import PasswordSettings
from app.platform.auth.principal import Principal
from app.platform.http.application import SlipwayApp
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, running_app, settings_for
from tests.support.databases import connection
from tests.support.people import PASSWORD, bearer, log_in, registered, without_instance

TOKEN = "/api/v1/auth/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_token_says_who_for_how_long_and_what_for(app: SlipwayApp, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    answer = await log_in(client, user["username"])
    token = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert list(token) == ["access_token", "token_type", "expires_in", "scope"]
    assert (token["token_type"], token["expires_in"]) == ("bearer", app.resources.settings.auth.token_seconds)
    assert token["scope"] == " ".join(ALL_SCOPES)
    assert app.resources.verifier is not None
    principal = app.resources.verifier.authenticate(f"Bearer {token['access_token']}".encode())
    assert isinstance(principal, Principal)
    assert principal.subject == UUID(user["id"])
    assert principal.scopes == set(token["scope"].split())
    assert abs(principal.expires_at - time.time() - token["expires_in"]) < 5


async def test_each_token_has_an_id_of_its_own(client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    assert await bearer(client, user["username"]) != await bearer(client, user["username"])


async def test_the_user_name_is_taken_in_any_case(client: httpx2.AsyncClient) -> None:
    user = await registered(client, username="MixedCase")
    for name in ("mixedcase", "MIXEDCASE"):
        headers = await bearer(client, name)
        assert (await client.get("/api/v1/users/me", headers=headers)).json() == user


@pytest.mark.parametrize("grant_type", [None, "", "password"])
async def test_the_grant_type_is_password_or_absent(grant_type: str | None, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    fields = {} if grant_type is None else {"grant_type": grant_type}
    assert (await log_in(client, user["username"], **fields)).status_code == 200


async def test_another_grant_type_is_not_supported(client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    answer = await log_in(client, user["username"], grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_fields_that_are_not_known_are_ignored(client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    answer = await log_in(client, user["username"], client_id="docs", client_secret="", state="x")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("items:read", "items:read"),
        ("users:write items:read", "users:write items:read"),
        ("items:read items:read", "items:read"),
        ("  items:read  ", "items:read"),
    ],
)
async def test_a_token_may_have_fewer_scopes(asked: str, got: str, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    answer = await log_in(client, user["username"], scope=asked)
    assert (answer.status_code, answer.json().get("scope")) == (200, got)


@pytest.mark.parametrize("scope", ["items:admin", "unknown:read", "items:read nonsense", "\u00e4", '"'])
async def test_a_token_has_no_scope_that_the_user_lacks(scope: str, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    answer = await log_in(client, user["username"], scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_wrong_password_an_unknown_and_a_disabled_user_look_the_same(
    client: httpx2.AsyncClient, database: Database
) -> None:
    user, disabled = await registered(client), await registered(client)
    async with connection(database) as held:
        await held.execute("UPDATE users.users SET disabled = true WHERE id = $1", UUID(disabled["id"]))
    answers = [
        await log_in(client, user["username"], "not the password"),
        await log_in(client, "nobodyatall"),
        await log_in(client, disabled["username"]),
        await log_in(client, disabled["username"], "not the password"),
    ]
    first, *others = answers
    assert first.status_code == 400
    assert without_instance(first) == {
        "type": "urn:slipway:problem:invalid-grant",
        "title": "Bad Request",
        "status": 400,
        "detail": "The user name or the password is wrong.",
        "error": "invalid_grant",
        "error_description": "The user name or the password is wrong.",
    }
    for answer in others:
        assert answer.status_code == 400
        assert without_instance(answer) == without_instance(first)
        assert _comparable(answer.headers) == _comparable(first.headers)


def _comparable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-request-id"}


async def test_a_log_in_replaces_a_hash_of_another_cost(client: httpx2.AsyncClient, database: Database) -> None:
    user = await registered(client)
    costly = PasswordSettings(memory_kib=16, iterations=2)
    async with running_app(settings_for(database), costly) as dearer:
        transport = httpx2.ASGITransport(dearer)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as other:
            assert (await log_in(other, user["username"])).status_code == 200
            async with connection(database) as held:
                stored = await held.fetchval("SELECT password_hash FROM users.users WHERE id = $1", UUID(user["id"]))
            assert stored.startswith("$argon2id$v=19$m=16,t=2,p=1$")
            assert (await log_in(other, user["username"])).status_code == 200
            assert (await log_in(other, user["username"], "not the password")).status_code == 400


async def test_log_ins_beyond_the_waiting_room_are_told_to_come_back(database: Database) -> None:
    narrow = PasswordSettings(memory_kib=8 * 1024, iterations=1, slots=1, waiting=1)
    async with running_app(settings_for(database), narrow) as app:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = await asyncio.gather(*(log_in(client, "nobodyatall") for _ in range(8)))
            statuses = [answer.status_code for answer in answers]
            assert set(statuses) == {400, 429}
            assert statuses.count(400) >= 2
            assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 429)
            value = app.resources.telemetry.registry.get_sample_value
            shed = value("http_server_requests_shed_total", {"reason": "log_in_slots"})
            assert shed == statuses.count(429)
            assert (await log_in(client, "nobodyatall")).status_code == 400


@pytest.mark.parametrize(
    "form",
    [
        b"", b"&&&", b"=", b"username", b"username=a", b"password=x", b"username=&password=",
        b"username=%00&password=x",
        b"username=%ed%a0%80&password=x", b"username=%ff%fe&password=%ff", b"username=%F0%9F%98%80&password=x", b"%",
        b"username=a%00b&password=%00", b"username[]=a&password[]=b", b"username=a&username=b&password=c&password=d",
        b"username=" + b"a" * 900_000 + b"&password=x", b"username=a&password=" + b"x" * 900_000,
        b"username=a&password=x&scope=" + b"s" * 900_000, b"username=a&password=x&grant_type=" + b"g" * 5000,
        b"a=b&" * 2000 + b"username=a&password=x", b"username=' OR 1=1 --&password=x", b"\xff\xfe\x00", b"{}",
        b"username=a\r\nX: y&password=x", b";" * 1000,
    ],
    ids=lambda form: ascii(form[:40]) + str(len(form)),
)  # fmt: skip
async def test_a_hostile_form_is_refused_and_nothing_breaks(form: bytes, client: httpx2.AsyncClient) -> None:
    answer = await client.post(TOKEN, content=form, headers=FORM)
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", b'{"username": "a", "password": "b"}'),
        ("application/json", b"{"),
        ("text/plain", b"username=a&password=b"),
        ("", b"username=a&password=b"),
        ("multipart/form-data", b"username=a&password=b"),
        ("multipart/form-data; boundary=", b"--\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\na\r\n--x--\r\n',
        ),
        ("application/x-www-form-urlencoded; charset=utf-16", "username=a&password=b".encode("utf-16")),
    ],
    ids=["json", "broken json", "text", "none", "no boundary", "empty boundary", "no head", "a file", "UTF-16"],
)
async def test_another_kind_of_body_is_refused_and_nothing_breaks(
    media_type: str, body: bytes, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(TOKEN, content=body, headers={"Content-Type": media_type})
    assert answer.status_code in {400, 415, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nothing_secret_is_in_an_answer(client: httpx2.AsyncClient) -> None:
    for form in (
        {"username": "a\0", "password": "marker-of-a-secret"},
        {"username": "nobodyatall", "password": "marker-of-a-secret"},
        {"username": "nobodyatall", "password": "marker-of-a-secret", "scope": "\0"},
        {"username": "nobodyatall", "password": "marker-of-a-secret" * 10},
    ):
        answer = await client.post(TOKEN, data=form)
        assert answer.status_code in {400, 422}
        assert "marker" not in answer.text


async def test_the_document_lets_the_docs_page_log_in(client: httpx2.AsyncClient) -> None:
    flow = (await client.get("/openapi.json")).json()["components"]["securitySchemes"]["OAuth2"]["flows"]["password"]
    assert flow["tokenUrl"] == TOKEN.lstrip("/")  # relative, so that it works behind a prefix
    assert set(flow["scopes"]) >= {"items:read", "items:write", "users:read", "users:write"}
    assert set(flow["scopes"]) <= set(ALL_SCOPES)
    assert (await client.post(TOKEN, data={"username": "a", "password": PASSWORD})).status_code == 400
