"""Verifies access tokens: signed JWTs with the profile of RFC 9068 and the rules of RFC 8725."""

import json
import re
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from time import time
from typing import NoReturn, cast
from uuid import UUID

from jwt import PyJWK, PyJWS, PyJWTError

from ..settings import Auth
from ..telemetry.metrics.observers import CacheObserver
from .keys import ALGORITHM, verification_keys
from .principal import InvalidToken, Principal, UnknownKey
from .revocations import Revocations, digest_of

MAX_TOKEN_LENGTH = 4096
"""Bytes; bounds the work for a token that is not good."""
LEEWAY_SECONDS = 10
"""How far the clocks of two instances may be apart."""
TOKEN_CACHE_SIZE = 4096
"""Verified tokens that are remembered, about 1 kB each."""

_SCHEMES = frozenset({b"bearer ", b"bearer"})
"""The second is a header without a token."""
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{86}")
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
# A token never says where its key is, and no extension is understood here (RFC 7515 §4.1.11, RFC 8725 §3.10).
_REFUSED_HEADERS = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SCOPE = re.compile(r"([\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*)?")
_MAX_TIME = 2**53


class _TokenError(Exception):
    """Says why a token is not good."""


class _UnknownKeyError(_TokenError):
    """The one reason that may pass."""


class TokenVerifier:
    """Turns the value of an `Authorization` header into a principal.

    Verified tokens are remembered until they expire, and the least recently used is forgotten first. Refused
    ones are not remembered; each costs at most one signature check.

    `keys` are those of another process, by `kid`; they may change. Without them the settings' own are taken, which
    raises `ValueError` when they cannot be used; `refuse_weak_secrets` says so before. Each token is held against
    `revocations` when it is verified, and again when they grow.
    """

    def __init__(
        self,
        settings: Auth,
        *,
        keys: Mapping[str, PyJWK] | None = None,
        clock: Callable[[], float] = time,
        observer: CacheObserver | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        self.keys = verification_keys(settings) if keys is None else keys
        """By `kid`; those of another process may change."""
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._clock = clock
        self._observer = observer or CacheObserver()
        self._revocations = revocations or Revocations()
        self._revocations.added = self._forget_revoked
        self._signatures = PyJWS(algorithms=[ALGORITHM])
        self._verified: OrderedDict[bytes, Principal] = OrderedDict()

    def authenticate(self, header: bytes) -> Principal | InvalidToken | None:
        """Who sent this header; None if it holds no bearer token. Never raises, whatever the bytes are.

        Exactly one space is between the scheme and the token. What is remembered goes by the token alone: it can be
        written as one header only, but for the case of the scheme.
        """
        scheme, token = header[:7], header[7:]
        if scheme != b"Bearer " and scheme.lower() not in _SCHEMES:
            return None
        known = self._verified.get(token)
        if known is not None:
            if known.expires_at + LEEWAY_SECONDS > self._clock():
                self._verified.move_to_end(token)
                self._observer.hit()
                return known
            del self._verified[token]
        self._observer.miss()
        try:
            principal = self._verify(token)
        except _UnknownKeyError as refusal:
            return UnknownKey(str(refusal))
        except _TokenError as refusal:
            return InvalidToken(str(refusal))
        self._verified[token] = principal
        if len(self._verified) > TOKEN_CACHE_SIZE:
            self._verified.popitem(last=False)
        return principal

    def forget(self) -> None:
        """Verifies every token anew, since a key is no longer good."""
        self._verified.clear()

    def _forget_revoked(self, digests: AbstractSet[str] | None) -> None:
        """Judges the tokens of these subjects anew, so that a token that is remembered costs no look-up for this."""
        if digests is None:
            self.forget()
            return
        for token in [token for token, known in self._verified.items() if digest_of(known.subject) in digests]:
            del self._verified[token]

    def _verify(self, token: bytes) -> Principal:
        if len(token) > MAX_TOKEN_LENGTH:
            raise _TokenError("The token is too long")
        parts = _COMPACT.fullmatch(token)
        if parts is None:
            raise _TokenError("The token is malformed")
        head = _members(_decoded(parts[1]))
        if head.get("alg") != ALGORITHM or str(head.get("typ")).lower() not in _TYPES:
            raise _TokenError("The token is not an access token of this service")
        if not _REFUSED_HEADERS.isdisjoint(head):
            raise _TokenError("The token's header asks for something that is refused here")
        kid = head.get("kid")
        key = self.keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise _UnknownKeyError("The token's key is not known")
        try:
            payload = cast(bytes, self._signatures.decode(token, key, algorithms=[ALGORITHM]))
        except PyJWTError:
            raise _TokenError("The token's signature is not good") from None
        return self._principal(_members(payload))

    def _principal(self, claims: dict[str, object]) -> Principal:
        now = self._clock()
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer:
            raise _TokenError("The token is from another issuer")
        if audience != self._audience and not (isinstance(audience, list) and self._audience in audience):
            raise _TokenError("The token is for another audience")
        expires_at = _time(claims, "exp")
        if expires_at + LEEWAY_SECONDS <= now:
            raise _TokenError("The token has expired")
        issued_at = _time(claims, "iat")
        if max(issued_at, _time(claims, "nbf", 1)) > now + LEEWAY_SECONDS:
            raise _TokenError("The token is not valid yet")
        scope = _text(claims, "scope", _SCOPE)
        subject = UUID(_text(claims, "sub", _UUID))
        if self._revocations.refuses(subject, issued_at):
            raise _TokenError("The token was revoked")
        return Principal(
            subject=subject,
            scopes=frozenset(scope.split()),
            expires_at=expires_at,
            token_id=_text(claims, "jti", _TOKEN_ID),
        )


def _decoded(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise _TokenError("The token is malformed") from None


def _members(text: bytes) -> dict[str, object]:
    """A JSON object whose names are unique: two parsers must not read two tokens (RFC 8725 §2.4)."""
    try:
        value: object = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _TokenError("The token is malformed") from None
    if not isinstance(value, dict):
        raise _TokenError("The token is malformed")
    return cast("dict[str, object]", value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _time(claims: dict[str, object], name: str, default: int | None = None) -> int:
    value = claims.get(name, default)
    if type(value) is not int or not 0 < value < _MAX_TIME:
        raise _TokenError(f"The token's {name} is missing or no time")
    return value


def _text(claims: dict[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _TokenError(f"The token's {name} is missing or malformed")
    return value
