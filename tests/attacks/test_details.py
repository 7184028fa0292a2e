"""What health and information tell a stranger, and what they tell the operator."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.main import create_app
from app.platform.process.drain import Drain
from app.platform.process.health import Health
from app.platform.process.operations_port import serve_metrics
from app.platform.settings import Database
from app.registry import names
from tests.support.application import settings_for
from tests.support.live import live_service
from tests.support.waiting import free_port

PRODUCTION = {"environment": "production", "service": {"name": "shop", "version": "9.8.7"}}
PASSWORD = "a-long-random-password-of-this-test"


def fetch(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def told(database: Database, path: str, **changes: object) -> tuple[int, dict[str, Any]]:
    """The answer of an application in process, whose database cannot be reached."""
    elsewhere = database.model_copy(update={"port": 9, "password": type(database.password)(PASSWORD)})
    app = create_app(settings_for(elsewhere, **changes))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("path", "status"), [("/readyz", "unavailable"), ("/ready", "unavailable"), ("/startupz", "starting")]
)
async def test_in_production_health_names_nothing(server: Database, path: str, status: str) -> None:
    assert await told(server, path, **PRODUCTION) == (503, {"status": status})
    code, body = await told(server, path, **PRODUCTION, http={"expose_details": True})
    assert (code, body["checks"]["schema"]["status"]) == (503, "failed")


async def test_in_production_there_is_no_information(server: Database) -> None:
    code, body = await told(server, "/info", **PRODUCTION)
    assert code == 404
    assert "9.8.7" not in json.dumps(body)
    code, body = await told(server, "/info", **PRODUCTION, http={"expose_details": True})
    assert (code, body["version"]) == (200, "9.8.7")
    assert (await told(server, "/info", http={"expose_details": False}))[0] == 404


def test_the_metrics_port_tells_the_operator(tmp_path: Path, new_database: Database) -> None:
    with live_service(tmp_path, new_database, SLIPWAY_HTTP__EXPOSE_DETAILS="false") as service:
        assert fetch(service.port, "/readyz") == (200, {"status": "ok"})
        assert fetch(service.port, "/info")[0] == 404
        code, body = fetch(service.metrics_port, "/readyz")
        assert (code, body["status"], body["checks"]["database"]["status"]) == (200, "ok", "ok")
        code, body = fetch(service.metrics_port, "/info")
        assert (code, body["environment"], body["features"]) == (200, "test", list(names()))


def test_the_metrics_port_tells_of_a_blocked_event_loop() -> None:
    blocked = threading.Event()
    health = Health(Drain())
    release = threading.Event()

    async def block() -> None:
        health.watch_loop()
        blocked.set()
        release.wait(30)

    thread = threading.Thread(target=asyncio.run, args=(block(),))
    thread.start()
    try:
        with serve_metrics(CollectorRegistry(), "127.0.0.1", port := free_port(), endpoints=health.operations()):
            assert blocked.wait(30)
            code, body = fetch(port, "/readyz")
            assert (code, body["checks"]["event-loop"]["error"]) == (503, "blocked")
    finally:
        release.set()
        thread.join()
