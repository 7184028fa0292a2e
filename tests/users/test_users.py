"""Users over HTTP: registering, seeing and changing oneself."""

import asyncio
import json
from uuid import UUID

import httpx2
import pytest

from app.features.users.settings import AccountSettings
from app.platform.http.application import SlipwayApp
from app.platform.http.scopes import undeclared
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, running_app, settings_for
from tests.support.databases import connection
from tests.support.people import PASSWORD, bearer, log_in, new_user, registered

ME = "/api/v1/users/me"


async def test_a_new_user_may_read_and_write_with_every_feature(client: httpx2.AsyncClient) -> None:
    body = new_user(full_name="Zoe\u0308 Quinn", age=33)
    answer = await client.post("/api/v1/users", json=body)
    assert answer.status_code == 201
    assert answer.headers["location"] == ME
    user = answer.json()
    assert list(user) == ["id", "username", "email", "full_name", "age", "disabled", "scopes", "created_at"]
    assert (user["username"], user["email"], user["age"]) == (body["username"], body["email"], 33)
    assert user["full_name"] == "Zo\u00eb Quinn"
    assert user["disabled"] is False
    assert user["scopes"] == list(ALL_SCOPES)
    assert user["created_at"].endswith("Z")
    assert UUID(user["id"]).version == 7


async def test_what_was_made_is_what_location_shows(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/users", json=(body := new_user()))
    headers = await bearer(client, str(body["username"]))
    seen = await client.get(answer.headers["location"], headers=headers)
    assert (seen.status_code, seen.json()) == (200, answer.json())


async def test_the_stored_hash_is_argon2id_and_never_leaves(client: httpx2.AsyncClient, database: Database) -> None:
    user = await registered(client)
    async with connection(database) as held:
        row = await held.fetchrow("SELECT * FROM users.users WHERE id = $1", UUID(user["id"]))
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")
    assert "password" not in str(user)
    assert "argon2" not in str(user)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"), ("username", "a" * 51), ("username", "a b"), ("username", "\u00e4\u00e4\u00e4"),
        ("username", "abc\n"), ("username", "abc\0"), ("username", "\ud800bc"), ("username", None), ("username", 123),
        ("username", "\u0661\u0662\u0663"), ("email", "nobody"), ("email", "a@b.co\0"), ("email", "a" * 250 + "@b.co"),
        ("password", "short"), ("password", "x" * 129), ("password", "password1"), ("password", 12345678),
        ("password", "\ud800" * 8), ("age", -1), ("age", 151), ("age", "33"), ("age", True), ("age", 1e400),
        ("full_name", ""), ("full_name", " "), ("full_name", "a\0"), ("full_name", "x" * 201), ("scopes", ["a:admin"]),
        ("disabled", True), ("id", "0190163d-8694-739b-aea5-966c26f8ad91"),
    ],
    ids=ascii,
)  # fmt: skip
async def test_a_bad_field_is_refused_by_name(field: str, value: object, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/users", content=_json(new_user(**{field: value})), headers=_JSON)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [f"body.{field}"]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_password_like_the_names_is_refused(client: httpx2.AsyncClient) -> None:
    for password in ("Longname1", "longname1", "long.name@example.org"):
        body = new_user(username="LongName1", email="long.name@example.org", password=password)
        answer = await client.post("/api/v1/users", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "body.password"
        assert password not in answer.text


async def test_a_name_is_taken_in_any_case(client: httpx2.AsyncClient) -> None:
    user = await registered(client, username="TakenName")
    answer = await client.post("/api/v1/users", json=new_user(username="takenNAME"))
    assert user["username"] == "TakenName"
    assert (answer.status_code, answer.json()["detail"]) == (409, "The user name is taken.")


async def test_registering_says_the_same_for_the_address_of_another(client: httpx2.AsyncClient) -> None:
    taken = (await registered(client))["email"]
    for email in (taken, taken.replace("user", "USER"), "free.address@example.org"):
        body = new_user(email=email)
        answer = await client.post("/api/v1/users", json=body)
        assert (answer.status_code, answer.json()["email"]) == (201, email)
        assert (await log_in(client, str(body["username"]))).status_code == 200


async def test_nobody_registers_where_registration_is_closed(database: Database) -> None:
    async with running_app(settings_for(database), AccountSettings(registration="closed")) as app:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            bodies: list[object] = [new_user(), new_user(email="no address"), {}, []]
            for body in bodies:
                answer = await client.post("/api/v1/users", json=body)
                assert (answer.status_code, answer.json()["type"]) == (403, "urn:slipway:problem:registration-closed")


async def test_of_many_at_once_one_gets_the_name(client: httpx2.AsyncClient) -> None:
    bodies = [new_user(username="Contested") for _ in range(20)]
    answers = await asyncio.gather(*(client.post("/api/v1/users", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_a_patch_tells_absent_from_null(client: httpx2.AsyncClient) -> None:
    user = await registered(client, full_name="Ada", age=36)
    headers = await bearer(client, user["username"])
    changed = await client.patch(ME, json={"age": None}, headers=headers)
    assert (changed.status_code, changed.json()) == (200, user | {"age": None})
    changed = await client.patch(ME, json={"full_name": "Ada L.", "age": 37}, headers=headers)
    assert changed.json() == user | {"full_name": "Ada L.", "age": 37}
    changed = await client.patch(ME, json={}, headers=headers)
    assert changed.json() == user | {"full_name": "Ada L.", "age": 37}
    assert (await client.get(ME, headers=headers)).json() == changed.json()


@pytest.mark.parametrize(
    "change", [{"email": None}, {"username": "other"}, {"scopes": []}, {"disabled": False}, {"password": PASSWORD}, []]
)
async def test_a_patch_changes_nothing_else(change: object, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    assert (await client.patch(ME, json=change, headers=headers)).status_code == 422
    assert (await client.get(ME, headers=headers)).json() == user


async def test_a_change_says_the_same_for_the_address_of_another(client: httpx2.AsyncClient) -> None:
    user, other = await registered(client), await registered(client)
    headers = await bearer(client, user["username"])
    proof = {"current_password": PASSWORD}
    for email in (other["email"], other["email"].replace("user", "USER"), "another.free@example.org"):
        changed = await client.patch(ME, json=proof | {"email": email}, headers=headers)
        assert (changed.status_code, changed.json()) == (200, user | {"email": email})


@pytest.mark.parametrize(
    ("proof", "status"),
    [({}, 403), ({"current_password": ""}, 422), ({"current_password": "not it"}, 403)],
)
async def test_an_address_needs_the_password(proof: dict[str, str], status: int, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    answer = await client.patch(ME, json=proof | {"email": "thief@example.org", "age": 7}, headers=headers)
    assert answer.status_code == status
    assert (await client.get(ME, headers=headers)).json() == user
    if status == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["body.current_password"]


async def test_only_the_new_password_logs_in_after_a_change(client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    change = {"current_password": PASSWORD, "new_password": "another horse battery"}
    answer = await client.put(f"{ME}/password", json=change, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await log_in(client, user["username"], "another horse battery")).status_code == 200
    assert (await log_in(client, user["username"], PASSWORD)).status_code == 400


@pytest.mark.parametrize(
    ("current", "new", "status"),
    [
        ("not the password", "another horse battery", 403),
        (PASSWORD, "iloveyou", 422),
        (PASSWORD, "short", 422),
        ("", "another horse battery", 422),
        ("x" * 129, "another horse battery", 422),
        (PASSWORD, "\ud800" * 8, 422),
    ],
    ids=ascii,
)
async def test_a_password_stays_when_its_change_is_refused(
    current: str, new: str, status: int, client: httpx2.AsyncClient
) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    body = _json({"current_password": current, "new_password": new})
    answer = await client.put(f"{ME}/password", content=body, headers=headers | _JSON)
    assert answer.status_code == status, answer.text
    assert (await log_in(client, user["username"])).status_code == 200


async def test_of_two_changes_at_once_one_wins(client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    passwords = [f"another horse battery {number}" for number in range(6)]
    answers = await asyncio.gather(
        *(
            client.put(f"{ME}/password", json={"current_password": PASSWORD, "new_password": new}, headers=headers)
            for new in passwords
        )
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    # The others met the change before it was made (409) or after (the current password is wrong by then).
    assert set(statuses) <= {204, 403, 409}
    winner = passwords[statuses.index(204)]
    assert (await log_in(client, user["username"], winner)).status_code == 200


@pytest.mark.parametrize("fate", ["DELETE FROM users.users", "UPDATE users.users SET disabled = true"])
async def test_the_token_of_a_user_who_is_gone_is_invalid(
    fate: str, client: httpx2.AsyncClient, database: Database
) -> None:
    user = await registered(client)
    headers = await bearer(client, user["username"])
    async with connection(database) as held:
        await held.execute(f"{fate} WHERE id = $1", UUID(user["id"]))
    change = {"current_password": PASSWORD, "new_password": "another horse battery"}
    for answer in (
        await client.get(ME, headers=headers),
        await client.patch(ME, json={"age": 3}, headers=headers),
        await client.put(f"{ME}/password", json=change, headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert answer.json()["type"] == "urn:slipway:problem:invalid-token"


@pytest.mark.parametrize(("method", "path"), [("GET", ME), ("PATCH", ME), ("PUT", f"{ME}/password")])
async def test_without_the_scope_nothing_is_seen_or_changed(method: str, path: str, client: httpx2.AsyncClient) -> None:
    user = await registered(client)
    scope = "users:write" if method == "GET" else "users:read"
    headers = await bearer(client, user["username"], scope=f"{scope} items:read")
    answer = await client.request(method, path, json={}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:slipway:problem:insufficient-scope")
    answer = await client.request(method, path, json={})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    answer = await client.request(method, path, json={}, headers={"Authorization": "Basic dXNlcjpwYXNz"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    answer = await client.request(method, f"{path}?access_token={headers['Authorization'][7:]}", json={})
    assert answer.status_code == 401


async def test_every_route_of_the_service_says_a_scope_or_that_it_is_public(app: SlipwayApp) -> None:
    assert undeclared(app.routes) == []


_JSON = {"Content-Type": "application/json"}


def _json(body: object) -> bytes:
    """With lone surrogates and infinities, which clients may send but the client library does not."""
    return json.dumps(body).encode()
