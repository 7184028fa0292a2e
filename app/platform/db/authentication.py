"""The password leaves only for a server whose certificate was verified, or as a SCRAM proof that does not reveal it.

PostgreSQL's server chooses how a client authenticates, and asyncpg does as it is asked. Whoever takes the server's
place asks for the password in clear text (AuthenticationCleartextPassword), or as an MD5 hash that a graphics card
reverses. A `Password` is therefore no string: only `GuardedProtocol` can turn it into one, and it reads every request
of an unverified server before asyncpg does. If a later asyncpg made its protocol another way, logging in would fail,
and nothing would leak.
"""

import asyncio
import re
import ssl
import struct
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import asyncpg.protocol
from pydantic import SecretStr

from ..settings import variable

if TYPE_CHECKING:
    from asyncpg.connect_utils import _ConnectionParameters  # pyright: ignore[reportPrivateUsage]

    _Protocol = asyncpg.protocol.Protocol[asyncpg.Record]  # generic in the stubs only
else:
    _Protocol = asyncpg.protocol.Protocol

MAX_MESSAGE_BYTES = 64 * 1024
"""Of a message before the log-in has ended; libpq refuses more than 30,000."""
MIN_ITERATIONS, MAX_ITERATIONS = 4096, 1_000_000
"""Of SCRAM: fewer make the proof cheap to attack (RFC 7677 §4), more would keep the process busy for seconds."""

_OK, _CLEAR_TEXT, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_NONE = -1
_AFTER = {_SASL_CONTINUE: _SASL, _SASL_FINAL: _SASL_CONTINUE}
_REQUEST_NAMES = {_CLEAR_TEXT: "in clear text", _MD5: "as an MD5 hash, which can be reversed"}
_HEAD = struct.Struct("!ci")
_KIND = struct.Struct("!i")
# As RFC 5802 §7 writes it. asyncpg searches, and would use another number than this one in a message of another form.
_SERVER_FIRST = re.compile(rb"r=[\x21-\x2b\x2d-\x7e]+,s=[A-Za-z0-9+/]+=*,i=(\d{1,9})(?:,[\x20-\x7e]*)?")
NO_PROTOCOL = "the server does not speak PostgreSQL's protocol"
_ADVICE = f"set {variable('database', 'ssl')}=verify-full"


class UnverifiedServerError(ConnectionError):
    """A server whose certificate was not verified asks for what would reveal the password; it did not get it."""


class Password:
    """A password that no driver can send by itself."""

    __slots__ = ("_secret",)

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The text, for the protocol that knows whom it talks to."""
        return self._secret.get_secret_value()


class GuardedProtocol(_Protocol):
    """asyncpg's protocol, which refuses an unverified server that asks for more than a SCRAM proof."""

    def __init__(
        self,
        addr: object,
        connected_fut: "asyncio.Future[object]",
        con_params: "_ConnectionParameters",
        record_class: type[asyncpg.Record],
        loop: object,
    ) -> None:
        password: object = con_params.password
        self._connected = connected_fut
        self._transport: asyncio.Transport | None = None
        self._pending = b""
        self._last_request = _NONE
        self._version_known = False
        self._logging_in = isinstance(password, Password) and not _verifies(addr, con_params.ssl)
        if isinstance(password, Password):
            con_params = con_params._replace(password=password.reveal())
        super().__init__(addr, connected_fut, con_params, record_class, loop)
        if self._logging_in:
            # On the instance, so that a connection that is logged in pays nothing for it.
            setattr(self, "data_received", self._judge)  # noqa: B010 - mypy lets no method be assigned

    def connection_made(self, transport: object) -> None:
        if self._logging_in:
            self._transport = cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def _judge(self, data: object) -> None:
        """Lets through what the server sends until it is ready for a query: asyncpg obeys requests until then."""
        if not self._logging_in:  # uvloop goes on calling the method that it found first
            super().data_received(data)
            return
        if self._connected.done():
            return  # refused, or given up
        self._pending += cast(bytes, data)
        judged = 0
        try:
            while self._logging_in and len(self._pending) >= judged + _HEAD.size:
                kind, size = _HEAD.unpack_from(self._pending, judged)
                if not 4 <= size <= MAX_MESSAGE_BYTES:
                    raise UnverifiedServerError(NO_PROTOCOL)
                if len(self._pending) < judged + 1 + size:
                    break
                if kind == b"R":
                    body = self._pending[judged + _HEAD.size : judged + 1 + size]
                    self._last_request = _judge_request(body, self._last_request)
                elif kind == b"S":
                    self._version_known |= self._pending.startswith(b"server_version\0", judged + _HEAD.size)
                elif kind == b"Z":
                    if self._last_request != _OK or not self._version_known:
                        raise UnverifiedServerError(NO_PROTOCOL)
                    self._logging_in = False
                judged += 1 + size
        except UnverifiedServerError as error:
            self._refuse(error)
            return
        if not self._logging_in:
            judged = len(self._pending)
            del self.data_received
        through, self._pending = self._pending[:judged], self._pending[judged:]
        if through:
            super().data_received(through)

    def _refuse(self, error: UnverifiedServerError) -> None:
        self._pending = b""
        if not self._connected.done():
            self._connected.set_exception(error)
        if self._transport:
            self._transport.abort()  # asyncpg's `close` would wait for the server to end TLS


def _verifies(addr: object, context: Any) -> bool:
    # A Unix socket, whose address is a string, is used without TLS whatever the context says.
    return isinstance(addr, tuple) and isinstance(context, ssl.SSLContext) and context.verify_mode is ssl.CERT_REQUIRED


def _judge_request(body: bytes, last: int) -> int:
    """The number of the request (protocol 3, AuthenticationXXX), which came after the request `last`.

    Raises `UnverifiedServerError` if it would reveal the password or is out of order: asyncpg crashes the process when
    SCRAM goes on that has not begun.
    """
    request: int = _KIND.unpack_from(body)[0] if len(body) >= _KIND.size else _NONE
    if request in _AFTER and last != _AFTER[request]:
        raise UnverifiedServerError(NO_PROTOCOL)
    if request == _SASL_CONTINUE:
        first = _SERVER_FIRST.fullmatch(body, _KIND.size)
        if not first or not MIN_ITERATIONS <= int(first[1]) <= MAX_ITERATIONS:
            raise UnverifiedServerError(
                f"the server asks for a SCRAM proof of other than {MIN_ITERATIONS} to {MAX_ITERATIONS} iterations, and "
                f"its certificate is not verified: {_ADVICE}"
            )
    elif request not in {_OK, _SASL, _SASL_FINAL}:
        how = _REQUEST_NAMES.get(request, "in an unknown way")
        raise UnverifiedServerError(
            f"the server asks for the password {how}, and its certificate is not verified: {_ADVICE}, or let the "
            "server use scram-sha-256"
        )
    return request


# What `asyncpg.connect` makes its connections of. A password that is a string is sent as before: other users of asyncpg
# in this process decide for themselves.
setattr(asyncpg.protocol, "Protocol", GuardedProtocol)  # noqa: B010 - checkers differ on whether a class may be assigned
