"""One way to connect to PostgreSQL: for the pool, migrations, readiness and tools; nothing but the settings counts.

For an argument that is missing asyncpg reads one of some twenty variables (`PGSSLROOTCERT`, `PGPASSFILE`, …) and files
below `~/.postgresql`, so none is missing.
"""

import ssl
import struct
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from ..settings import Database as DatabaseSettings
from ..settings.database import SYSTEM, is_pem
from .authentication import NO_PROTOCOL, Password, UnverifiedServerError

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]


async def connect(
    settings: DatabaseSettings, *, direct: bool = False, statement_timeout: bool = True, **_: object
) -> "Connection":
    """A new connection, in UTC and with the time limits of the settings.

    Args:
        settings: where to, as whom, and how it is protected.
        direct: around the pooler, if there is one.
        statement_timeout: False lets statements take as long as they need.

    Raises:
        OSError, TimeoutError: no connection, no TLS, a certificate that does not verify, or no PostgreSQL.
        UnverifiedServerError: the server asked for what would reveal the password.
        asyncpg.PostgresError: the server refuses; its own words.
    """
    address = (settings.direct if direct else None) or settings
    open_connection = partial(
        _open,
        host=address.host,
        port=address.port,
        user=settings.user,
        password=cast(Any, Password(settings.password)),
        database=settings.name,
        timeout=settings.connect_timeout_seconds,
        command_timeout=settings.statement_timeout_seconds if statement_timeout else None,
        # In transaction mode the next statement may meet another server session (PgBouncer): nothing may be prepared
        # there by name.
        statement_cache_size=0 if settings.pooler else 100,
        server_settings={"application_name": "slipway", "timezone": "UTC"},
        direct_tls=False,
        target_session_attrs=SessionAttribute.any,
        krbsrvname="postgres",
        gsslib="gssapi",
    )
    if settings.ssl == "prefer":
        try:
            return await open_connection(ssl=tls_context(settings))
        except (ConnectionRefusedError, UnverifiedServerError):
            raise
        except (ssl.SSLError, ConnectionError):
            return await open_connection(ssl=False)
    return await open_connection(ssl=tls_context(settings) or False)


async def _open(**arguments: Any) -> "Connection":
    try:
        return await asyncpg.connect(**arguments)
    except OSError:
        raise  # of which one that no certificate verifies is a ValueError as well
    except (AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
        if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):
            # A host with an empty or too long label, or a lone surrogate; the error holds the text, maybe the password.
            raise ConnectionError("the host is not a host name, or the password is not text") from None
        # What the driver makes of a server that leaves out what PostgreSQL always sends, or says it in another way.
        raise ConnectionError(NO_PROTOCOL) from error


def tls_context(settings: DatabaseSettings) -> ssl.SSLContext | None:
    """What a connection is encrypted and its server verified with; None without TLS. Certificates are read once."""
    return None if settings.ssl == "disable" else _context(settings.ssl, settings.ssl_root_cert)


@lru_cache(maxsize=8)
def _context(mode: Literal["prefer", "require", "verify-ca", "verify-full"], root_cert: str) -> ssl.SSLContext:
    # Not `create_default_context`, which writes the keys of every connection to the file that SSLKEYLOGFILE names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["postgresql"])
    context.check_hostname = mode == "verify-full"
    if mode in {"prefer", "require"}:
        context.verify_mode = ssl.CERT_NONE
    elif root_cert == SYSTEM:
        context.load_default_certs()
    elif is_pem(root_cert):
        context.load_verify_locations(cadata=root_cert)
    else:
        context.load_verify_locations(cafile=root_cert)
    return context
