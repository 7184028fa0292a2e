"""A signing key for development."""

from pathlib import Path

from pydantic import SecretStr

from app.platform.auth.keys import new_signing_key


def kept_signing_key(file: Path) -> SecretStr:
    """The key in `file`, made if it is missing, so that tokens stay valid when the service restarts."""
    if not file.exists():
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(new_signing_key().get_secret_value())
        new.rename(file)
    return SecretStr(file.read_text())
