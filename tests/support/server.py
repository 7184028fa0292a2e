"""The PostgreSQL of one test run: independent of what is configured here, and thrown away at the end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path

from app.platform.settings import PREFIX, Database, Settings
from tests.support.databases import TEMPLATE, create_database, prepare_template
from tools.postgres.binaries import remove_copy
from tools.postgres.server import running_postgres

FOLDER_PREFIX = "slipway-test-"
TEST_PREFIX = f"{PREFIX}TEST_"
"""Of variables that configure a test run and not the service."""
NO_FILES = Path(__file__).with_name("no-secret-files")


def forget_configuration(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Make the run independent of what is configured here: variables, `.env` and secret files.

    Returns:
        The variables that were set.
    """
    found = sorted(name for name in environment if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX))
    for name in found:
        del environment[name]
    environment[f"{PREFIX}SECRETS_DIR"] = str(NO_FILES)
    Settings.model_config["env_file"] = None
    return found


@contextmanager
def template_server() -> Generator[Database]:
    """A server with a prepared template, for as long as the block runs; the address is the template's.

    Raises:
        EmbeddedPostgresError: it does not run on this machine.
    """
    _remove_folders_of_killed_runs()
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        with running_postgres(folder, durable=False, max_connections=200) as server:
            address = Database.model_validate(
                {
                    "host": server.host,
                    "port": server.port,
                    "user": server.user,
                    "password": server.password,
                    "name": TEMPLATE,
                    "ssl": "disable",
                }
            )
            asyncio.run(_prepare(address))
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(address: Database) -> None:
    await create_database(address, template="template1")
    await prepare_template(address)


def pack(address: Database) -> dict[str, object]:
    """The address as what pytest-xdist can send to a worker."""
    shown = address.model_dump(exclude={"password", "direct"})
    return {**shown, "password": address.password.get_secret_value()}


def _remove_folders_of_killed_runs() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/cluster"):
        with suppress(OSError), (folder.parent / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while that run lives
            remove_copy(folder.parent / "binaries")
            shutil.rmtree(folder.parent, ignore_errors=True)
