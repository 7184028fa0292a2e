"""Limits of a JSON body, checked before the framework parses it: number of values, depth, unique names."""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

MALFORMED = "The body is not valid JSON in UTF-8."

# A string without an end matches too, so that the search does not restart at each of its quotes.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class MalformedJsonError(Exception):
    """A refused body; the message is for the client and contains nothing of the body."""


class _RepeatedNameError(ValueError):
    """An object has a member twice."""


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How many values a document may hold, containers and members included, and how deep it may be nested."""

    max_values: int
    max_depth: int

    def check(self, body: bytes) -> None:
        """Raises `MalformedJsonError` unless the body is one JSON text within these limits.

        No object may have a member twice: parsers disagree which one counts (RFC 8259 §4, RFC 7493 §2.3).
        The limits come first, by counting bytes, since the time to parse and validate grows with the values.
        """
        if _values(body) > self.max_values or body.count(b"[") + body.count(b"{") > self.max_depth:
            # Commas and brackets within strings do not count; few documents need this exact look. A value has at most
            # two strings, its name and itself, so that too many are found before each is looked for.
            if body.count(b'"') - body.count(b'\\"') > 4 * self.max_values:
                self._refuse_values()
            self._check_outside_strings(_STRING.sub(b"", body))
        try:
            _DECODER.decode(body.decode("utf-8-sig"))
        except _RepeatedNameError:
            raise MalformedJsonError("An object of the body has a member twice; send each name once.") from None
        except (ValueError, RecursionError):
            raise MalformedJsonError(MALFORMED) from None

    def _check_outside_strings(self, structure: bytes) -> None:
        if _values(structure) > self.max_values:
            self._refuse_values()
        depth = 0
        for bracket in structure.translate(None, _NO_BRACKETS):
            depth += 1 if bracket in b"[{" else -1
            if depth > self.max_depth:
                raise MalformedJsonError(f"The body is nested deeper than {self.max_depth} levels.")
            if depth < 0:
                raise MalformedJsonError(MALFORMED)

    def _refuse_values(self) -> NoReturn:
        raise MalformedJsonError(f"The body holds more than {self.max_values} JSON values.")


def _values(structure: bytes) -> int:
    """At least as many as there are values; in a container of n values are n - 1 commas."""
    return 1 + structure.count(b",") + structure.count(b"[") + structure.count(b"{")


def _refuse_repeated(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _RepeatedNameError


# Objects become None: only whether the text can be read matters here. NaN and Infinity pass, so that the answer can
# name the field, whose type refuses them.
_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated)
