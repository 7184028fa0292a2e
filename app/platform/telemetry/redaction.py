"""Keeps secrets out of logs and spans: by the name of a field, and by what precedes them in a text."""

import re
from collections.abc import Iterable, Mapping
from typing import cast

REDACTED = "[redacted]"
LONGEST_TEXT = 16 * 1024
"""Characters of a text that are kept."""

_DEEPEST = 6
_SECRET_NAME = re.compile(
    r"passw|pwd|secret|token|authorization|cookie|credential|api_?key|(^|[_-])key$", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"(?P<scheme>\b(?:bearer|basic)\s+)[\w+/=.~-]+"
    # Bounded, or a long text of hyphens would take seconds.
    r"|(?P<name>\b[\w-]{0,32}(?:passw(?:or)?d|pwd|secret|token|authorization|cookie|api[_-]?key)[\w-]{0,32}"
    r"[\"']?[ \t]{0,8}[=:][ \t]{0,8})"
    r"(?:\"[^\"]*\"|'[^']*'|(?!bearer\b|basic\b)[^\s,;&}]+)",
    re.IGNORECASE,
)


def redact(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields of a log line, each secret replaced, at any depth."""
    return {name: _value(name, value, _DEEPEST) for name, value in fields.items()}


def redact_text(text: str) -> str:
    """A text, such as an exception's, without the values that follow `Bearer`, `password=` and their like."""
    return _SECRET_TEXT.sub(lambda found: (found["scheme"] or found["name"]) + REDACTED, text)


def _value(name: str, value: object, depth: int) -> object:
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value[:LONGEST_TEXT])
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {str(key): _value(str(key), item, depth - 1) for key, item in entries.items()}
    return [_value("", item, depth - 1) for item in cast("Iterable[object]", value)]
