"""Secrets are files that only the group of the pod may read; the chart makes them once, or never sees them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from app.platform.auth.keys import key_problem
from app.platform.auth.weak_secrets import refuse_weak_secrets
from app.platform.db import Database
from app.platform.settings import Database as DatabaseSettings
from app.platform.settings import Settings, load_settings
from tests.support.rendering import COMPONENT, PROFILES, Object, Pod, Rendered, manifest, rendered

FOLDER = "/run/secrets/slipway"


def holders(profile: str) -> list[Pod]:
    """The pods that need a secret: all but the clients that `helm test` runs."""
    return [pod for pod in rendered(profile).pods() if pod.labels[COMPONENT] != "test"]


def sources(pod: Pod) -> dict[str, tuple[str, str]]:
    """The files of the folder, each with its Secret and key."""
    (volume,) = [one for one in pod.spec["volumes"] if one["name"] == "secrets"]
    return {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_secrets_are_files_that_the_pod_s_group_may_read(profile: str) -> None:
    for pod in holders(profile):
        (volume,) = [one for one in pod.spec["volumes"] if one["name"] == "secrets"]
        assert volume["projected"]["defaultMode"] == 0o440, pod.owner
        mounts = [one for one in pod.spec["containers"][0]["volumeMounts"] if one["name"] == "secrets"]
        assert mounts == [{"name": "secrets", "mountPath": FOLDER, "readOnly": True}], pod.owner


def test_each_secret_can_come_from_another_place() -> None:
    assert sources(rendered("external").pod("Deployment/slipway-api")) == {
        "database__password": ("cluster-app", "password"),
        "auth__signing_key": ("slipway-keys", "current"),
        "auth__previous_key": ("slipway-keys", "previous"),
    }


def test_one_secret_with_the_names_of_the_settings_is_enough() -> None:
    assert sources(rendered("minimal").pod("Deployment/slipway-api")) == {
        name: ("slipway", name) for name in ("database__password", "auth__signing_key", "auth__previous_key")
    }


def test_the_previous_key_may_be_missing_and_nothing_else() -> None:
    (volume,) = rendered("minimal").pod("Deployment/slipway-api").spec["volumes"]
    optional = {
        one["secret"]["items"][0]["path"]: one["secret"].get("optional") for one in volume["projected"]["sources"]
    }
    assert optional == {"database__password": None, "auth__signing_key": None, "auth__previous_key": True}


@pytest.mark.parametrize("profile", [profile for profile in PROFILES if profile != "dev"])
def test_a_secret_that_exists_is_not_made(profile: str) -> None:
    assert rendered(profile).kind("Secret") == []
    assert "lookup" not in manifest(profile)


def generated(*settings: str) -> dict[str, str]:
    (secret,) = rendered("dev", *settings).kind("Secret")
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def test_generated_secrets_are_strong_enough_for_production() -> None:
    made = generated()
    assert made.keys() == {"database__password", "auth__signing_key"}
    assert len(made["database__password"]) == 32
    assert key_problem("SLIPWAY_AUTH__SIGNING_KEY", SecretStr(made["auth__signing_key"]), private=True) == []


def test_generated_secrets_outlive_the_release() -> None:
    (secret,) = rendered("dev").kind("Secret")
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_pods_and_database_use_the_secret_that_was_made() -> None:
    objects = rendered("dev")
    (secret,) = objects.kind("Secret")
    for pod in holders("dev"):
        for path, (name, key) in sources(pod).items():
            assert name == secret["metadata"]["name"], pod.owner
            assert key in secret["data"] or path == "auth__previous_key", pod.owner


def test_only_what_is_nowhere_else_is_made() -> None:
    """With a database that others run, its password is theirs, and the migration can stay a hook."""
    settings = ("secrets.mode=generate", "secrets.existingSecret=", "secrets.databasePassword.secret=theirs")
    objects = rendered("minimal", *settings)
    (secret,) = objects.kind("Secret")
    assert secret["data"].keys() == {"auth__signing_key"}
    (job,) = objects.kind("Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"]
    assert sources(objects.pod("Job/slipway-migrate")) == {"database__password": ("theirs", "database__password")}


def test_a_checksum_covers_what_the_chart_renders_and_no_secret() -> None:
    """A generated Secret is another one at each rendering, and must not restart the pods."""

    def checksum(objects: Rendered) -> Any:
        return objects.one("Deployment", "slipway-api")["spec"]["template"]["metadata"]["annotations"]

    first = checksum(rendered("dev"))
    manifest.cache_clear()
    rendered.cache_clear()
    assert checksum(rendered("dev")) == first
    assert first.keys() == {"checksum/config"}
    assert checksum(rendered("dev", "settings.SLIPWAY_TELEMETRY__LOG_LEVEL=debug")) != first


def test_pods_restart_when_a_setting_changes_and_not_when_the_chart_is_another() -> None:
    template: Object = rendered("minimal").one("Deployment", "slipway-api")["spec"]["template"]
    assert "helm.sh/chart" not in template["metadata"]["labels"]


@pytest.mark.parametrize("password", ["p@ss:/#%[] word", "'\"$(x)`\\\n;--", "ключ-пароль-🔑"])
async def test_a_password_of_any_characters_reaches_the_database(
    password: str, server: DatabaseSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the file that the chart mounts, with the settings that it renders, to a log-in at a real server."""
    role = "of/any characters@all"
    (tmp_path / "database__password").write_text(password)
    objects = rendered(
        "minimal",
        f"database.host={server.host}",
        f"database.port={server.port}",
        f"database.user={role}",
        "database.name=postgres",
        "database.ssl=disable",
    )
    for name, value in objects.one("ConfigMap", "slipway")["data"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLIPWAY_SECRETS_DIR", str(tmp_path))
    admin = await asyncpg.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.get_secret_value(),
        database="postgres",
    )
    try:
        quoted = await admin.fetchval("SELECT quote_literal($1)", password)
        await admin.execute(f'CREATE ROLE "{role}" LOGIN PASSWORD {quoted}')
        settings = load_settings()
        refuse_weak_secrets(settings, database=True, auth=False)
        assert await _user(settings) == role
    finally:
        await admin.execute(f'DROP ROLE IF EXISTS "{role}"')
        await admin.close()


async def _user(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        async with database.connection() as connection:
            return await connection.fetchval("SELECT current_user")
    finally:
        await database.close()
