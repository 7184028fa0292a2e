"""Settings of PostgreSQL."""

import re
import ssl
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from .base import Group, variable
from .types import Port, Positive, Seconds

SYSTEM = "system"
"""In place of certificates: those that the system trusts."""


def is_pem(value: str) -> bool:
    """Whether this is PEM itself and no path of a file."""
    return "-----BEGIN" in value


def _host(value: str) -> str:
    # A name, an address, or the absolute path of the folder of a Unix socket.
    if not re.fullmatch(r"[\w.-]+|[0-9a-fA-F:.]+(%[\w.-]+)?|/[^@:?#\s]*", value):
        raise ValueError("it must be one host name or address, without scheme, user, password, port or spaces")
    return value


def _name(value: str) -> str:
    if not value or not value.isprintable() or "://" in value or set(value) & set("@:/? "):
        raise ValueError("it must be one name, and no URL: without spaces, @, :, / and ?")
    return value


def _role(value: str) -> str:
    # Managed PostgreSQL has roles such as alice@example.com; what could hold a password must not be printed.
    if not value or not value.isprintable() or re.search(r"://|:.*@|password\s*=", value):
        raise ValueError("it must be the name of a role, and no URL or other text with a password")
    return value


Host = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, AfterValidator(_name)]
Role = Annotated[str, AfterValidator(_role)]


class Address(Group):
    """A host and port of PostgreSQL."""

    host: Host
    """Host of PostgreSQL itself."""
    port: Port = 5432
    """Its port."""


class Database(Group):
    """PostgreSQL, by components and never by a DSN, so that no log line can hold the password."""

    host: Host = "127.0.0.1"
    """Host of PostgreSQL, or of the pooler in front of it."""
    port: Port = 5432
    """Its port."""
    name: Name = "slipway"
    """Name of the database."""
    user: Role = "slipway"
    """Role to log in as. `slipway migrate` needs one that owns the schemas; processes may have lesser ones."""
    password: SecretStr = SecretStr("")
    """Its password: at least 12 characters in production."""
    ssl: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    """TLS to the server, in the words of libpq's `sslmode`. Only `verify-full` and `verify-ca` keep somebody else from
    taking the server's place; production refuses `prefer`."""
    ssl_root_cert: Annotated[str, Field(validate_default=True)] = SYSTEM
    """The certificate authorities that sign the server's certificate: path of a PEM file, or its content (as a secret
    file), or `system` for those that the system trusts (with `verify-full` only)."""
    pool_size: Positive = 10
    """Connections that requests of this process may have open; readiness has one more."""
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

    @field_validator("ssl_root_cert")
    @classmethod
    def _certificates(cls, value: str, info: ValidationInfo) -> str:
        mode = info.data.get("ssl")
        if mode not in {"verify-ca", "verify-full"}:
            return value
        if value == SYSTEM:
            if mode == "verify-ca":
                # Anybody gets a certificate from an authority that the system trusts, for a name of their own.
                raise ValueError(f"{variable('database', 'ssl')}=verify-ca needs the file of your own authority")
            return value
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if is_pem(value):
                context.load_verify_locations(cadata=value)
            else:
                context.load_verify_locations(cafile=value)
        except (ssl.SSLError, ValueError):
            raise ValueError("it holds no certificates in PEM") from None
        except OSError as error:
            raise ValueError(f"the file cannot be read: {error.strerror}") from None
        if not context.get_ca_certs():
            raise ValueError("none of its certificates is that of an authority (CA:TRUE)")
        return value
