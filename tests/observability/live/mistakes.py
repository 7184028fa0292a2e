"""The real service with one more feature, which is full of mistakes."""

from __future__ import annotations

import asyncio
import time

import structlog
from fastapi import APIRouter, HTTPException

from app.feature import Feature
from app.main import create_app as create_service
from app.platform.http.application import SlipwayApp
from app.platform.settings import Settings
from app.platform.telemetry.metrics import instruments as metrics
from app.registry import enabled

BLOCK, SLOW, CHATTER = "/api/v1/mistakes/block", "/api/v1/mistakes/slow", "/api/v1/mistakes/chatter"
BLOCKED_SECONDS = 0.4
ROOM, WIDE = 250, 80
"""Series of requests that there is room for, and routes, of which each has two from the start: not too many yet.

Elsewhere there is room for a thousand: a scrape of so many would slow down all that shares this machine.
"""

router = APIRouter(tags=["mistakes"])
_log = structlog.get_logger()


@router.get(BLOCK)
async def block() -> None:
    """Waits without `await`."""
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 - the mistake


@router.get(SLOW)
async def slow() -> None:
    """Takes longer than its clients wait."""
    await asyncio.sleep(3)


@router.get(CHATTER)
async def chatter() -> None:
    """Logs a whole document."""
    _log.warning("chatter", document="x" * 100_000)


async def wide() -> None:
    """Never there."""
    raise HTTPException(404)


wide_router = APIRouter(tags=["mistakes"])
for _number in range(WIDE):
    wide_router.add_api_route(f"/api/v1/wide/{_number}", wide, operation_id=f"wide-{_number}")


def create_app(settings: Settings) -> SlipwayApp:
    """All features, and mistakes."""
    return create_service(settings, [*enabled(settings), Feature(name="mistakes", routers=(router,))])


def create_wide_app(settings: Settings) -> SlipwayApp:
    """All features, and more routes than their metrics have room for."""
    metrics.MAX_SERIES = ROOM
    return create_service(settings, [*enabled(settings), Feature(name="wide", routers=(wide_router,))])
