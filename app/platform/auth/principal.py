"""Who a request comes from: what the edge middleware puts into `scope["principal"]`."""

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


@dataclass(frozen=True, slots=True)
class UnknownKey(InvalidToken):
    """A token that is well made and signed with a key that is not known here: it may be a new one."""


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """A token that cannot be judged now, since the process that has the keys does not answer."""
