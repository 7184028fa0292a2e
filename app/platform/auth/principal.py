"""Who a request comes from: what the HTTP layer puts into `scope["principal"]`."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as a verified token says."""

    subject: UUID
    scopes: frozenset[str]
    """Such as `items:read`."""
    expires_at: int
    """Seconds since 1970 in UTC."""
    token_id: str
    """The token's `jti`."""


@dataclass(frozen=True, slots=True)
class InvalidToken:
    """A bearer token that was refused; `reason` is for the client."""

    reason: str
