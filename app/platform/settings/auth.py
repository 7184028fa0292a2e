"""Settings of access tokens and passwords."""

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


class Passwords(Group):
    """Cost of argon2id (OWASP: at least 19 MiB, two passes) and how many hashes run at once."""

    memory_kib: Annotated[int, Field(ge=8, le=1024 * 1024)] = 19 * 1024
    """Memory of one hash, in KiB."""
    iterations: Annotated[int, Field(ge=1, le=10)] = 2
    """Passes over it."""
    slots: Annotated[int, Field(ge=1, le=64)] = 1
    """Hashes at the same time: memory in use is at most `slots` × `memory_kib`."""
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 64
    """Log-ins that may wait for a slot; the next one is answered 429."""
