"""Settings of access tokens."""

from typing import Annotated

from pydantic import Field, SecretStr

from .base import Group


class Auth(Group):
    """Access tokens that this service signs and verifies (RFC 9068, EdDSA)."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, PKCS 8 in PEM."""
    previous_key: SecretStr | None = None
    """The signing key before the last rotation (private or public PEM). It verifies tokens and never signs. If several
    pods issue tokens, set the next key here one rollout before it becomes the signing key, so that all pods know it."""
    issuer: str = "slipway"
    """`iss` claim of the tokens."""
    audience: str = "slipway"
    """`aud` claim of the tokens."""
    token_seconds: Annotated[int, Field(ge=30, le=600)] = 600
    """Lifetime of a token, at most ten minutes."""
