"""Issues access tokens: JWTs with the profile of RFC 9068, signed with Ed25519."""

from collections.abc import Callable, Iterable
from time import time
from uuid import UUID

import jwt

from app.features.users.schemas import KeySetOut
from app.platform.auth.keys import ALGORITHM, key_set, signing_key
from app.platform.ids import new_id
from app.platform.settings import Auth

CLIENT = "first-party"
"""The `client_id` of every token, which RFC 9068 §2.2 demands: there are no other clients than our own."""


class TokenIssuer:
    """Signs tokens that live `seconds` and that `keys` verify.

    Making it raises `ValueError` for a key that cannot be used.
    """

    def __init__(self, settings: Auth, *, clock: Callable[[], float] = time) -> None:
        self.seconds = settings.token_seconds
        self.keys = KeySetOut.model_validate(key_set(settings))
        self._key = signing_key(settings.signing_key)
        self._headers = {"typ": "at+jwt", "kid": self.keys.keys[0].kid}
        self._fixed = {"iss": settings.issuer, "aud": settings.audience, "client_id": CLIENT}
        self._clock = clock

    def now(self) -> int:
        """The second that a token would be issued in."""
        return int(self._clock())

    def issue(self, subject: UUID, scopes: Iterable[str], issued_at: int | None = None) -> str:
        """A token for this user with these scopes, and no more; issued now unless a second is given."""
        now = self.now() if issued_at is None else issued_at
        claims = {
            **self._fixed,
            "sub": str(subject),
            "jti": str(new_id()),
            "iat": now,
            "exp": now + self.seconds,
            "scope": " ".join(scopes),
        }
        return jwt.encode(claims, self._key, ALGORITHM, self._headers)
