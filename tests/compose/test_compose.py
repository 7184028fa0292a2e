"""docker-compose.yaml: its schema, what its containers may do, and that our code takes its settings; none runs here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from app.platform.auth.weak_secrets import refuse_weak_secrets
from app.platform.settings import Metrics, Shutdown, load_settings
from tests.support.checkout import ROOT
from tests.support.tools import require_tool

FILE = ROOT / "docker-compose.yaml"
PROJECT: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}

every_service = pytest.mark.parametrize("name", SERVICES)


def loaded(path: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((ROOT / path).read_text()))


def volumes(service: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Source, place in the container and mode of each mount."""
    for mount in service.get("volumes", []):
        source, place, *mode = mount.split(":")
        yield source, place, "".join(mode)


def substituted(value: object) -> str:
    """A value as Compose makes it where nothing is set outside."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))


def test_it_is_what_the_schema_of_compose_allows() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    checked = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", FILE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@every_service
def test_it_gets_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.keys().isdisjoint({"cap_add", "privileged", "pid", "ipc", "devices"})


@every_service
def test_its_image_is_of_one_version(name: str) -> None:
    image = substituted(SERVICES[name]["image"])
    tag = image.rpartition("/")[2].partition(":")[2]
    assert tag
    assert tag != "latest"
    assert name in OURS or image.startswith("docker.io/")


@every_service
def test_its_ports_are_for_this_machine_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@every_service
def test_what_it_mounts_is_there_and_files_cannot_be_changed(name: str) -> None:
    for source, _, mode in volumes(SERVICES[name]):
        if source.startswith("./"):
            assert (ROOT / source).exists()
            assert mode == "ro"
        else:
            assert source in PROJECT["volumes"]
            assert (mode == "ro") == (source.endswith("secrets") and name != "secrets")


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What the service `secrets` leaves in its volume."""
    program, folders = SERVICES["secrets"]["entrypoint"][-1], SERVICES["secrets"]["command"]
    sources = {place: source for source, place, _ in volumes(SERVICES["secrets"])}
    made = [tmp_path / sources[folder] for folder in folders]
    for folder in made:
        folder.mkdir()
    subprocess.run([sys.executable, ROOT / sources[program], *made], check=True)
    return tmp_path


def secrets_of(name: str, secrets: Path) -> Path:
    """What a service finds in the folder of secret files."""
    (volume,) = (source for source, place, _ in volumes(SERVICES[name]) if place == "/run/secrets/slipway")
    return secrets / volume


@pytest.mark.parametrize("environment", ["development", "production"])
def test_the_service_takes_its_settings_and_its_secrets(
    secrets: Path, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(secrets)  # where no .env is
    monkeypatch.setenv("SLIPWAY_SECRETS_DIR", str(secrets_of("api", secrets)))
    for name, value in SERVICES["api"]["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, substituted(value))
    monkeypatch.setenv("SLIPWAY_ENVIRONMENT", environment)
    settings = load_settings()
    refuse_weak_secrets(settings, database=True, auth=True)
    assert settings.environment == environment
    assert settings.database.host in SERVICES
    database = SERVICES["postgres"]["environment"]
    assert (settings.database.name, settings.database.user) == (database["POSTGRES_DB"], database["POSTGRES_USER"])
    password = Path(database["POSTGRES_PASSWORD_FILE"])
    assert (
        settings.database.password.get_secret_value() == (secrets_of("postgres", secrets) / password.name).read_text()
    )
    assert settings.telemetry.otlp_endpoint is None
    assert f":{settings.http.port}" in SERVICES["api"]["ports"][0]


@pytest.mark.parametrize("name", ["postgres", "migrate"])
def test_the_database_and_the_migration_cannot_sign_tokens(name: str, secrets: Path) -> None:
    assert [file.name for file in secrets_of(name, secrets).iterdir()] == ["database__password"]
    assert (secrets_of("api", secrets) / "auth__signing_key").read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_a_migration_starts_in_production_with_what_it_gets(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(secrets)
    environment = {name: substituted(value) for name, value in SERVICES["migrate"]["environment"].items() if value}
    more = {
        "SLIPWAY_SECRETS_DIR": str(secrets_of("migrate", secrets)),
        "SLIPWAY_ENVIRONMENT": "production",
        "SLIPWAY_DATABASE__HOST": "127.0.0.1",
        "SLIPWAY_DATABASE__PORT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *SERVICES["migrate"]["command"]],
        env=environment | more | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:51]) == (1, "slipway migrate: cannot connect to 127.0.0.1:1: [Er")


def test_secrets_are_made_once_and_differ_from_machine_to_machine(
    secrets: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = ROOT / "compose/make_secrets.py"

    def content(folder: Path) -> dict[str, str]:
        return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}

    before = content(secrets)
    assert len(before) == 3
    folders = [secrets / "secrets", secrets / "database-secrets"]
    (folders[1] / "database__password").unlink()  # as with the volumes of a release that had one of them only
    subprocess.run([sys.executable, script, *folders], check=True)
    assert content(secrets) == before
    other = tmp_path_factory.mktemp("other")
    for folder in folders:
        (other / folder.name).mkdir()
    subprocess.run([sys.executable, script, *(other / folder.name for folder in folders)], check=True)
    assert all(content(other)[name] != text for name, text in before.items())
    assert all(file.stat().st_mode & 0o777 == 0o444 for file in secrets.rglob("*") if file.is_file())


def test_it_is_given_the_time_that_a_clean_stop_takes() -> None:
    shutdown = Shutdown()
    seconds = int(SERVICES["api"]["stop_grace_period"].removesuffix("s"))
    assert seconds == shutdown.drain_seconds + shutdown.request_seconds + 5


def test_prometheus_scrapes_the_metrics_of_the_service() -> None:
    targets = {
        one["job_name"]: one["static_configs"][0]["targets"]
        for one in loaded("compose/prometheus.yaml")["scrape_configs"]
    }
    (target,) = targets["slipway"]
    host, _, port = target.partition(":")
    assert host in OURS
    assert int(port) == Metrics().port


def test_promtool_takes_the_configuration_of_prometheus() -> None:
    promtool = require_tool("promtool", demanded=False)
    command: list[str | Path] = [promtool, "check", "config", ROOT / "compose/prometheus.yaml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
