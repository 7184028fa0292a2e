"""What the edge middleware adds to a request: CPU of an application driven without sockets, against the bare one.

Blocks of requests alternate between the variants, and of each the best block counts: other load on the machine
can only make a block slower.
"""

import asyncio
import gc
import logging
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Scope

from app.platform.http.edge import EdgeMiddleware
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.logging.lines import LineWriter

BLOCKS = 40
REQUESTS = 400
MANY_ROUTES = 80
"""A large service; the last of them is asked."""
NOBODY = "http://127.0.0.1:9"
"""Spans are encoded and sent to where nobody listens: the discard port."""

HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"bench/1"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"x-forwarded-for", b"203.0.113.7"),
]


@dataclass(frozen=True)
class Variant:
    """An application and the budget, in microseconds, of what it adds to the bare one."""

    name: str
    budget: float | None
    log_level: str = "error"
    sample_ratio: float | None = None


VARIANTS = (
    Variant("metrics, ids and headers", 20),
    Variant("… and 1 % of traces", 40, sample_ratio=0.01),
    Variant("… and the access line", 45, log_level="info", sample_ratio=0.01),
    Variant("… and 10 % of traces", None, log_level="info", sample_ratio=0.1),
    Variant("… and every trace", 100, log_level="info", sample_ratio=1),
)


def bare_application(routes: int) -> FastAPI:
    """Trivial handlers in an included router, nothing else."""
    application = FastAPI(
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    router = APIRouter(prefix="/api/v1")

    async def item(item_id: int) -> dict[str, int]:
        return {"id": item_id}

    for number in range(routes):
        router.add_api_route(f"/items{number}/{{item_id}}", item)
    application.include_router(router)
    return application


def added_microseconds(routes: int = 3, blocks: int = BLOCKS) -> dict[str, float]:
    """CPU of the bare application and what each variant adds to it, in microseconds a request."""
    # Once a second the exporter complains of the collector, which is not there on purpose.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        applications: dict[str, ASGIApp] = {"bare": bare_application(routes)}
        for variant in VARIANTS:
            applications[variant.name] = _layered(variant, routes, stack)
        best = asyncio.run(_best_blocks(applications, f"/api/v1/items{routes - 1}/42", blocks))
    bare = best.pop("bare")
    return {"bare": bare} | {name: microseconds - bare for name, microseconds in best.items()}


def _layered(variant: Variant, routes: int, stack: ExitStack) -> ASGIApp:
    traced = variant.sample_ratio is not None
    settings = Settings(
        environment="test",
        telemetry=TelemetrySettings.model_validate(
            {
                "log_level": variant.log_level,
                "otlp_endpoint": NOBODY if traced else None,
                "sample_ratio": variant.sample_ratio or 0,
            }
        ),
    )
    nothing = os.open(os.devnull, os.O_WRONLY)
    stack.callback(os.close, nothing)
    writer = LineWriter(nothing)
    telemetry = build_telemetry(settings, writer)
    telemetry.start()
    stack.callback(telemetry.tracing.close)
    stack.callback(writer.flush)
    return EdgeMiddleware(bare_application(routes), telemetry=telemetry, drain=Drain(), settings=settings)


async def _best_blocks(applications: dict[str, ASGIApp], path: str, blocks: int) -> dict[str, float]:
    best = dict.fromkeys(applications, float("inf"))
    gc.collect()
    for _ in range(blocks):
        for name, application in applications.items():
            best[name] = min(best[name], await _block(application, path))
    return best


async def _block(application: ASGIApp, path: str) -> float:
    """CPU microseconds a request of one block, of all threads of the process."""
    body: Message = {"type": "http.request", "body": b"", "more_body": False}

    async def receive() -> Message:
        return body

    async def send(message: Message) -> None:
        pass

    begun = time.process_time()
    for _ in range(REQUESTS):
        await application(_scope(path), receive, send)
    return (time.process_time() - begun) / REQUESTS * 1e6


def _scope(path: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": HEADERS,
        "state": {},
    }
