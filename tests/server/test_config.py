"""What uvicorn is told, seen from the application."""

from __future__ import annotations

import asyncio

import uvloop
from starlette.types import Receive, Scope, Send

from app.platform.server.config import ServerConfig
from app.platform.settings import Settings


def test_the_server_does_not_name_itself_and_runs_on_uvloop() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None: ...

    config = ServerConfig(application, Settings(environment="test"))
    config.load()
    assert config.encoded_headers == []
    make_loop = config.get_loop_factory()
    assert make_loop is not None
    loop: asyncio.AbstractEventLoop = make_loop()
    loop.close()
    assert isinstance(loop, uvloop.Loop)
