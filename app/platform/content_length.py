"""`Content-Length`, read once and strictly: two readers that disagree about it see two different requests."""

import re
import sys

MAX_LENGTH = sys.maxsize
"""Stands for every larger value: Python takes quadratic time to parse a number of thousands of digits."""

_DIGITS = re.compile(r"[0-9]+")


def parse_content_length(value: bytes | str) -> int:
    """The length in bytes of a field that is `1*DIGIT` (RFC 9110 §8.6), leading zeros included; at most `MAX_LENGTH`.

    Raises `ValueError` for anything else: a sign, a blank, an underscore, a list, no digit.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not _DIGITS.fullmatch(text):
        raise ValueError("Content-Length must be a number")
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) < len(str(MAX_LENGTH)) else MAX_LENGTH
