"""A signing key for development."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr


def new_signing_key() -> SecretStr:
    """An Ed25519 private key, PKCS 8 in PEM."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SecretStr(key.decode())


def kept_signing_key(file: Path) -> SecretStr:
    """The key in `file`, made if it is missing, so that tokens stay valid when the service starts anew."""
    if not file.exists():
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(new_signing_key().get_secret_value())
        new.rename(file)
    return SecretStr(file.read_text())
