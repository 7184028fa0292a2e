"""Lists of items: keyset pages, filters and orders."""

import base64
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import pytest

from tests.support.application import Caller

PRICES = ["3.00", "1.00", "2.00", "1.00", "10.00"]
NAMES = ["pear", "Apple", "100% cotton", "apple_pie", "fig"]


@pytest.fixture
async def items(alice: Caller) -> list[dict[str, Any]]:
    """Five items of Alice, in the order in which they were made."""
    made: list[dict[str, Any]] = []
    for name, price in zip(NAMES, PRICES, strict=True):
        answer = await alice.http.post(
            "/api/v2/items", json={"name": name, "price": {"amount": price, "currency": "EUR"}}
        )
        made.append(answer.json())
    return made


async def pages(caller: Caller, limit: int, **query: str) -> list[list[dict[str, Any]]]:
    """All pages, by following `Link`."""
    found: list[list[dict[str, Any]]] = []
    parameters = {"limit": str(limit), "owner": str(caller.subject), **query}
    answer = await caller.http.get("/api/v2/items", params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        if answer.json()["next"] is None:
            assert "link" not in answer.headers
            return found
        link, _, relation = answer.headers["link"].partition(";")
        assert relation.strip() == 'rel="next"'
        answer = await caller.http.get(link.strip("<>"))


Item = dict[str, Any]


def price(item: dict[str, Any]) -> float:
    return float(item["price"]["amount"])


@pytest.mark.parametrize(
    ("sort", "key"),
    [("created_at", itemgetter("created_at")), ("price", price), ("name", itemgetter("name"))],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.usefixtures("items")
async def test_the_pages_of_every_order_hold_each_item_once(
    sort: str, key: Callable[[Item], object], limit: int, alice: Caller
) -> None:
    ascending = [item for page in await pages(alice, limit, sort=sort) for item in page]
    descending = [item for page in await pages(alice, limit, sort=f"-{sort}") for item in page]
    assert len(ascending) == len(NAMES)
    assert ascending == sorted(ascending, key=lambda item: (key(item), item["id"]))
    assert descending == ascending[::-1]


@pytest.mark.usefixtures("items")
async def test_a_page_is_stable_while_rows_come_and_go(alice: Caller) -> None:
    query = {"owner": str(alice.subject), "limit": "2"}
    first = (await alice.http.get("/api/v2/items", params=query)).json()
    body = {"name": "late", "price": {"amount": "1", "currency": "EUR"}}
    await alice.http.post("/api/v2/items", json=body)
    await alice.http.delete(f"/api/v2/items/{first['items'][1]['id']}")
    second = (await alice.http.get("/api/v2/items", params=query | {"cursor": first["next"]})).json()
    assert [item["name"] for item in first["items"] + second["items"]] == ["fig", "apple_pie", "100% cotton", "Apple"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"min_price": "2"}, {"pear", "100% cotton", "fig"}),
        ({"max_price": "1.00"}, {"Apple", "apple_pie"}),
        ({"min_price": "2", "max_price": "3"}, {"pear", "100% cotton"}),
        ({"q": "APPLE"}, {"Apple", "apple_pie"}),
        ({"q": "%"}, {"100% cotton"}),
        ({"q": "_"}, {"apple_pie"}),
        ({"q": "no such"}, set[str]()),
    ],
)
@pytest.mark.usefixtures("items")
async def test_filters_hold_together(query: dict[str, str], names: set[str], alice: Caller) -> None:
    found = [item for page in await pages(alice, 1, **query) for item in page]
    assert {item["name"] for item in found} == names


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "!!",
        "x",
        encoded("[]"),
        encoded("null"),
        encoded('{"s": "-created_at"}'),
        encoded('{"s": "price", "k": ["1", "0190163d-8694-739b-aea5-966c26f8ad91"]}'),
        encoded('{"s": "-created_at", "k": ["yesterday", "0190163d-8694-739b-aea5-966c26f8ad91"]}'),
        encoded('{"s": "-created_at", "k": ["2026-11-25T03:00:00Z", "1"]}'),
        encoded('{"s": "-created_at", "k": [1, 2]}'),
        encoded('{"s": "-created_at", "k": {"0": 1, "1": 2}}'),
        "A" * 2000,
    ],
)
async def test_a_cursor_that_was_not_made_here_is_refused(cursor: str, alice: Caller) -> None:
    answer = await alice.http.get("/api/v2/items", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.cursor"


@pytest.mark.parametrize(
    "cursor",
    ['{"s": "name", "k": ["a\\u0000b", "0190163d-8694-739b-aea5-966c26f8ad91"]}', '{"s": "price", "k": ["NaN", "x"]}'],
)
async def test_what_a_cursor_holds_is_checked_like_any_input(cursor: str, alice: Caller) -> None:
    sort = "name" if "name" in cursor else "price"
    answer = await alice.http.get("/api/v2/items", params={"cursor": encoded(cursor), "sort": sort})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "9" * 30),
        ("sort", "owner_id"),
        ("owner", "me"),
        ("min_price", "nan"),
        ("q", ""),
        ("q", "a\x00"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(name: str, value: str, alice: Caller) -> None:
    answer = await alice.http.get("/api/v2/items", params={name: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [f"query.{name}"]
