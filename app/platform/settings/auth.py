"""Settings of access tokens."""

from typing import Annotated

from pydantic import Field, SecretStr

from .base import Group


class Auth(Group):
    """Access tokens that this service signs and verifies (RFC 9068, EdDSA)."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, PKCS 8 in PEM."""
    previous_key: SecretStr | None = None
    """The key signed with before the last rotation (private or public PEM): still verified, never used to sign. Where
    several pods issue tokens, put the next key here for one roll-out before it signs: no pod meets a key it lacks."""
    issuer: str = "slipway"
    """`iss` of the tokens."""
    audience: str = "slipway"
    """`aud` of the tokens."""
    token_seconds: Annotated[int, Field(ge=30, le=600)] = 600
    """How long a token is good, at most ten minutes."""
