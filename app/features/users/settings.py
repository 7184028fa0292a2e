"""Settings of users: the cost of their passwords."""

from typing import Annotated

from pydantic import Field

from app.platform.settings import Group


class PasswordSettings(Group):
    """Cost of argon2id (OWASP: at least 19 MiB, two passes) and how many hashes run at once."""

    memory_kib: Annotated[int, Field(ge=8, le=1024 * 1024)] = 19 * 1024
    """Memory of one hash, in KiB."""
    iterations: Annotated[int, Field(ge=1, le=10)] = 2
    """Passes over it."""
    slots: Annotated[int, Field(ge=1, le=64)] = 1
    """Hashes at the same time: memory in use is at most `slots` × `memory_kib`."""
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 64
    """Log-ins that may wait for a slot; the next one is answered 503."""
