"""A served application whose documentation pages are opened, and a browser to do it with."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.main import create_app
from app.platform.ids import new_id
from app.platform.settings import Database
from tests.support.application import FEATURE_SETTINGS, settings_for
from tests.support.browser import browser, visit

__all__ = ["browser", "docs_server", "visit"]
PREFIX = "/behind/a/proxy"


@dataclass(frozen=True)
class DocsServer:
    """A running application, served at `url` and below a prefix as well, and somebody who can log in."""

    url: str
    prefixed: str
    username: str
    password: str


@pytest.fixture(scope="session")
def docs_server(database: Database) -> Iterator[DocsServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(settings_for(database), groups=FEATURE_SETTINGS)
    server = uvicorn.Server(uvicorn.Config(_with_prefix(app), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        user = {"username": f"reader{new_id().hex}", "password": "correct horse battery staple"}
        httpx2.post(f"{url}/api/v1/users", json=user | {"email": f"{user['username']}@example.org"}).raise_for_status()
        yield DocsServer(url, url + PREFIX, user["username"], user["password"])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _with_prefix(app: ASGIApp) -> ASGIApp:
    """The application as a server shows it that a proxy forwards `PREFIX` to."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            scope = {**scope, "root_path": PREFIX}
        await app(scope, receive, send)

    return served
