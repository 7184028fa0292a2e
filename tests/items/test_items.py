"""Items over HTTP: who may do what, versions of a resource, and both versions of the API."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from app.features.items.schemas import ItemOut
from app.features.items.schemas_v2 import ItemOutV2
from app.platform.http.application import SlipwayApp
from app.platform.settings import Database
from tests.support.application import Caller
from tests.support.databases import connection

ITEM = {"name": "Lamp", "description": "Brass", "price": "19.90", "tax": "3.78"}


async def created(caller: Caller, **changes: object) -> dict[str, Any]:
    answer = await caller.http.post("/api/v1/items", json=ITEM | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_created_item_is_where_location_says_with_its_etag(alice: Caller) -> None:
    answer = await alice.http.post("/api/v1/items", json=ITEM)
    item = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/items/{item['id']}"
    assert answer.headers["etag"] == '"1"'
    assert item["owner_id"] == str(alice.subject)
    assert {name: item[name] for name in ITEM} == ITEM
    read = await alice.http.get(answer.headers["location"])
    assert read.json() == item
    assert read.headers["etag"] == '"1"'


@pytest.mark.parametrize(("path", "model"), [("/api/v1/items", ItemOut), ("/api/v2/items", ItemOutV2)])
async def test_an_answer_is_exactly_what_its_schema_says(path: str, model: type[ItemOut], alice: Caller) -> None:
    item = await created(alice, tax=None, description=None)
    for answer in (
        (await alice.http.get(f"{path}/{item['id']}")).json(),
        (await alice.http.get(path, params={"owner": str(alice.subject)})).json()["items"][0],
    ):
        assert model.model_validate(answer).model_dump(mode="json") == answer


@pytest.mark.parametrize("price", [19.9, 19, "19.9", "0", 0], ids=repr)
async def test_a_price_is_taken_as_text_or_number_and_given_as_text(price: object, alice: Caller) -> None:
    item = await created(alice, price=price)
    assert item["price"] == f"{Decimal(str(price)):.2f}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("name", None),
        ("description", "\x1b[2J"),
        ("price", "-1"),
        ("price", "1e3"),
        ("price", "1_000"),
        ("price", "NaN"),
        ("price", "١٢"),
        ("price", "9.999"),
        ("price", 1e30),
        ("price", True),
        ("owner_id", "0190163d-8694-739b-aea5-966c26f8ad91"),
        ("version", 7),
    ],
    ids=ascii,
)
async def test_a_bad_field_is_refused_by_name(field: str, value: object, alice: Caller) -> None:
    answer = await alice.http.post("/api/v1/items", json=ITEM | {field: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [f"body.{field}"]


async def test_everybody_with_the_scope_reads_an_item(alice: Caller, bob: Caller) -> None:
    item = await created(alice)
    assert (await bob.http.get(f"/api/v1/items/{item['id']}")).json() == item


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_foreign_item_is_not_changed(method: str, alice: Caller, bob: Caller) -> None:
    item = await created(alice)
    body = None if method == "DELETE" else ITEM
    answer = await bob.http.request(method, f"/api/v1/items/{item['id']}", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:slipway:problem:not-the-owner"
    assert (await alice.http.get(f"/api/v1/items/{item['id']}")).json() == item


async def test_an_administrator_changes_everybodys_items(alice: Caller, app: SlipwayApp) -> None:
    item = await created(alice)
    admin = Caller(app, "items:write", "items:admin")
    async with admin.http:
        answer = await admin.http.patch(
            f"/api/v1/items/{item['id']}", json={"name": "Mended"}, headers={"If-Match": '"1"'}
        )
    assert answer.status_code == 200
    assert answer.json()["owner_id"] == str(alice.subject)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_unknown_item_is_not_found(method: str, alice: Caller) -> None:
    body = ITEM if method in {"PUT", "PATCH"} else None
    answer = await alice.http.request(method, f"/api/v1/items/{uuid4()}", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 404


async def test_put_replaces_the_whole_item(alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.put(
        f"/api/v1/items/{item['id']}", json={"name": "Other", "price": "1"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    assert answer.json() == item | {
        "name": "Other",
        "price": "1.00",
        "description": None,
        "tax": None,
        "version": 2,
        "updated_at": answer.json()["updated_at"],
    }


async def test_patch_tells_absent_from_null(alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.patch(
        f"/api/v1/items/{item['id']}", json={"description": None}, headers={"If-Match": '"1"'}
    )
    assert answer.json()["description"] is None
    assert {name: answer.json()[name] for name in ("name", "price", "tax")} == {
        name: item[name] for name in ("name", "price", "tax")
    }


@pytest.mark.parametrize("field", ["name", "price"])
async def test_patch_does_not_clear_what_an_item_must_have(field: str, alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.patch(f"/api/v1/items/{item['id']}", json={field: None}, headers={"If-Match": '"1"'})
    assert answer.status_code == 422


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_without_if_match_is_refused(method: str, alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.request(method, f"/api/v1/items/{item['id']}", json=ITEM)
    assert answer.status_code == 428


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', '"0", "2"', '"1x"'], ids=repr)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_stale_etag_is_refused(method: str, tag: str, alice: Caller) -> None:
    item = await created(alice)
    body = None if method == "DELETE" else ITEM
    answer = await alice.http.request(method, f"/api/v1/items/{item['id']}", json=body, headers={"If-Match": tag})
    assert answer.status_code == 412
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("tag", ["1", '"1', "", '"1" "2"', "x" * 5000])
async def test_a_malformed_etag_is_a_bad_request(tag: str, alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.patch(f"/api/v1/items/{item['id']}", json={}, headers={"If-Match": tag})
    assert answer.status_code == 400


async def test_of_changes_at_once_only_one_is_made(alice: Caller, database: Database) -> None:
    item = await created(alice)
    url, condition = f"/api/v1/items/{item['id']}", {"If-Match": '"1"'}
    async with connection(database) as held, connection(database) as watching:
        transaction = held.transaction()
        await transaction.start()
        await held.execute("SELECT FROM items.items WHERE id = $1 FOR UPDATE", UUID(item["id"]))
        changes = [
            asyncio.create_task(alice.http.patch(url, json={"name": name}, headers=condition)) for name in "abcdef"
        ]
        waiting = (
            "SELECT count(*) FROM pg_locks "
            "WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
        async with asyncio.timeout(10):
            while await watching.fetchval(waiting) < len(changes):
                await asyncio.sleep(0.01)
        await transaction.rollback()  # at one moment all of them go on
        answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    made = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await alice.http.get(url)).json() == made
    assert made["version"] == 2


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"9", "1"', "*"])
async def test_a_copy_that_is_current_is_not_sent_again(tag: str, alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.get(f"/api/v1/items/{item['id']}", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"1"'


async def test_a_copy_that_is_stale_is_sent_again(alice: Caller) -> None:
    item = await created(alice)
    answer = await alice.http.get(f"/api/v1/items/{item['id']}", headers={"If-None-Match": '"0"'})
    assert answer.status_code == 200


async def test_a_deleted_item_is_gone(alice: Caller) -> None:
    item = await created(alice)
    assert (await alice.http.delete(f"/api/v1/items/{item['id']}")).status_code == 204
    assert (await alice.http.get(f"/api/v1/items/{item['id']}")).status_code == 404


async def test_version_2_gives_a_price_its_currency(alice: Caller) -> None:
    item = await created(alice)
    new = (await alice.http.get(f"/api/v2/items/{item['id']}")).json()
    assert new == item | {"price": {"amount": "19.90", "currency": "EUR"}}


async def test_version_2_takes_what_it_gives(alice: Caller) -> None:
    body = ITEM | {"price": {"amount": "5.00", "currency": "EUR"}}
    made = await alice.http.post("/api/v2/items", json=body)
    assert made.status_code == 201
    assert made.headers["location"] == f"/api/v2/items/{made.json()['id']}"
    url = made.headers["location"]
    patched = await alice.http.patch(url, json={"name": "New"}, headers={"If-Match": '"1"'})
    assert patched.json()["price"] == body["price"]
    replaced = await alice.http.put(url, json=body, headers={"If-Match": '"2"'})
    assert replaced.json()["name"] == "Lamp"
    foreign = body | {"price": {"amount": "5.00", "currency": "USD"}}
    assert (await alice.http.post("/api/v2/items", json=foreign)).status_code == 422


async def test_only_version_1_says_that_it_is_deprecated(alice: Caller, client: httpx2.AsyncClient) -> None:
    item = await created(alice)
    old = await alice.http.get(f"/api/v1/items/{item['id']}")
    assert old.headers["deprecation"] == "@1793491200"
    assert old.headers["sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert '</api/v2/items>; rel="successor-version"' in old.headers["link"]
    refused = await client.get(f"/api/v1/items/{item['id']}")
    assert (refused.status_code, refused.headers["deprecation"]) == (401, "@1793491200")
    assert "deprecation" not in (await alice.http.get(f"/api/v2/items/{item['id']}")).headers


@pytest.mark.parametrize(
    ("method", "scope"), [("GET", "items:write"), ("POST", "items:read"), ("DELETE", "items:read")]
)
async def test_a_token_without_the_scope_is_refused(method: str, scope: str, app: SlipwayApp) -> None:
    caller = Caller(app, scope)
    path = "/api/v2/items" if method == "POST" else f"/api/v2/items/{uuid4()}"
    async with caller.http:
        answer = await caller.http.request(method, path, json=ITEM if method == "POST" else None)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
