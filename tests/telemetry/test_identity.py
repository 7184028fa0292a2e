"""The name of a configuration changes with it, and gives no secret away."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from app.platform.settings import Auth, Database, Http, Metrics, Service, Settings, Telemetry
from app.platform.telemetry.identity import fingerprint

USUAL = Settings(environment="test", database=Database(password=SecretStr("one")))


@pytest.mark.parametrize(
    "other",
    [
        Settings(environment="development", database=USUAL.database),
        Settings(environment="test", database=Database(password=SecretStr("one"), pool_size=11)),
        Settings(environment="test", database=USUAL.database, telemetry=Telemetry(log_level="debug")),
        Settings(environment="test", database=USUAL.database, features=("items",)),
    ],
)
def test_another_setting_is_another_name(other: Settings) -> None:
    assert fingerprint(USUAL) != fingerprint(other)


@pytest.mark.parametrize(
    "other",
    [
        Settings(environment="test", database=Database(password=SecretStr("two"))),
        Settings(environment="test", database=USUAL.database, auth=Auth(signing_key=SecretStr("a key"))),
        Settings(environment="test", database=USUAL.database, service=Service(version="9.9.9", revision="abc")),
        Settings(environment="test", database=USUAL.database, http=Http(port=8001), metrics=Metrics(port=9465)),
    ],
)
def test_another_secret_release_or_port_is_none(other: Settings) -> None:
    # An empty secret is as good as one: whether there is one is no secret.
    usual = USUAL if other.auth == USUAL.auth else USUAL.model_copy(update={"auth": Auth(signing_key=SecretStr("x"))})
    assert fingerprint(usual) == fingerprint(other)
