"""What each input type takes and refuses, at its edges."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar
from uuid import UUID

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from app.platform.types import (
    Email,
    Id,
    Instant,
    Integer,
    Money,
    MoneyParameter,
    Secret,
    StrictInput,
    Text,
)

NAME = TypeAdapter[str](Annotated[str, Text(min_length=1, max_length=5)])
LINES = TypeAdapter[str](Annotated[str, Text(max_length=20, lines=True)])
MONEY = TypeAdapter[Decimal](Money)
EMAIL = TypeAdapter[str](Email)
ID = TypeAdapter[UUID](Id)
INSTANT = TypeAdapter[datetime](Instant)


Value = TypeVar("Value")


def refused(adapter: TypeAdapter[Value], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return True
    return False


def test_text_is_stored_composed() -> None:
    assert NAME.validate_python("e\u0301") == "\u00e9"


def test_text_counts_code_points() -> None:
    assert NAME.validate_python("\U0001f600" * 5) == "\U0001f600" * 5
    assert refused(NAME, "\U0001f600" * 6)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "\u00a0\u3000",
        "a\0",
        "a\n",
        "\ta",
        "a\x7f",
        "a\x85",
        "a\x1b[0m",
        "\ud800",
        "abcdef",
        1,
        None,
        b"a",
        ["a"],
    ],
    ids=ascii,
)
def test_a_name_is_refused(value: object) -> None:
    assert refused(NAME, value)


def test_text_of_lines_takes_tabs_and_line_feeds_and_may_be_empty() -> None:
    assert LINES.validate_python("a\n\tb\n") == "a\n\tb\n"
    assert LINES.validate_python("") == ""
    for value in ("a\r\nb", "\x0b", "\0"):
        assert refused(LINES, value)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("19.99", "19.99"),
        ("0", "0.00"),
        ("5.1", "5.10"),
        ("9999999999.99", "9999999999.99"),
        (19.99, "19.99"),
        (0.1, "0.10"),
        (-0.0, "0.00"),
        (7, "7.00"),
        (9999999999.99, "9999999999.99"),
        (1e3, "1000.00"),
        (Decimal("2.5"), "2.50"),
    ],
    ids=ascii,
)
def test_money_is_taken_and_given_back_as_text(value: object, amount: str) -> None:
    money = MONEY.validate_python(value)
    assert money == Decimal(amount)
    assert json.loads(MONEY.dump_json(money)) == amount


@pytest.mark.parametrize(
    "value",
    [
        "1e3", "1_000", "\u0663", "NaN", "Infinity", "-Infinity", "sNaN", "1.", ".5", "+1", "-1", "-0", "01",
        "1.234", "1\n", " 1", "1 ", "", "0x10", "1,5", "10000000000", "9999999999.991", True, False, 0.005,
        19.999, -0.01, 1e300, 1e-300, float("nan"), float("inf"), 10**10, 10**400, -1, None, [], {}, b"1",
        Decimal("NaN"), Decimal("0.001"),
    ],
    ids=ascii,
)  # fmt: skip
def test_money_is_refused(value: object) -> None:
    assert refused(MONEY, value)


def test_money_in_a_query_is_the_same_text() -> None:
    assert TypeAdapter[Decimal](MoneyParameter).validate_python("1.5") == Decimal("1.50")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("joe@example.org", "joe@example.org"),
        ("Joe.O'Neill+tag@Mail.EXAMPLE.org", "Joe.O'Neill+tag@mail.example.org"),
        ("a@b.co", "a@b.co"),
        ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        (
            f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org",
            f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org",
        ),
    ],
    ids=ascii,
)
def test_an_address_is_taken_and_its_domain_lowered(value: str, kept: str) -> None:
    assert EMAIL.validate_python(value) == kept


@pytest.mark.parametrize(
    "value",
    [
        "", "a", "@", "a@", "@b.co", "a@b", "a@b.", "a@.co", "a@b..co", ".a@b.co", "a.@b.co", "a..b@c.co",
        "a@-b.co", "a@b-.co", "a b@c.co", "a@b.co\n", "a@b.co\0", "\u00e4@b.co", "a@b\u00fccher.de",
        "a@b.co@c.co", "a@b.12", "a@[127.0.0.1]", '"a b"@c.co', "<a@b.co>", f"a@{'b' * 64}.co",
        "a" * 250 + "@b.co", 1, None,
    ],
    ids=ascii,
)  # fmt: skip
def test_an_address_is_refused(value: object) -> None:
    assert refused(EMAIL, value)


def test_an_id_has_one_form() -> None:
    text = "0190163d-8694-739b-aea5-966c26f8ad91"
    assert ID.validate_python(text) == ID.validate_python(text.upper()) == UUID(text)
    for value in (
        text.replace("-", ""),
        f"{{{text}}}",
        f"urn:uuid:{text}",
        f"{text}\n",
        "",
        1,
        text.encode(),
    ):
        assert refused(ID, value)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-25T03:00:00Z", datetime(2026, 11, 25, 3, tzinfo=UTC)),
        ("2026-11-25T03:00:00.123456+05:30", datetime(2026, 11, 24, 21, 30, 0, 123456, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        ("9999-12-31T23:59:59+23:59", datetime(9999, 12, 31, 0, 0, 59, tzinfo=UTC)),
    ],
    ids=ascii,
)
def test_a_time_becomes_utc(value: str, instant: datetime) -> None:
    parsed = INSTANT.validate_python(value)
    assert parsed == instant
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-25T03:00:00", "2026-11-25", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-11-25T24:00:00Z",
        "2026-11-25T23:59:60Z", "2026-11-25T03:00:00.1234567Z", "2026-11-25T03:00:00+24:00",
        "2026-11-25 03:00:00Z", "20261125T030000Z", "+10000-01-01T00:00:00Z", "now", "1764039600", 1764039600,
        1e9, "", None,
        datetime(2026, 11, 25), "2026-11-25T03:00:00Z\n", "\u0662026-11-25T03:00:00Z",  # noqa: DTZ001
    ],
    ids=ascii,
)  # fmt: skip
def test_a_time_is_refused(value: object) -> None:
    assert refused(INSTANT, value)


def test_integers_end_where_their_columns_end() -> None:
    for edge in (2**31, 2**63):
        kind = TypeAdapter[int](Annotated[int, Integer(-edge, edge - 1)])
        assert [kind.validate_python(value) for value in (-edge, edge - 1)] == [-edge, edge - 1]
        assert refused(kind, -edge - 1)
        assert refused(kind, edge)
        assert refused(kind, float(edge))


class Body(StrictInput):
    """A body with one field of each kind."""

    count: Annotated[int, Integer(0, 9)] = 0
    name: Annotated[str, Text(min_length=1, max_length=5)] = "a"
    secret: Annotated[SecretStr, Secret(min_length=8, max_length=10)] = SecretStr("12345678")
    price: Money = Decimal()
    item: Id | None = None
    at: Instant | None = None


@pytest.mark.parametrize(
    "members",
    [
        {"count": "1"},
        {"count": True},
        {"count": 1.5},
        {"name": 1},
        {"secret": 12345678},
        {"other": 1},
        {"item": 1},
    ],
)
def test_a_body_converts_nothing_and_has_no_other_members(members: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate(members)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert Body.model_validate({"count": 2.0}).count == 2


def test_a_body_takes_text_where_json_has_no_type_of_its_own() -> None:
    body = Body.model_validate(
        {"price": "1.5", "item": "0190163d-8694-739b-aea5-966c26f8ad91", "at": "2026-11-25T03:00:00Z"}
    )
    assert body.price == Decimal("1.50")


@pytest.mark.parametrize("value", ["sesame", "x" * 11, "\ud800" * 8])
def test_a_secret_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate({"secret": value})
    assert value not in str(caught.value)


def test_a_secret_takes_any_character_and_hides_it() -> None:
    body = Body.model_validate({"secret": "pass\0\nwörd"})
    assert body.secret.get_secret_value() == "pass\0\nwörd"
    assert "pass" not in repr(body)
