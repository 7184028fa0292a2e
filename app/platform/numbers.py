"""Numbers that strangers write: each is parsed once, and strictly."""

MAX_DIGITS = 15
"""Digits of a length. A petabyte has as many, and Python's `int` takes time for thousands of them."""


def content_length(value: bytes) -> int | None:
    """The value of `Content-Length`: digits only (RFC 9110 §8.6), no sign, space or list; None for anything else.

    Leading zeros count as digits, so that nobody reads another number than the one that was checked.
    """
    return int(value) if 0 < len(value) <= MAX_DIGITS and value.isdigit() else None
