"""Ids created by the application: UUIDv7 (RFC 9562 §5.7), which sort by creation time."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()
