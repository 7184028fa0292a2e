"""Users and items as processes of their own: items takes the tokens of users by their public keys."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from app.platform.settings import Database, Settings, SettingsError, load_settings
from app.registry import branches, discover, enabled
from tests.support.forge import claims, head, key, pem, token
from tests.support.live import live_service, variables
from tests.support.process import Service
from tests.support.waiting import free_port, until

ITEM = {"name": "split", "price": {"amount": "1", "currency": "EUR"}}
PASSWORD = "correct horse battery staple"


@pytest.fixture
def users_port() -> int:
    return free_port()


@contextmanager
def users(folder: Path, database: Database, port: int, signing: str, previous: str = "") -> Generator[Service]:
    keys = {"SLIPWAY_AUTH__SIGNING_KEY": pem(key(signing)).get_secret_value()}
    if previous:
        keys["SLIPWAY_AUTH__PREVIOUS_KEY"] = pem(key(previous)).get_secret_value()
    more = {"SLIPWAY_FEATURES": "users", "SLIPWAY_HTTP__PORT": str(port)}
    with live_service(folder, database, **more, **keys) as service:
        until(lambda: status(service, "/startupz") == 200, "the users process")
        yield service


@pytest.fixture
def items(tmp_path: Path, new_database: Database, users_port: int) -> Iterator[Service]:
    """A process without any key of its own."""
    more = {"SLIPWAY_FEATURES": "items", "SLIPWAY_SERVICES__USERS": f"http://127.0.0.1:{users_port}"}
    with live_service(tmp_path, new_database, SLIPWAY_AUTH__SIGNING_KEY="", **more) as service:
        yield service


def call(service: Service, method: str, path: str, bearer: str = "", **more: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx2.request(method, f"http://127.0.0.1:{service.port}{path}", headers=headers, timeout=20, **more)  # type: ignore[arg-type]


def status(service: Service, path: str) -> int:
    try:
        return call(service, "GET", path).status_code
    except httpx2.TransportError:
        return 0


def log_in(service: Service, name: str) -> str:
    registered = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert call(service, "POST", "/api/v1/users", json=registered).status_code == 201
    answer = call(service, "POST", "/api/v1/auth/token", data={"username": name, "password": PASSWORD})
    return str(answer.json()["access_token"])


def write(service: Service, bearer: str) -> int:
    return call(service, "POST", "/api/v2/items", bearer, json=ITEM).status_code


def test_a_token_of_the_one_process_is_good_in_the_other_through_a_rotation_and_an_outage(
    items: Service, tmp_path: Path, new_database: Database, users_port: int
) -> None:
    assert status(items, "/startupz") == 503
    assert call(items, "GET", "/readyz").json()["checks"]["users-keys"]["required"]  # until it has passed once
    assert write(items, token().decode()) == 503  # nobody can say whether it is good
    with users(tmp_path, new_database, users_port, "first") as service:
        until(lambda: status(items, "/readyz") == 200, "the keys of the users process")
        old = log_in(service, "alice")
        assert write(items, old) == 201
        assert call(service, "GET", "/api/v2/items", old).status_code == 404  # it serves no items
    assert write(items, old) == 201
    with users(tmp_path, new_database, users_port, "second", previous="first") as service:
        new = log_in(service, "bob")
        assert [write(items, new), write(items, old)] == [201, 201]
    assert [write(items, new), write(items, old)] == [201, 201]
    unknown = token(head(kid="A" * 43), claims()).decode()
    assert write(items, unknown) == 503
    ready = call(items, "GET", "/readyz")
    assert ready.status_code == 200
    until(
        lambda: call(items, "GET", "/readyz").json()["checks"]["users-keys"]["status"] == "failed", "the outage to show"
    )


async def test_invented_keys_are_refused_and_do_not_become_a_load(
    items: Service, tmp_path: Path, new_database: Database, users_port: int
) -> None:
    def questions(service: Service) -> int:
        return service.log().count('"path":"/.well-known/jwks.json"')

    def bearer(number: int) -> dict[str, str]:
        invented = token(head(kid=f"{number:043}"), claims()).decode()
        return {"Authorization": f"Bearer {invented}"}

    with users(tmp_path, new_database, users_port, "first") as service:
        until(lambda: status(items, "/startupz") == 200, "the keys of the users process")
        before = questions(service)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{items.port}", timeout=20) as client:
            answers = await asyncio.gather(*(client.get("/api/v2/items", headers=bearer(n)) for n in range(30)))
        assert {answer.status_code for answer in answers} == {401}
        assert {'error="invalid_token"' in answer.headers["www-authenticate"] for answer in answers} == {True}
        # Who waits together asks once; some may have come when that question was answered already.
        assert 1 <= questions(service) - before <= 3


SCHEMAS = {branch.schema for branch in branches(list(discover().values()))}


@pytest.mark.parametrize(("features", "brought_up"), [("items", {"items"}), ("", SCHEMAS)])
def test_a_migration_brings_up_the_features_that_it_is_told_or_all(
    features: str, brought_up: set[str], tmp_path: Path, empty_database: Database
) -> None:
    told = {"SLIPWAY_FEATURES": features} if features else {}
    service = Service(tmp_path, variables=variables(empty_database, **told), program=("-m", "app.cli", "migrate"))
    assert service.wait() == 0, service.log()
    assert {line.split(":")[0] for line in service.log().splitlines()} == brought_up


def test_a_process_with_neither_keys_nor_their_address_does_not_start() -> None:
    from app.main import create_app

    told = Settings.model_validate({"environment": "test", "features": ("items",)})
    with pytest.raises(SettingsError, match="SLIPWAY_SERVICES__USERS"):
        create_app(told)


def test_a_users_process_needs_its_own_key() -> None:
    from app.main import create_app

    told = Settings.model_validate({"environment": "test", "services": {"users": "http://users"}})
    with pytest.raises(SettingsError, match="SLIPWAY_AUTH__SIGNING_KEY"):
        create_app(told)


@pytest.mark.parametrize(
    "url",
    [
        "users",
        "ftp://users",
        "http://",
        "http://u:p@users",
        "http://:p@u",
        "http://users?x=1",
        "http://u#x",
        "http://users:port",
        "http://users:0",
        "http://us ers",
        "http://users:99999",
        "http://users/a\nb",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    for wrong in ({"services": {"users": url}}, {"telemetry": {"otlp_endpoint": url}}):
        with pytest.raises(ValueError, match="base URL"):
            Settings.model_validate(wrong)


def test_a_bad_base_url_is_said_by_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no .env
    monkeypatch.setenv("SLIPWAY_SERVICES__USERS", "users")
    with pytest.raises(SettingsError, match="SLIPWAY_SERVICES__USERS: it is no base URL"):
        load_settings()


def test_a_service_of_no_feature_is_refused_by_name() -> None:
    with pytest.raises(
        SettingsError, match='SLIPWAY_SERVICES: unknown feature "nothing"; known features: items, users'
    ):
        enabled(Settings.model_validate({"services": {"nothing": "http://nothing"}}))


def test_a_key_in_settings_is_ignored_where_another_process_issues_the_tokens() -> None:
    from app.main import create_app

    told = Settings.model_validate(
        {
            "environment": "test",
            "features": ("items",),
            "services": {"users": "http://users"},
            "auth": {"signing_key": SecretStr("no key")},
        }
    )
    assert create_app(told).resources.jwks
