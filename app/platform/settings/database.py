"""Settings of PostgreSQL."""

import re
import ssl
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from .base import Group, variable
from .types import Port, Positive, Seconds

SYSTEM = "system"
"""Value of `ssl_root_cert` for the certificate authorities that the system trusts."""


def is_pem(value: str) -> bool:
    """Whether this is PEM text and not the path of a file."""
    return "-----BEGIN" in value


def _host(value: str) -> str:
    # A name, an address, or the absolute path of the folder of a Unix socket.
    if not re.fullmatch(r"[\w.-]+|[0-9a-fA-F:.]+(%[\w.-]+)?|/[^@:?#\s]*", value):
        raise ValueError("must be a host name or address without scheme, user, password, port or spaces")
    return value


def _name(value: str) -> str:
    if not value or not value.isprintable() or "://" in value or set(value) & set("@:/? "):
        raise ValueError("must be a name without spaces, @, :, / and ?, not a URL")
    return value


def _role(value: str) -> str:
    # Managed PostgreSQL has roles such as alice@example.com; what could hold a password must not be printed.
    if not value or not value.isprintable() or re.search(r"://|:.*@|password\s*=", value):
        raise ValueError("must be the name of a role, not a URL or other text with a password")
    return value


Host = Annotated[str, AfterValidator(_host)]
Name = Annotated[str, AfterValidator(_name)]
Role = Annotated[str, AfterValidator(_role)]


class Address(Group):
    """A host and port of PostgreSQL."""

    host: Host
    """Host of PostgreSQL itself."""
    port: Port = 5432
    """Port of PostgreSQL."""


class Database(Group):
    """PostgreSQL. There is no DSN setting, so that no log line can contain the password."""

    host: Host = "127.0.0.1"
    """Host of PostgreSQL, or of the pooler in front of it."""
    port: Port = 5432
    """Port of PostgreSQL or the pooler."""
    name: Name = "slipway"
    """Name of the database."""
    user: Role = "slipway"
    """Role to log in as. `slipway migrate` needs the owner of the schemas; processes can use a lesser role."""
    password: SecretStr = SecretStr("")
    """Password of the role, at least 12 characters in production."""
    ssl: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    """TLS mode, as libpq's `sslmode`. Only `verify-full` and `verify-ca` protect against a server that impersonates
    PostgreSQL. Production refuses `prefer`."""
    ssl_root_cert: Annotated[str, Field(validate_default=True)] = SYSTEM
    """Certificate authorities for the server's certificate: the path of a PEM file, its content (as a secret file), or
    `system` for the authorities that the system trusts (only with `verify-full`)."""
    pool_size: Positive = 10
    """Maximum number of connections for requests of this process. Readiness uses one more."""
    pool_timeout_seconds: Seconds = 1
    """How long a request waits for a connection before the response is 503."""
    connect_timeout_seconds: Seconds = 2
    """Timeout for a new connection."""
    statement_timeout_seconds: Seconds = 2
    """Timeout for a statement. The response is then 503."""
    lock_timeout_seconds: Seconds = 3
    """How long a statement of a migration waits for a lock before the migration fails."""
    pooler: bool = False
    """True behind a pooler in transaction mode (PgBouncer). Prepared statements are then disabled."""
    direct: Address | None = None
    """Address of PostgreSQL without the pooler, for migrations and session locks."""

    @field_validator("ssl_root_cert")
    @classmethod
    def _certificates(cls, value: str, info: ValidationInfo) -> str:
        mode = info.data.get("ssl")
        if mode not in {"verify-ca", "verify-full"}:
            return value
        if value == SYSTEM:
            if mode == "verify-ca":
                # Anyone can get a certificate for their own name from an authority that the system trusts.
                raise ValueError(f"{variable('database', 'ssl')}=verify-ca needs the file of your own authority")
            return value
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if is_pem(value):
                context.load_verify_locations(cadata=value)
            else:
                context.load_verify_locations(cafile=value)
        except (ssl.SSLError, ValueError):
            raise ValueError("it contains no certificates in PEM") from None
        except OSError as error:
            raise ValueError(f"the file cannot be read: {error.strerror}") from None
        if not context.get_ca_certs():
            raise ValueError("it contains no certificate of an authority (CA:TRUE)")
        return value
