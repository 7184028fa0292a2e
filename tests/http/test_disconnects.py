"""What the layer may ask of a server's `receive`, driven directly: no message of the application's is ever lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.platform.http.edge import EdgeMiddleware
from app.platform.http.exchange import DISCONNECT_CHECK_SECONDS
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry

BODY: Message = {"type": "http.request", "body": b"body", "more_body": False}
GONE: Message = {"type": "http.disconnect"}
OK: Message = {"type": "http.response.start", "status": 200, "headers": []}
COUNT = "http_server_request_duration_seconds_count"

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def take_anything(message: Message) -> None:
    """The `send` of a server whose client is there."""


def run(application: Application, received: asyncio.Queue[Message], send: Send = take_anything) -> str:
    """Drives one request whose server has these messages; returns the status that was booked."""
    settings = Settings(environment="test")
    telemetry = build_telemetry(settings)
    telemetry.metrics.prepare([])
    layer = EdgeMiddleware(application, telemetry=telemetry, drain=Drain(), settings=settings)
    scope: Scope = {"type": "http", "method": "GET", "path": "/livez", "headers": [], "http_version": "1.1"}

    asyncio.run(asyncio.wait_for(layer(scope, received.get, send), 5))
    (status,) = (
        sample.labels["http_response_status_code"]
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.name == COUNT and sample.value
    )
    return status


def test_a_slow_answer_asks_and_gives_back_what_it_was_told() -> None:
    server: asyncio.Queue[Message] = asyncio.Queue()
    server.put_nowait(BODY)
    seen: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(DISCONNECT_CHECK_SECONDS + 0.01)
        await send(OK)
        seen.append(await receive())
        await send({"type": "http.response.body"})

    assert run(application, server) == "200"
    assert seen == [BODY]


def test_a_client_that_left_behind_its_body_is_noticed() -> None:
    server: asyncio.Queue[Message] = asyncio.Queue()
    server.put_nowait(BODY)
    server.put_nowait(GONE)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(DISCONNECT_CHECK_SECONDS + 0.01)
        await send(OK)
        await send({"type": "http.response.body"})

    assert run(application, server) == "499"


def test_a_quick_answer_does_not_ask() -> None:
    server: asyncio.Queue[Message] = asyncio.Queue()
    server.put_nowait(GONE)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        await send({"type": "http.response.body"})

    assert run(application, server) == "200"
    assert server.qsize() == 1


def test_an_application_that_listens_itself_is_not_overheard() -> None:
    server: asyncio.Queue[Message] = asyncio.Queue()
    seen: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        listening = asyncio.ensure_future(receive())
        await asyncio.sleep(DISCONNECT_CHECK_SECONDS + 0.01)
        server.put_nowait(BODY)
        await send(OK)
        seen.append(await listening)
        await send({"type": "http.response.body"})

    assert run(application, server) == "200"
    assert seen == [BODY]


def test_a_server_that_cannot_send_any_more_has_no_client(capsys: pytest.CaptureFixture[str]) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        await send({"type": "http.response.body"})

    async def fail(message: Message) -> None:
        raise ConnectionResetError

    assert run(application, asyncio.Queue(), fail) == "499"
    assert "Traceback" not in capsys.readouterr().out
