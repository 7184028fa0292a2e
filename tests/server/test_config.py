"""What uvicorn is told, seen from the application."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
import uvloop
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.platform.server.config import ServerConfig
from app.platform.settings import Settings


async def client_address(settings: Settings) -> str:
    """The address that an application is shown for a request that 127.0.0.1 says it forwards."""
    shown: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        shown.append(scope["client"][0])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    config = ServerConfig(application, settings)
    config.load()
    headers = [(b"x-forwarded-for", b"192.0.2.7"), (b"x-forwarded-proto", b"https")]
    scope: Scope = {"type": "http", "scheme": "http", "client": ("127.0.0.1", 40000), "headers": headers}
    await cast(ASGIApp, config.loaded_app)(scope, receive, send)  # pyright: ignore[reportUnknownMemberType] - a union
    return shown[0]


async def test_forwarded_addresses_are_believed_from_trusted_proxies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    for trusted, expected in (("", "127.0.0.1"), ("10.0.0.0/8", "127.0.0.1"), ("127.0.0.0/8", "192.0.2.7")):
        settings = Settings.model_validate({"environment": "test", "http": {"trusted_proxies": trusted}})
        assert await client_address(settings) == expected


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
