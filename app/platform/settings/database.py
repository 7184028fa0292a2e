"""Settings of PostgreSQL."""

from typing import Literal

from pydantic import SecretStr

from .base import Group
from .types import Port, Positive, Seconds


class Address(Group):
    """A host and port of PostgreSQL."""

    host: str
    """Host of PostgreSQL itself."""
    port: Port = 5432
    """Its port."""


class Database(Group):
    """PostgreSQL, by components and never by a DSN, so that no log line can hold the password."""

    host: str = "127.0.0.1"
    """Host of PostgreSQL, or of the pooler in front of it."""
    port: Port = 5432
    """Its port."""
    name: str = "slipway"
    """Name of the database."""
    user: str = "slipway"
    """Role to log in as."""
    password: SecretStr = SecretStr("")
    """Its password: at least 12 characters in production."""
    ssl: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    """TLS to the server, in the words of libpq's `sslmode`."""
    pool_size: Positive = 10
    """Connections that this process may have open."""
    pool_timeout_seconds: Seconds = 1
    """How long a request waits for a connection before it is answered 503."""
    connect_timeout_seconds: Seconds = 2
    """How long a new connection may take."""
    statement_timeout_seconds: Seconds = 2
    """How long a statement may take before its request is answered 503."""
    lock_timeout_seconds: Seconds = 3
    """For migrations: how long a statement may wait for a lock before it gives up."""
    pooler: bool = False
    """True behind a pooler in transaction mode (PgBouncer): no prepared statements are kept."""
    direct: Address | None = None
    """The address around the pooler, for migrations and session locks."""
