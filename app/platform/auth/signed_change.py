"""A change of a process's telemetry as a signed document: good for one minute, once, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import cast, get_args
from uuid import uuid4

import jwt
from jwt import PyJWK

from ..settings import Auth
from ..telemetry.labels import Override
from ..telemetry.overrides import Change
from .keys import ALGORITHM, key_set, signing_key

TYPE = "telemetry-change+jwt"
"""The `typ` of the header: an access token is never taken for a change, nor a change for one (RFC 8725 §3.11)."""
AUDIENCE = "admin"
SECONDS = 60
"""How long it is good."""
LEEWAY_SECONDS = 10
LONGEST = 2048
LONGEST_NAME = 128
MAX_NUMBER = 1e9
"""No setting takes more."""
_MEMBERS = ["iss", "aud", "iat", "exp", "jti", "sub"]


class ChangeError(Exception):
    """A document that is not a good change. `forged` if it is not signed, or not for this, or not now."""

    def __init__(self, reason: str, *, forged: bool = True) -> None:
        super().__init__(reason)
        self.forged = forged


def sign_change(settings: Auth, change: Change) -> str:
    """The change, signed with the key that signs access tokens. Raises `ValueError` without a usable key."""
    key = signing_key(settings.signing_key)
    now = int(time())
    claims = {
        "iss": settings.issuer,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + SECONDS,
        "jti": str(uuid4()),
        "sub": change.by[:LONGEST_NAME],
        "setting": change.setting,
        "value": change.value,
        "seconds": change.seconds,
    }
    return jwt.encode(claims, key, ALGORITHM, {"typ": TYPE, "kid": key_set(settings)["keys"][0]["kid"]})


class ChangeVerifier:
    """Reads signed changes: each once, so that nobody can repeat what was overheard.

    `keys` are those that access tokens are verified with, by `kid`; they may change.
    """

    def __init__(self, keys: Mapping[str, PyJWK], issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._used: dict[str, float] = {}

    def read(self, document: bytes) -> Change:
        """The change. Raises `ChangeError`, whatever the bytes are."""
        if len(document) > LONGEST:
            raise ChangeError("the document is too long")
        claims = self._claims(document.strip())
        setting, value, seconds, by = (claims.get(name) for name in ("setting", "value", "seconds", "sub"))
        if setting not in get_args(Override):
            raise ChangeError("setting is log_level or sample_ratio", forged=False)
        # Not `math.isfinite`, which fails for a whole number that no float holds.
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and -MAX_NUMBER < value < MAX_NUMBER
        if not isinstance(value, str) and not number:
            raise ChangeError("value is a log level or a number", forged=False)
        if type(seconds) is not int:
            raise ChangeError("seconds is a whole number", forged=False)
        if not isinstance(by, str) or not by.isprintable():  # a lone surrogate is not printable
            raise ChangeError("sub is the name of somebody", forged=False)
        self._use_once(str(claims["jti"]))
        return Change(cast(Override, setting), cast("str | float", value), seconds, by[:LONGEST_NAME])

    def _claims(self, document: bytes) -> Mapping[str, object]:
        try:
            header = jwt.get_unverified_header(document)
            key = self._keys.get(str(header.get("kid")))
            if header.get("typ") != TYPE or key is None:
                raise ChangeError("the document is no change that a known key has signed")
            claims = cast(
                "dict[str, object]",
                jwt.decode(
                    document,
                    key,
                    [ALGORITHM],
                    options={"require": _MEMBERS},
                    audience=AUDIENCE,
                    issuer=self._issuer,
                    leeway=LEEWAY_SECONDS,
                ),
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise ChangeError(f"the document is not good: {type(error).__name__}") from None
        issued_at, expires_at = claims["iat"], claims["exp"]
        if type(issued_at) is not int or type(expires_at) is not int:  # PyJWT takes "1" for a number
            raise ChangeError("iat and exp are whole numbers")
        if expires_at - issued_at > SECONDS:
            raise ChangeError(f"a signed change is good for {SECONDS} seconds at most")
        return claims

    def _use_once(self, identifier: str) -> None:
        now = time()
        self._used = {used: until for used, until in self._used.items() if until > now}
        if identifier in self._used:
            raise ChangeError("the document was used before")
        self._used[identifier] = now + SECONDS + 2 * LEEWAY_SECONDS
