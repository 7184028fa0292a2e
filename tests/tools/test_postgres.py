"""The embedded PostgreSQL survives what happens to developers: kills, second runs, stale locks, root."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import tempfile
from pathlib import Path

import asyncpg
import pytest

from tests.tools.clusters import connect, eventually, one_sentence, only_root, runs, sql, starter
from tools.postgres.accounts import server_account
from tools.postgres.binaries import remove_copy, usable_binaries
from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.server import running_postgres


def test_a_second_start_finds_the_data_of_the_first(folder: Path) -> None:
    with running_postgres(folder, durable=True) as server:
        sql(folder, server.port, "INSERT INTO kept VALUES (1)")
    with running_postgres(folder, durable=False) as server:
        assert sql(folder, server.port, "SELECT count(*) FROM kept WHERE n = 1") == 1
        assert server.process_id
        pid = server.process_id
    assert not runs(pid)


def test_text_is_unicode_and_sorts_the_same_everywhere(folder: Path) -> None:
    with running_postgres(folder, durable=False) as server:
        assert sql(folder, server.port, "SELECT lower('ÄÖ')") == "äö"
        assert sql(folder, server.port, "SELECT 'Z' < 'a' AND 'z' < 'ä'")
        assert sql(folder, server.port, "SHOW timezone") == "UTC"


def test_a_wrong_password_is_refused(folder: Path) -> None:
    with running_postgres(folder, durable=False) as server, pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(connect(folder, server.port, "guess"))


def test_the_password_is_readable_by_its_owner_only(folder: Path) -> None:
    assert (folder / "cluster" / "password").stat().st_mode & 0o777 == 0o600
    assert (folder / "cluster").stat().st_mode & 0o777 == 0o700


def test_commits_survive_a_killed_server_which_comes_back_on_its_port(folder: Path) -> None:
    with running_postgres(folder, durable=False) as server:
        port = server.port
        sql(folder, port, "INSERT INTO kept VALUES (2)")
        server.kill()
        assert server.process_id is None
        server.start()
        assert server.port == port
        assert sql(folder, port, "SELECT count(*) FROM kept WHERE n = 2") == 1


def test_a_restart_keeps_the_port_and_cuts_connections(folder: Path) -> None:
    async def held_over_a_restart() -> bool:
        port = server.port
        connection = await connect(folder, port)
        await asyncio.to_thread(server.restart)
        assert server.port == port
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 1")
        return True

    with running_postgres(folder, durable=False) as server:
        assert asyncio.run(held_over_a_restart())


def test_an_immediate_stop_loses_no_commit(folder: Path) -> None:
    with running_postgres(folder, durable=False) as server:
        sql(folder, server.port, "INSERT INTO kept VALUES (3)")
        server.stop(immediate=True)
        server.start()
        assert sql(folder, server.port, "SELECT count(*) FROM kept WHERE n = 3") == 1


def test_a_server_ends_with_its_killed_starter(folder: Path) -> None:
    with starter(folder) as other:
        assert runs(other.server)
        other.kill()
        eventually(lambda: not runs(other.server))
        eventually(lambda: not other.watchers())


def test_a_server_that_outlived_its_starter_is_stopped_first_and_keeps_its_commits(folder: Path) -> None:
    with starter(folder) as other:
        sql(folder, other.port, "INSERT INTO kept VALUES (4)")
        for watcher in other.watchers():
            os.kill(watcher, signal.SIGKILL)
        other.kill()
        assert runs(other.server)
        with running_postgres(folder, durable=False) as server:
            assert not runs(other.server)
            assert sql(folder, server.port, "SELECT count(*) FROM kept WHERE n = 4") == 1


def test_a_second_run_is_refused_by_naming_the_first(folder: Path) -> None:
    with starter(folder) as first:
        with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(folder):
            pass
        assert f"process {first.process.pid}" in one_sentence(refusal)
        assert sql(folder, first.port, "SELECT 1") == 1, "the first run is not disturbed"


def test_a_lock_file_with_the_number_of_another_process_is_no_obstacle(folder: Path) -> None:
    lock = folder / "cluster" / "data" / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n/somewhere\n1\n5432\n\n127.0.0.1\n\nready\n")
    lock.chmod(0o644)
    with running_postgres(folder, durable=False) as server:
        assert sql(folder, server.port, "SELECT 1") == 1


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(folder, port=port):
            pass
    assert f"Port {port} " in one_sentence(refusal)


def test_a_wanted_port_is_used(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_postgres(folder, port=port, durable=False) as server:
        assert server.port == port
        assert sql(folder, port, "SELECT 1") == 1


@only_root
def test_an_ordinary_user_needs_no_root(tmp_path: Path) -> None:
    """As an ordinary user all tests of this file show it; root becomes one for this one."""
    user = pwd.getpwnam("daemon")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.chown(home, user.pw_uid, user.pw_gid)
        binaries = usable_binaries(server_account(home), tmp_path / "copied")
        path = binaries.folder.parents[2]
        with starter(home / "postgres", "daemon", path=path) as first:
            sql(home / "postgres", first.port, "CREATE TABLE kept (n int)")
            first.kill()
        with starter(home / "postgres", "daemon", path=path) as second:
            assert sql(home / "postgres", second.port, "SELECT count(*) FROM kept") == 0
        with starter(tmp_path / "postgres", "daemon", path=path) as refused:
            assert "Permission denied" in refused.refusal
        # Root goes on where the user stopped, as the user.
        with running_postgres(home / "postgres", durable=False) as server:
            assert sql(home / "postgres", server.port, "SELECT count(*) FROM kept") == 0
        remove_copy(tmp_path / "copied")
