"""Text of strangers in log lines: it cannot end a line, reorder what a terminal shows, or pass for another field."""

import json
import re

_BARE_VALUE = re.compile(r"[^\s=\"'\\]+")
_BARE_NAME = re.compile(r"[\w.-]+")
_BARE_SENTENCE = re.compile(r"[^=\"]*")


def escaped(text: str) -> str:
    r"""The text with each character that is not printable as `\uXXXX`.

    Those are controls (C0, DEL, C1), line and paragraph separators, marks that change the direction of text,
    invisible characters and lone surrogates. JSON reads them back, so inside a string of JSON the value stays the same.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def quoted(text: str) -> str:
    """A value for a line of `name=value` fields: in quotation marks unless it is one plain word."""
    return text if text.isprintable() and _BARE_VALUE.fullmatch(text) else _in_marks(text)


def quoted_name(text: str) -> str:
    """The same for the name of a field."""
    return text if text.isprintable() and _BARE_NAME.fullmatch(text) else _in_marks(text)


def quoted_event(text: str) -> str:
    """The same for a sentence: in quotation marks if it could be read as fields."""
    return text if text.isprintable() and _BARE_SENTENCE.fullmatch(text) else _in_marks(text)


def indented(text: str) -> str:
    """A text of several lines below a log line: none of them begins where a log line would."""
    return "".join(f"  {escaped(line)}\n" for line in text.split("\n"))


def _in_marks(text: str) -> str:
    return escaped(json.dumps(text, ensure_ascii=False))
