"""The data of one embedded PostgreSQL on disk: made whole or not at all, and checked before use."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.postgres.accounts import CLEAN_ENVIRONMENT, Account, give
from tools.postgres.binaries import Binaries
from tools.postgres.errors import EmbeddedPostgresError

USER = "slipway"
NEW_PREFIX = "new-"


@dataclass(frozen=True)
class Cluster:
    """A usable data folder and the password of its superuser."""

    data: Path
    password: str


def open_or_create(folder: Path, binaries: Binaries, account: Account, *, durable: bool) -> Cluster:
    """The cluster in `folder`, made by `initdb` if there is none.

    Raises:
        EmbeddedPostgresError: there is something that is not a cluster of this major version.
    """
    cluster = folder / "cluster"
    for interrupted in folder.glob(f"{NEW_PREFIX}*"):
        _remove(interrupted)
    if not cluster.exists():
        _create(cluster, binaries, account, durable=durable)
    try:
        version = (cluster / "data" / "PG_VERSION").read_text().strip()
        password = (cluster / "password").read_text().strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeDecodeError) as error:
        raise unusable(folder, "files are missing or damaged") from error
    if version != binaries.major:
        raise unusable(folder, f"version {version[:20]!r}, and PostgreSQL {binaries.major} is installed")
    return Cluster(cluster / "data", password)


def unusable(folder: Path, reason: str) -> EmbeddedPostgresError:
    """The error of a broken folder."""
    return EmbeddedPostgresError(
        f"{folder} does not hold usable PostgreSQL data ({reason}): "
        "run `make clean-data`, which deletes the development data, or put a good copy there."
    )


def data_argument(data: Path, account: Account) -> str:
    """How the server, with `data` as its working directory, names its data folder.

    Another account may not be able to walk to the folder (a checkout in /root). Linux lets a process use its
    working directory all the same, so that no parent folder has to be opened.
    """
    return "/proc/self/cwd" if account and Path("/proc/self/cwd").exists() else str(data)


@contextmanager
def one_sentence(folder: Path) -> Generator[None]:
    """Turn what the operating system refuses in `folder` into an `EmbeddedPostgresError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(folder) from error
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot use {error.filename or folder} ({error.strerror or error}): make it writable "
            f"for this user, or remove {folder} as its owner, which deletes the development data."
        ) from error


def full(folder: Path) -> EmbeddedPostgresError:
    """The error of a full disk."""
    return EmbeddedPostgresError(f"The disk of {folder} is full: free at least 100 MB and start again.")


def _create(cluster: Path, binaries: Binaries, account: Account, *, durable: bool) -> None:
    new = Path(tempfile.mkdtemp(prefix=NEW_PREFIX, dir=cluster.parent))
    try:
        password, data = new / "password", new / "data"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        data.mkdir(mode=0o700)
        for path in (new, password, data):
            give(path, account)
        place = data_argument(data, account)
        made = subprocess.run(
            [
                *(str(binaries.folder / "initdb"), "-D", place, "-U", USER, "-A", "scram-sha-256"),
                *(f"--pwfile={place}/../password", "-E", "UTF8", "--locale=C"),
                # Sorted like C everywhere, and still upper and lower case of every alphabet.
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
                *(() if durable else ("--no-sync",)),
            ],
            cwd=data,
            capture_output=True,
            check=False,
            text=True,
            env=CLEAN_ENVIRONMENT,
            **account,
        )
        if made.returncode:
            raise _failed(cluster.parent, made.stderr)
        new.rename(cluster)
    finally:
        _remove(new)


def _remove(new: Path) -> None:
    """Remove half a cluster, also while a killed `initdb` still writes its last files there."""
    for _ in range(50):
        shutil.rmtree(new, ignore_errors=True)
        if not new.exists():
            return
        time.sleep(0.02)


def _failed(folder: Path, output: str) -> EmbeddedPostgresError:
    if os.strerror(errno.ENOSPC) in output:
        return full(folder)
    lines = output.strip().splitlines() or ["no output"]
    reason = next((line for line in lines if "error" in line or "FATAL" in line), lines[-1])
    return EmbeddedPostgresError(f"PostgreSQL could not set up {folder} ({reason.strip()}): report this.")
