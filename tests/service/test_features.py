"""Features stand on their own: a leaf can leave with its folder, and no table refers to another feature's."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from app.platform.settings import Settings, SettingsError
from app.registry import discover, enabled, names
from tests.support.application import SIGNING_KEY
from tests.support.checkout import ROOT

LEAVES = ["items"]
SERVES = """
from app.main import create_app
app = create_app()
print(sorted({path.split("/")[3] for path in app.openapi()["paths"] if path.startswith("/api/")}))
"""


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_that_is_deleted_leaves_the_rest_serving(leaf: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(tmp_path / "app" / "features" / leaf)
    environment = {
        "PATH": os.environ["PATH"],
        "SLIPWAY_ENVIRONMENT": "test",
        "SLIPWAY_AUTH__SIGNING_KEY": SIGNING_KEY,
        "SLIPWAY_SECRETS_DIR": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, '.'){SERVES}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert leaf not in done.stdout
    assert "users" in done.stdout


def test_no_foreign_key_crosses_schemas() -> None:
    for name, feature in discover().items():
        if feature.migrations:
            metadata: MetaData = import_module(f"app.features.{name}.models").metadata
            assert metadata.schema == name
            for table in metadata.tables.values():
                assert {key.column.table.schema for key in table.foreign_keys} <= {name}


def test_a_process_serves_the_features_that_it_is_told() -> None:
    told = Settings.model_validate({"features": ("users",)})
    assert [feature.name for feature in enabled(told)] == ["users"]


def test_a_feature_that_does_not_exist_is_refused_by_name() -> None:
    known = ", ".join(names())
    with pytest.raises(SettingsError, match=f'SLIPWAY_FEATURES: unknown feature "ordres"; known features: {known}'):
        enabled(Settings.model_validate({"features": ("ordres",)}))
