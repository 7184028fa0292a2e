"""One PostgreSQL a run, one database a worker; what could not run here is named at the end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack
from itertools import count
from typing import Protocol

import httpx2
import pytest

from app.platform.http.application import SlipwayApp
from app.platform.settings import Database
from tests.support.application import Caller, running_app, settings_for
from tests.support.databases import create_database, drop_database
from tests.support.logs import logging_restored
from tests.support.server import forget_configuration, pack, template_server
from tests.support.tools import missing_tools, not_run_here
from tools.postgres.errors import EmbeddedPostgresError

_FORGOTTEN = pytest.StashKey[list[str]]()
_NUMBERS = count()


class _Node(Protocol):
    """What pytest-xdist calls a worker."""

    config: pytest.Config
    workerinput: dict[str, object]


_SERVER = pytest.StashKey[Database | str]()
"""The template's address, or the sentence that says why there is no server."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FORGOTTEN] = forget_configuration()


def pytest_report_header(config: pytest.Config) -> list[str]:
    forgotten = config.stash[_FORGOTTEN]
    return [f"ignored, since tests use a server of their own: {', '.join(forgotten)}"] if forgotten else []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the server before pytest-xdist starts the workers; a worker is told where it is."""
    config = session.config
    told: dict[str, object] | None = getattr(config, "workerinput", None)
    if told is not None:
        given = told["slipway_server"]
        config.stash[_SERVER] = given if isinstance(given, str) else Database.model_validate(given)
    elif not config.option.collectonly:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        try:
            config.stash[_SERVER] = stack.enter_context(template_server())
        except EmbeddedPostgresError as error:
            config.stash[_SERVER] = str(error)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    server = node.config.stash[_SERVER]
    node.workerinput["slipway_server"] = server if isinstance(server, str) else pack(server)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for tool, tests in sorted(missing_tools(terminalreporter.getreports("skipped")).items()):
        number = "1 test" if len(tests) == 1 else f"{len(tests)} tests"
        terminalreporter.write_line(f"not run here, for want of {tool}: {number}", yellow=True)
        for name in tests:
            terminalreporter.write_line(f"  {name}")


@pytest.fixture(scope="module", autouse=True)
def _logging_of_the_module() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture(autouse=True)
def _logging_of_the_test() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the tests of a worker, so that they share its pool of connections."""
    return "asyncio"


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Database:
    """The template on the server of this run: nothing connects to it, `create_database` copies it."""
    server = pytestconfig.stash[_SERVER]
    if isinstance(server, str):
        not_run_here("PostgreSQL", server)
    return server


@pytest.fixture(scope="session")
def database(server: Database) -> Database:
    """The migrated database of this worker, kept for the run: a test leaves it as it wants to find it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    address = server.model_copy(update={"name": f"slipway_test_{worker}"})
    return asyncio.run(create_database(address))


@pytest.fixture
def new_database(server: Database) -> Iterator[Database]:
    """A migrated database for one test."""
    yield from _passing_database(server, template=server.name)


@pytest.fixture
def empty_database(server: Database) -> Iterator[Database]:
    """A database without any schema of ours, for one test."""
    yield from _passing_database(server, template="template1")


def _passing_database(server: Database, *, template: str) -> Generator[Database]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    address = server.model_copy(update={"name": f"slipway_test_{worker}_{next(_NUMBERS)}"})
    asyncio.run(create_database(address, template=template))
    yield address
    asyncio.run(drop_database(address))


@pytest.fixture(scope="session")
async def app(database: Database) -> AsyncIterator[SlipwayApp]:
    """The service on the worker's database; its tests make objects of their own and leave them."""
    async with AsyncExitStack() as stack:
        with logging_restored():  # it lives on in modules that have logs of their own
            app = await stack.enter_async_context(running_app(settings_for(database)))
        yield app


@pytest.fixture
async def client(app: SlipwayApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller without a token, in process but through the whole ASGI stack."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def alice(app: SlipwayApp) -> AsyncIterator[Caller]:
    """A caller with a token for everything that a new user may do."""
    caller = Caller(app)
    async with caller.http:
        yield caller


@pytest.fixture
async def bob(app: SlipwayApp) -> AsyncIterator[Caller]:
    """Somebody else."""
    caller = Caller(app)
    async with caller.http:
        yield caller
