"""A cluster to start, damage and start again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.clusters import sql
from tools.postgres.server import running_postgres


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster with a table `kept`, below folders whose permissions must not change."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    folder = closed / "state" / "postgres"
    before = {parent: parent.stat().st_mode for parent in closed.parents}
    with running_postgres(folder, durable=False) as server:
        sql(folder, server.port, "CREATE TABLE kept (n int)")
    yield folder
    assert closed.stat().st_mode & 0o777 == 0o700
    assert {parent: parent.stat().st_mode for parent in closed.parents} == before
