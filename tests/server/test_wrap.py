"""Foreign applications inside `wrap`, called in process."""

from __future__ import annotations

import asyncio
import logging

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.lifespan.on import LifespanOn

from app.platform.http.application import Resources, SlipwayApp
from app.platform.process.drain import Drain
from app.platform.server.config import ServerConfig
from app.platform.server.wrap import WrappedApp, served, wrap
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry

SETTINGS = Settings(environment="test")


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that knows of HTTP alone."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"plain"})


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that takes the first message of the lifespan, and leaves without a word."""
    await receive()


async def get(application: WrappedApp, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/health", "/ready"])
async def test_health_is_answered_for_an_application_that_has_none(path: str) -> None:
    answer = await get(wrap(plain, SETTINGS), path)
    assert answer.json()["status"] == "ok"
    assert answer.headers["x-request-id"]


async def test_other_paths_reach_the_application() -> None:
    answer = await get(wrap(plain, SETTINGS), "/anything")
    assert answer.text == "plain"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_own_route_wins_but_cannot_hide_the_drain(caplog: pytest.LogCaptureFixture) -> None:
    router = APIRouter(prefix="/ready")
    router.add_api_route("", lambda: "mine", methods=["GET"])
    own = FastAPI()
    own.include_router(router)
    own.add_api_route("/livez", lambda: "mine", methods=["GET"])
    application = wrap(own, SETTINGS)
    with caplog.at_level(logging.INFO):
        await start_and_end(application)
    assert "answered by the application's own routes: /livez, /ready" in caplog.text
    assert [(await get(application, path)).json() for path in ("/ready", "/livez")] == ["mine", "mine"]
    assert (await get(application, "/readyz")).json()["status"] == "ok"
    application.drain.begin()
    assert [(await get(application, path)).status_code for path in ("/ready", "/readyz")] == [503, 503]
    assert (await get(application, "/livez")).json() == "mine"


async def test_health_has_a_label_of_its_own_in_the_metrics() -> None:
    application = wrap(plain, SETTINGS)
    await get(application, "/livez")
    labels = {
        "http_request_method": "GET",
        "http_route": "/livez",
        "http_response_status_code": "200",
    }
    registry = application.telemetry.registry
    assert registry.get_sample_value("http_server_request_duration_seconds_count", labels) == 1


async def start_and_end(application: WrappedApp) -> LifespanOn:
    """The lifespan as the server runs it."""
    lifespan = LifespanOn(ServerConfig(application, SETTINGS))
    await lifespan.startup()
    assert not lifespan.should_exit
    for _ in range(10):
        await asyncio.sleep(0)
    assert not lifespan.shutdown_event.is_set()
    await lifespan.shutdown()
    return lifespan


@pytest.mark.parametrize("application", [plain, silent])
async def test_an_application_without_a_lifespan_is_served(application: ASGIApp) -> None:
    lifespan = await start_and_end(wrap(application, SETTINGS))
    assert not lifespan.error_occurred
    assert lifespan.shutdown_event.is_set()


async def test_an_application_of_the_platform_is_served_as_it_is() -> None:
    application = SlipwayApp(Resources(SETTINGS, Drain(), build_telemetry(SETTINGS)))
    assert served(application, SETTINGS).application is application
    assert served(application, SETTINGS).drain is application.drain
