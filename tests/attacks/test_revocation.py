"""Tokens of users who are disabled, deleted or have another password, at every process that takes tokens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import httpx2
import pytest

from app.platform.auth.remote_revocations import PATH
from app.platform.settings import Database
from tests.support.databases import connection
from tests.support.live import variables
from tests.support.process import Service, scrape
from tests.support.waiting import free_port, until

PASSWORD, NEW_PASSWORD = "correct horse battery staple", "another horse battery staple"
ITEM = {"name": "revoked", "price": {"amount": "1", "currency": "EUR"}}
LIMIT_SECONDS = 60.0
"""Within this a revoked token is refused everywhere."""


@dataclass
class Processes:
    """Two processes of the whole service on one database, and one that runs items alone and verifies by the first."""

    first: Service
    second: Service
    split: Service

    @property
    def all(self) -> tuple[Service, ...]:
        return (self.first, self.second, self.split)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Iterator[Processes]:
    folder = tmp_path_factory.mktemp("revocation")
    port = free_port()
    alone = {"SLIPWAY_FEATURES": "items", "SLIPWAY_AUTH__SIGNING_KEY": ""}
    environments = (
        variables(database, SLIPWAY_HTTP__PORT=str(port)),
        variables(database),
        variables(database, **alone, SLIPWAY_SERVICES__USERS=f"http://127.0.0.1:{port}"),
    )
    with ExitStack() as stack:
        services: list[Service] = []
        for environment in environments:  # all at once: each takes seconds to start
            services.append(Service(folder, variables=environment, program=("-m", "app.cli", "serve")))
            stack.callback(services[-1].kill)
        for service in services:
            until(partial(service.answers, "/startupz"), "a process to start")
        yield Processes(*services)


def call(service: Service, method: str, path: str, bearer: str = "", **more: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx2.request(method, f"http://127.0.0.1:{service.port}{path}", headers=headers, timeout=20, **more)  # type: ignore[arg-type]


def write(service: Service, bearer: str) -> int:
    return call(service, "POST", "/api/v2/items", bearer, json=ITEM).status_code


def everywhere(processes: Processes, bearer: str, status: int) -> bool:
    return all(write(service, bearer) == status for service in processes.all)


def log_in(service: Service, name: str, password: str = PASSWORD) -> str:
    answer = call(service, "POST", "/api/v1/auth/token", data={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def registered(service: Service) -> tuple[str, str]:
    """The name and the id of a new user."""
    name = f"u{uuid4().hex}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    answer = call(service, "POST", "/api/v1/users", json=body)
    assert answer.status_code == 201, answer.text
    return name, str(answer.json()["id"])


def execute(database: Database, statement: str, user_id: str) -> None:
    """What an operator does with psql."""

    async def run() -> None:
        async with connection(database) as held:
            await held.execute(statement, UUID(user_id))

    asyncio.run(run())


def test_a_new_password_a_disabled_and_a_deleted_user_end_their_tokens_everywhere(
    processes: Processes, database: Database
) -> None:
    people = {kind: registered(processes.first) for kind in ("password", "disabled", "deleted", "bystander")}
    tokens = {kind: log_in(processes.second, name) for kind, (name, _) in people.items()}
    until(lambda: call(processes.split, "GET", "/startupz").status_code == 200, "the keys")
    assert all(everywhere(processes, token, 201) for token in tokens.values())  # each process remembers them now

    execute(database, "UPDATE users.users SET disabled = true WHERE id = $1", people["disabled"][1])
    execute(database, "DELETE FROM users.users WHERE id = $1", people["deleted"][1])
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = call(processes.first, "PUT", "/api/v1/users/me/password", tokens["password"], json=change)
    assert answer.status_code == 204
    # At once where it was changed, while a new token is good everywhere, though it may be of the same second.
    assert write(processes.first, tokens["password"]) == 401
    new = log_in(processes.second, people["password"][0], NEW_PASSWORD)
    assert everywhere(processes, new, 201)
    for kind in ("password", "disabled", "deleted"):
        until(partial(everywhere, processes, tokens[kind], 401), f"a {kind} token to end", LIMIT_SECONDS)
    refused = call(processes.split, "POST", "/api/v2/items", tokens["deleted"], json=ITEM)
    assert 'error_description="The token was revoked"' in refused.headers["www-authenticate"]
    assert everywhere(processes, new, 201)
    assert everywhere(processes, tokens["bystander"], 201)

    execute(database, "UPDATE users.users SET disabled = false WHERE id = $1", people["disabled"][1])
    again = log_in(processes.first, people["disabled"][0])
    assert everywhere(processes, again, 201)
    assert everywhere(processes, tokens["disabled"], 401)


def test_what_outsiders_can_read_names_nobody(processes: Processes) -> None:
    name, user_id = registered(processes.first)
    token = log_in(processes.first, name)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert call(processes.first, "PUT", "/api/v1/users/me/password", token, json=change).status_code == 204
    answer = call(processes.first, "GET", PATH)
    assert answer.status_code == 200
    assert answer.json()["before"]
    assert answer.headers["cache-control"] == "no-store"
    for secret in (user_id, user_id.replace("-", ""), name):
        assert secret not in answer.text
    assert call(processes.split, "GET", PATH).status_code == 404
    assert PATH not in call(processes.first, "GET", "/openapi.json").text


def test_the_age_of_what_is_known_is_measured_and_the_questions_are_not_logged(processes: Processes) -> None:
    for service in processes.all:
        age = re.search(r"^auth_revocations_age_seconds (\S+)$", scrape(service.metrics_port), re.MULTILINE)
        assert age
        assert 0 <= float(age[1]) < LIMIT_SECONDS
        check = call(service, "GET", "/readyz").json()["checks"]["revocations"]
        assert (check["status"], check["required"]) == ("ok", False)
        answered = [
            line for line in service.log().splitlines() if f'"path":"{PATH}"' in line and '"status":200' in line
        ]
        assert answered == []
