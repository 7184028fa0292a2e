"""Ed25519 keys in PEM, and the set of public keys that access tokens are verified with (RFC 8037)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt import PyJWK
from pydantic import SecretStr

from ..settings import Auth
from .points import is_usable_point

ALGORITHM = "EdDSA"
MAKE_KEY = "openssl genpkey -algorithm ed25519"


def new_signing_key() -> SecretStr:
    """A new Ed25519 private key, PKCS 8 in PEM: for development and for documents that sign nothing."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SecretStr(key.decode())


def key_problem(variable: str, secret: SecretStr, *, private: bool) -> list[str]:
    """What is wrong with a configured key: nothing, or a sentence that names the variable, not the value."""
    if not secret.get_secret_value().strip():
        return [f"{variable} is not set: make a key with `{MAKE_KEY}`"]
    try:
        _ = signing_key(secret) if private else public_key(secret)
    except ValueError:
        kind = "private key (PKCS 8 in PEM, not encrypted)" if private else "key in PEM"
        return [f"{variable} is not an Ed25519 {kind}: make one with `{MAKE_KEY}`"]
    return []


def signing_key(secret: SecretStr) -> Ed25519PrivateKey:
    """The private key in a PEM text. Raises `ValueError` if there is none of this kind."""
    try:
        key = load_pem_private_key(_pem(secret), password=None)
    except (TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise ValueError("no usable private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("no Ed25519 private key")  # noqa: TRY004 (the text is wrong, not its type)
    return key


def public_key(secret: SecretStr) -> Ed25519PublicKey:
    """The public key in a PEM text, or that of the private key in it. Raises `ValueError` without either."""
    if b"PRIVATE KEY" in _pem(secret):
        return signing_key(secret).public_key()
    try:
        key = load_pem_public_key(_pem(secret))
    except UnsupportedAlgorithm as error:
        raise ValueError("no usable public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 public key")  # noqa: TRY004 (the text is wrong, not its type)
    if not is_usable_point(key.public_bytes_raw()):
        raise ValueError("a public key that anybody can sign for")
    return key


def is_usable_x(x: str) -> bool:
    """Whether the `x` of a JWK is the one base64url text, without padding, of a usable key (RFC 7515 §2)."""
    try:
        encoded = urlsafe_b64decode(f"{x}=")
    except ValueError:
        return False
    return _base64url(encoded) == x and is_usable_point(encoded)


def public_jwk(x: str) -> dict[str, str]:
    """The Ed25519 key with this `x` as a JWK (RFC 8037).

    Its `kid` is its thumbprint (RFC 7638), so that no one has to invent or configure names.
    """
    members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    digest = sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return {**members, "kid": _base64url(digest), "use": "sig", "alg": ALGORITHM}


def key_set(settings: Auth) -> dict[str, list[dict[str, str]]]:
    """The public keys whose tokens are good as a JWK set (RFC 7517): the one signed with, then the one before it."""
    keys = [signing_key(settings.signing_key).public_key()]
    if settings.previous_key is not None:
        keys.append(public_key(settings.previous_key))
    jwks = [public_jwk(_base64url(key.public_bytes_raw())) for key in keys]
    return {"keys": list({jwk["kid"]: jwk for jwk in jwks}.values())}


def verification_keys(settings: Auth) -> Mapping[str, PyJWK]:
    """The keys of the set, by `kid`."""
    return {jwk["kid"]: PyJWK(jwk) for jwk in key_set(settings)["keys"]}


def _pem(secret: SecretStr) -> bytes:
    # A variable in an env file cannot hold line feeds; the two characters \n stand for them there.
    return secret.get_secret_value().replace("\\n", "\n").encode()


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
