"""The real service as a process: it serves, and a stop under load loses no request and no row."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.features.users.tokens import TokenIssuer
from app.platform.ids import new_id
from app.platform.settings import Database
from tests.support.application import ALL_SCOPES, settings_for
from tests.support.databases import connection
from tests.support.live import live_service
from tests.support.process import Service, scrape
from tests.support.waiting import until

SERVERS = {"uvicorn": (), "gunicorn": ("--server", "gunicorn", "--workers", "2")}
WRITERS = 8


@pytest.fixture(params=SERVERS)
def service(request: pytest.FixtureRequest, new_database: Database, tmp_path: Path) -> Iterator[Service]:
    with live_service(tmp_path, new_database, *SERVERS[request.param]) as service:
        yield service


async def test_a_stop_under_load_loses_no_request_and_no_row(service: Service, new_database: Database) -> None:
    owner = new_id()
    token = TokenIssuer(settings_for(new_database).auth).issue(owner, ALL_SCOPES)
    answers: Counter[int] = Counter()
    stored: list[str] = []
    under_load = asyncio.Event()

    async def write() -> None:
        """Writes on one kept connection after the other, until the listener is gone."""
        body = {"name": "x", "price": {"amount": "1", "currency": "EUR"}}
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{service.port}", headers={"Authorization": f"Bearer {token}"}
        ) as client:
            while True:
                try:
                    answer = await client.post("/api/v2/items", json=body)
                except httpx2.ConnectError:
                    return
                answers[answer.status_code] += 1
                if answers[201] == 10 * WRITERS:
                    under_load.set()
                stored.extend([answer.json()["id"]] if answer.status_code == 201 else [])

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    await under_load.wait()
    service.signal(signal.SIGTERM)
    # Anything but an answer or a refused connection is a lost request, and ends its writer with an exception.
    await asyncio.gather(*writers)
    assert await asyncio.to_thread(service.wait) == 0
    assert set(answers) == {201}
    async with connection(new_database) as held:
        rows = await held.fetch("SELECT id FROM items.items WHERE owner_id = $1", owner)
    assert {str(row["id"]) for row in rows} == set(stored)
    assert "Traceback" not in service.log()


def test_metrics_are_on_their_own_port(service: Service) -> None:
    until(lambda: service.answers("/readyz"), "readiness")
    assert 'http_route="/api/v1/items/{item_id}"' in scrape(service.metrics_port)
    with pytest.raises(OSError, match="404"):
        scrape(service.port, "/metrics")
