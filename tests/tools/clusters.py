"""What the tests of the embedded PostgreSQL do with it: run it in another process, ask it, read a refusal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.processes import command_lines

STARTER = Path(__file__).with_name("starter.py")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")


@dataclass
class Starter:
    """Another process that runs the server."""

    process: subprocess.Popen[str]
    port: int = 0
    server: int = 0
    refusal: str = ""

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def watchers(self) -> list[int]:
        return [pid for pid, line in command_lines().items() if line.strip().endswith(f"kill -INT {self.server}")]


@contextmanager
def starter_process(folder: Path, *user: str, path: Path | None = None) -> Generator[subprocess.Popen[str]]:
    folders = [str(one) for one in (path, *sys.path) if one]
    process = subprocess.Popen(
        [sys.executable, STARTER, folder, *user],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


@contextmanager
def starter(folder: Path, *user: str, path: Path | None = None) -> Generator[Starter]:
    with starter_process(folder, *user, path=path) as process:
        assert process.stdout
        yield Starter(process, **json.loads(process.stdout.readline() or "{}"))


async def connect(folder: Path, port: int, password: str = "") -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(
        host="127.0.0.1",
        port=port,
        user="slipway",
        password=password or (folder / "cluster" / "password").read_text().strip(),
        database="postgres",
    )


def sql(folder: Path, port: int, statement: str) -> object:
    async def run() -> object:
        connection = await connect(folder, port)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(run())


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    return bool(command_lines().get(pid))


def one_sentence(error: pytest.ExceptionInfo[EmbeddedPostgresError]) -> str:
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert ": " in text, "it says what to do"
    return text
