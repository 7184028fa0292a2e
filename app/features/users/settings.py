"""Settings of users: registration, the throttle of log-ins, and the cost of passwords."""

from typing import Annotated, Literal

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
    """Log-ins that may wait for a slot; the next one is answered 429."""


class AccountSettings(Group):
    """Registration and the throttle of log-ins; behind a proxy, set `SLIPWAY_HTTP__TRUSTED_PROXIES` too.

    Without it all clients have the proxy's address, and share its limits.
    """

    registration: Literal["open", "closed"] = "open"
    """Whether anybody may register; when closed, `POST /api/v1/users` is answered 403."""
    failures: Annotated[int, Field(ge=1, le=100)] = 10
    """Wrong passwords for an account from one address before the next log-in must wait; half as many again from all
    addresses that the account has not logged in from before."""
    failures_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Wrong passwords from one address (IPv6: one /64), for whichever accounts, before the next log-in must wait."""
    places: Annotated[int, Field(ge=1, le=10_000)] = 3
    """Log-ins of one address, and of one account, that may be under way at once; the next one is answered 429."""
