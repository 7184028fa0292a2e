"""Makes what docker-compose.yaml needs to be secret, once: the password of PostgreSQL and the key that signs tokens.

They are random and stay in a volume of their own, so that no checkout holds a secret and a second start finds the first
one's. `docker compose down --volumes` takes them away together with the database that they open.
"""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FOR_EVERYBODY = 0o444
"""The volume is mounted by containers of different users, and by nothing else."""


def signing_key() -> str:
    """An Ed25519 key in PKCS 8."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


MADE: dict[str, Callable[[], str]] = {
    "database__password": lambda: secrets.token_urlsafe(32),
    "auth__signing_key": signing_key,
}
"""By the names of the settings' secret files (docs/settings.md)."""


def main() -> None:
    """Writes those that are missing into the folder that the argument names."""
    folder = Path(sys.argv[1])
    for name, make in MADE.items():
        path = folder / name
        if not path.exists():
            unfinished = path.with_name(f".{name}")
            unfinished.write_text(make())
            unfinished.chmod(FOR_EVERYBODY)
            unfinished.rename(path)


if __name__ == "__main__":
    main()
