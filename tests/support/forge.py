"""Makes tokens as an issuer or an attacker would: part by part, with nothing checked."""

import json
import time
from base64 import urlsafe_b64encode
from functools import cache
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import SecretStr

from app.platform.auth.keys import public_jwk
from app.platform.settings import Auth

SIGNING = "signing"
_P = 2**255 - 19
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER_POINTS = tuple(
    (y + sign * 2**255).to_bytes(32, "little")
    for y in (0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8)
    for sign in (0, 1)
)
"""All that libsodium refuses as well, also where y is written with p added, and with either sign of x."""
OFF_CURVE = (2).to_bytes(32, "little")
"""No point has y = 2."""


@cache
def key(name: str) -> Ed25519PrivateKey:
    """The key of this name, made once a test run."""
    return Ed25519PrivateKey.generate()


def pem(private: Ed25519PrivateKey) -> SecretStr:
    """A private key as it is configured."""
    return SecretStr(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(private: Ed25519PrivateKey) -> SecretStr:
    """The public half as it is configured."""
    data = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return SecretStr(data.decode())


def auth_settings(signing: str = SIGNING, previous: SecretStr | None = None) -> Auth:
    """Settings of a service that signs with the key of this name."""
    return Auth(signing_key=pem(key(signing)), previous_key=previous)


def key_id(public: Ed25519PublicKey) -> str:
    """The `kid` that the service gives a key."""
    return public_jwk(base64url(public.public_bytes_raw()).decode())["kid"]


def head(**changes: object) -> dict[str, object]:
    """The header of a good token, with changes; None takes a member away."""
    return _changed({"alg": "EdDSA", "typ": "at+jwt", "kid": key_id(key(SIGNING).public_key())}, changes)


def claims(**changes: object) -> dict[str, object]:
    """The claims of a good token, with changes; None takes a claim away."""
    now = int(time.time())
    good: dict[str, object] = {
        "iss": "slipway",
        "aud": "slipway",
        "sub": str(uuid4()),
        "jti": str(uuid4()),
        "iat": now,
        "exp": now + 600,
        "scope": "items:read items:write",
        "client_id": "first-party",
    }
    return _changed(good, changes)


def token(
    header: dict[str, object] | bytes | None = None,
    payload: dict[str, object] | bytes | None = None,
    *,
    by: Ed25519PrivateKey | None = None,
    signature: bytes | None = None,
) -> bytes:
    """A compact token of these parts, signed by the service's key unless said otherwise."""
    signed = b".".join(base64url(_text(part)) for part in (header or head(), payload or claims()))
    return signed + b"." + base64url((by or key(SIGNING)).sign(signed) if signature is None else signature)


def base64url(data: bytes) -> bytes:
    """Without padding, as in RFC 7515."""
    return urlsafe_b64encode(data).rstrip(b"=")


def _text(part: dict[str, object] | bytes) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def _changed(good: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**good, **changes}.items() if value is not None}
