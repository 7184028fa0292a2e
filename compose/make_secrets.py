"""Makes what docker-compose.yaml needs to be secret, once: the password of PostgreSQL and the key that signs tokens.

They are random and stay in volumes of their own, so that no checkout holds a secret and a second start finds the first
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

FOR_THE_DATABASE = ("database__password",)
"""What PostgreSQL and the migration get: who can read their files cannot sign a token."""


def main() -> None:
    """Writes those that are missing into the folder of the service, and the database's into a second one."""
    service, database = (Path(argument) for argument in sys.argv[1:])
    for name, make in MADE.items():
        if not (service / name).exists():
            write(service / name, make())
    for name in FOR_THE_DATABASE:
        write(database / name, (service / name).read_text())


def write(path: Path, text: str) -> None:
    """Writes a whole file or none."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    unfinished.write_text(text)
    unfinished.chmod(FOR_EVERYBODY)
    unfinished.rename(path)


if __name__ == "__main__":
    main()
