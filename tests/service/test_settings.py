"""The settings matrix: where values come from, and what stops a production start with the variable's name."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.platform.auth.weak_secrets import refuse_weak_secrets
from app.platform.settings import (
    EXIT_CONFIG,
    Settings,
    SettingsError,
    load_settings,
    unknown_variables,
)
from app.platform.settings.removed import REMOVED
from tests.support.application import SIGNING_KEY

GOOD_PASSWORD = "kV3-long-and-random"
MARKER = "mArKeR-7"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_a_variable_wins_over_the_env_file_and_that_over_a_secret_file(
    secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("SLIPWAY_DATABASE__USER=from-env-file\nSLIPWAY_DATABASE__NAME=from-env-file\n")
    monkeypatch.setitem(Settings.model_config, "env_file", str(env_file))
    monkeypatch.setenv("SLIPWAY_DATABASE__USER", "from-variable")
    for name in ("database__user", "database__name", "database__password"):
        (secrets / name).write_text("from-secret-file")
    database = load_settings().database
    assert database.user == "from-variable"
    assert database.name == "from-env-file"
    assert database.password.get_secret_value() == "from-secret-file"


def test_features_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_FEATURES", "items, users,")
    assert load_settings().features == ("items", "users")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLIPWAY_HTTP__PORT", MARKER),
        ("SLIPWAY_HTTP__PORT", "70000"),
        ("SLIPWAY_DATABASE__POOL_SIZE", "0"),
        ("SLIPWAY_DATABASE__HOTS", MARKER),
        ("SLIPWAY_TELEMETRY__SAMPLE_RATIO", "1.5"),
        ("SLIPWAY_TELEMETRY__SAMPLE_RATIO", "nan"),
        ("SLIPWAY_ENVIRONMENT", "prod"),
        ("SLIPWAY_AUTH__TOKEN_SECONDS", "86400"),
        ("SLIPWAY_SHUTDOWN__DRAIN_SECONDS", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_never_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert len(refusal.value.problems) == 1
    assert refusal.value.problems[0].startswith(name)
    assert MARKER not in str(refusal.value)


@pytest.mark.parametrize(("name", "instead"), REMOVED.items())
def test_a_removed_setting_is_refused_with_what_to_do_instead(
    name: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, MARKER)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert refusal.value.problems == (f"{name}: {instead}",)


def settings(**changes: object) -> Settings:
    groups: dict[str, object] = {
        "environment": "production",
        "database": {"password": GOOD_PASSWORD},
        "auth": {"signing_key": SIGNING_KEY},
    }
    return Settings.model_validate(groups | changes)


def test_good_secrets_are_taken() -> None:
    refuse_weak_secrets(settings(), database=True, auth=True)


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"database": {}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"database": {"password": ""}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"database": {"password": "postgres"}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"database": {"password": "change-me-please"}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"database": {"password": "inventory-user", "user": "inventory-user"}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"database": {"password": "short-" + MARKER[:5]}}, "SLIPWAY_DATABASE__PASSWORD"),
        ({"auth": {}}, "SLIPWAY_AUTH__SIGNING_KEY"),
        ({"auth": {"signing_key": MARKER}}, "SLIPWAY_AUTH__SIGNING_KEY"),
        ({"auth": {"signing_key": SIGNING_KEY, "previous_key": MARKER}}, "SLIPWAY_AUTH__PREVIOUS_KEY"),
    ],
    ids=[
        "no database group",
        "empty",
        "short default",
        "long default",
        "the user's name",
        "short",
        "no key",
        "no PEM",
        "previous key is no PEM",
    ],
)
def test_a_missing_default_or_short_secret_is_refused_by_name(changes: dict[str, object], variable: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        refuse_weak_secrets(settings(**changes), database=True, auth=True)
    assert [problem.split()[0] for problem in refusal.value.problems] == [variable]
    assert MARKER not in str(refusal.value)


def test_development_may_have_a_weak_password_but_never_a_weak_key() -> None:
    weak = {"environment": "development", "database": {"password": "dev"}}
    refuse_weak_secrets(settings(**weak), database=True, auth=True)
    with pytest.raises(SettingsError):
        refuse_weak_secrets(settings(**weak, auth={"signing_key": "dev"}), database=True, auth=True)


def test_a_misspelt_group_is_reported() -> None:
    names = ["SLIPWAY_DATABSE__HOST", "SLIPWAY_DATABASE__HOST", "SLIPWAY_SECRETS_DIR", "PATH"]
    assert unknown_variables(names) == ("SLIPWAY_DATABSE__HOST",)


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "SLIPWAY_SECRETS_DIR": "/nonexistent", **variables}
    return subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["serve", "check-config", "migrate"])
def test_a_production_start_without_secrets_exits_78_and_names_the_variable(command: str) -> None:
    done = run(command)
    assert done.returncode == EXIT_CONFIG
    assert "SLIPWAY_DATABASE__PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_config_prints_what_is_effective_with_secrets_masked() -> None:
    password = f"long-enough-{MARKER}"
    done = run(
        "check-config",
        SLIPWAY_DATABASE__PASSWORD=password,
        SLIPWAY_AUTH__SIGNING_KEY=SIGNING_KEY,
        SLIPWAY_HTTP__PORT="8123",
        SLIPWAY_DATABSE__HOST="nowhere",
    )
    assert done.returncode == 0, done.stderr
    assert "SLIPWAY_HTTP__PORT=8123" in done.stdout
    assert "SLIPWAY_DATABASE__PASSWORD=********" in done.stdout
    assert "SLIPWAY_AUTH__PREVIOUS_KEY=(not set)" in done.stdout
    assert MARKER not in done.stdout + done.stderr
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    assert "SLIPWAY_DATABSE__HOST" in done.stderr
