"""Keeps secrets out of logs and spans: by the name of a field, by what precedes them in a text, and by their shape.

Texts come from clients, too, so everything here takes time in proportion to the length of the text.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import cast

REDACTED = "[redacted]"
MAX_TEXT_LENGTH = 16 * 1024
"""Characters of a text that are kept."""

_MAX_DEPTH = 6
_PLAIN = (bool, int, float, type(None), date)
"""Types whose values hold no secret; `datetime` is a `date`."""
_SENSITIVE = r"passw|pwd|passphrase|secret|token|authorization|cookie|credential|api_?key"
_SECRET_FIELD = re.compile(rf"{_SENSITIVE}|(^|[_-])key$|(?-i:[a-z]Key$)", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"{_SENSITIVE}|api-key|[_-]key$|(?-i:[a-z]Key$)", re.IGNORECASE)
_NAME = re.compile(
    # A run of word characters is looked at once; possessive, so that none is given back.
    r"(?<![\w-])(?P<name>[\w-]++)(?:\\?[\"'][ \t]{0,8}[=:]|[ \t]{0,8}[=:]|[\"'], ?(?=b[\"']))[ \t]{0,8}"
)
_VALUE = re.compile(
    r"(?:(?:bearer|basic)\s{1,8})?+(?:b?\"[^\"]*+\"|b?'[^']*+'|[^\s,;&}]++)",
    re.IGNORECASE,
)
_LINE = re.compile(r"[^\r\n]++")
_SCHEME = re.compile(r"\b(?P<scheme>(?:bearer|basic)\s++)[\w+/=.~-]++", re.IGNORECASE)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
    r"(?:[A-Za-z0-9+/=\s\\:,]|-(?!----))*+"  # with the headers of an encrypted key, and line breaks as `\n`
    r"(?:-----END [A-Z0-9 ]{0,40}-----)?"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]++(?:\.[\w-]*+)++")
_WORD = re.compile(r"[^\s\"'<>]++")
_PORT = re.compile(r"\d{1,5}(?:[/?#,]|$)")


def redact(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields of a log line, each secret replaced, at any depth."""
    return {name: _value(name, value, _MAX_DEPTH) for name, value in fields.items()}


def redact_text(text: str) -> str:
    """A text, such as an exception's, without what looks like a secret.

    That is what follows `Bearer`, `password=`, `credential:`, `signing_key=` and their like; the password in a URL;
    a private key in PEM; a JSON Web Token.
    """
    if "-----BEGIN" in text:
        text = _PEM.sub(REDACTED, text)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if "://" in text and "@" in text:
        text = _WORD.sub(lambda word: _url(word[0]), text)
    if "=" in text or ":" in text or "b'" in text or 'b"' in text:
        text = _without_named(text)
    return _SCHEME.sub(lambda found: found["scheme"] + REDACTED, text)


def text_of(value: object) -> str:
    """The text of any value; one without a text must not end whoever logs it."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - its method may raise anything
        return f"<{type(value).__name__}>"


def _without_named(text: str) -> str:
    """Without the values that follow the name of a secret."""
    pieces: list[str] = []
    position = 0
    for found in _NAME.finditer(text):
        name = found["name"]
        if found.start() < position or not _SECRET_NAME.search(name):
            continue
        # The header `Cookie` has several values, with semicolons between them.
        pattern = _LINE if name[-6:].lower() == "cookie" and text[found.end() - 1] == " " else _VALUE
        if value := pattern.match(text, found.end()):
            pieces += text[position : found.end()], REDACTED
            position = value.end()
    return "".join(pieces) + text[position:] if pieces else text


def _url(word: str) -> str:
    """A word without the passwords of the URLs in it; a password may hold what should have been escaped, such as @."""
    parts = word.split("://")
    for index, part in enumerate(parts[1:], 1):
        colon, at = part.find(":"), part.rfind("@")
        if (
            not part.startswith("[")
            and 0 <= colon < at
            and "/" not in part[:colon]
            and not _PORT.match(part, colon + 1)
        ):
            parts[index] = part[: colon + 1] + REDACTED + part[at:]
    return "://".join(parts)


def _value(name: str, value: object, depth: int) -> object:
    if _SECRET_FIELD.search(name):
        return REDACTED
    if isinstance(value, _PLAIN):
        return value
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return redact_text(text_of(value)[:MAX_TEXT_LENGTH])
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {str(key): _value(str(key), item, depth - 1) for key, item in entries.items()}
    return [_value("", item, depth - 1) for item in cast("Iterable[object]", value)]
