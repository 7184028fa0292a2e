"""Types of client input: each is bounded, and its JSON schema describes exactly what it accepts (ASVS 2.2.1).

A body is a `StrictInput`, which does not accept `"12"` as a number; parameters and forms arrive as text and are
parsed.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class StrictInput(BaseModel):
    """Base of JSON bodies: no unknown member, no conversion between types, no echo of the input in errors."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


CONTROL = r"\x00-\x1f\x7f-\x9f"
CONTROL_EXCEPT_LINES = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
BLANK = r"\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@dataclass(frozen=True, slots=True)
class Text:
    """Marks a `str`: length in code points, no control character, stored in Unicode's form NFC.

    A text that must not be empty must not be blank either. Lone surrogates are refused. The length is that of the
    input, since a schema cannot express the effect of normalization.
    """

    max_length: int
    min_length: int = 0
    lines: bool = False
    """Whether tabs and line feeds are allowed."""

    def __get_pydantic_core_schema__(self, source: type[str], handler: GetCoreSchemaHandler) -> CoreSchema:
        control = re.compile(f"[{CONTROL_EXCEPT_LINES if self.lines else CONTROL}]")

        def check(value: str) -> str:
            if control.search(value):
                raise PydanticCustomError("text_control", "Text should not hold control characters")
            if value.isspace() and self.min_length:
                raise PydanticCustomError("text_blank", "Text should not be blank")
            return value if value.isascii() else unicodedata.normalize("NFC", value)

        bounded = core_schema.str_schema(min_length=self.min_length, max_length=self.max_length, strict=True)
        return core_schema.no_info_after_validator_function(check, bounded)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        some = f"[^{CONTROL_EXCEPT_LINES if self.lines else CONTROL}]*"
        pattern = f"^{some}[^{CONTROL}{BLANK}]{some}$" if self.min_length else f"^{some}$"
        return {**handler(schema), "pattern": pattern}


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a `SecretStr`: length in code points, any character, never shown in logs or errors."""

    max_length: int
    min_length: int = 1

    def __get_pydantic_core_schema__(self, source: type[SecretStr], handler: GetCoreSchemaHandler) -> CoreSchema:
        bounded = core_schema.str_schema(min_length=self.min_length, max_length=self.max_length, strict=True)
        return core_schema.no_info_after_validator_function(SecretStr, bounded)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "format": "password", "writeOnly": True}


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = rf"^(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?$"
_email = re.compile(EMAIL.removesuffix("$"))


def _check_email(value: str) -> str:
    if not _email.fullmatch(value):
        raise PydanticCustomError("email", "Input should be an e-mail address, as in name@example.org")
    local, _, domain = value.rpartition("@")
    return f"{local}@{domain.lower()}"


Email = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email", "pattern": EMAIL}),
    AfterValidator(_check_email),
]
"""An address as browsers accept it (HTML, "valid e-mail address"), but with dots only between atoms, and with a
domain of two labels or more, which is lowercased. Whether it exists is not checked: there is no DNS query."""


@dataclass(frozen=True, slots=True)
class Integer:
    """Marks an `int` with its range. `2.0` is accepted as 2, since JSON has one number type."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: type[int], handler: GetCoreSchemaHandler) -> CoreSchema:
        bounded = core_schema.int_schema(ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(_whole, bounded)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _CanonicalUuid:
    def __get_pydantic_core_schema__(self, source: type[UUID], handler: GetCoreSchemaHandler) -> CoreSchema:
        # Of the forms that Pydantic accepts (braces, `urn:uuid:`, 32 digits) only the canonical one has this length.
        text = core_schema.str_schema(min_length=36, max_length=36, strict=True)
        return core_schema.custom_error_schema(
            core_schema.chain_schema([text, core_schema.uuid_schema(strict=False)]),
            custom_error_type="uuid",
            custom_error_message="Input should be a UUID, as in 0190163d-8694-739b-aea5-966c26f8ad91",
        )


Id = Annotated[UUID, _CanonicalUuid(), WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id in canonical form."""


INSTANT = (
    r"^(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)
_instant = re.compile(INSTANT.removesuffix("$"))


def _parse_instant(value: object) -> datetime:
    try:
        if isinstance(value, str) and _instant.fullmatch(value):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # the 30th of February, or the year 0 or 10000 once it is in UTC
    raise PydanticCustomError("instant", "Input should be a time with its offset, as in 2026-11-25T03:00:00Z")


Instant = Annotated[
    datetime,
    BeforeValidator(_parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": INSTANT, "maxLength": 32}),
]
"""A point in time (RFC 3339, at most microseconds, no leap second), turned into UTC; years 1 to 9999, which
both Python and PostgreSQL's `timestamptz` hold."""


_CENT = Decimal("0.01")
_MAX_MONEY = Decimal("9999999999.99")
MONEY = r"^(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,2})?$"
_money = re.compile(MONEY.removesuffix("$"))
_money_text: JsonSchemaValue = {"type": "string", "pattern": MONEY, "maxLength": 13, "examples": ["19.99"]}
_money_number = {"type": "number", "minimum": 0, "maximum": float(_MAX_MONEY), "multipleOf": float(_CENT)}


def _parse_money(value: object) -> Decimal:
    amount = None
    if isinstance(value, str):
        amount = Decimal(value) if _money.fullmatch(value) else None
    elif isinstance(value, float):
        # The shortest text of this float is what the client wrote: 19.99, not 19.989999….
        amount = Decimal(repr(value))
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        amount = Decimal(value)
    if amount is None or not amount.is_finite() or not 0 <= amount <= _MAX_MONEY or amount % _CENT:
        raise PydanticCustomError("money", 'Input should be an amount from 0 to 9999999999.99, as in "19.99"')
    return abs(amount).quantize(_CENT)  # abs, for JSON's -0.0


def _write_money(value: Decimal) -> str:
    return f"{value:.2f}"


Money = Annotated[
    Decimal,
    BeforeValidator(_parse_money),
    PlainSerializer(_write_money, when_used="json"),
    WithJsonSchema({"anyOf": [_money_text, _money_number]}, mode="validation"),
    WithJsonSchema(_money_text, mode="serialization"),
]
"""An amount for a column `numeric(12, 2)`: text or a number as input, text as output. Pydantic's own Decimal also
accepts `1_000`, `1e3` and Arabic digits, and its schema does not limit the decimals."""

MoneyParameter = Annotated[Decimal, BeforeValidator(_parse_money), WithJsonSchema(_money_text)]
"""`Money` in a query or a path, where everything is text."""
