"""The real service with one more feature, whose author did what nobody should."""

from __future__ import annotations

import asyncio
import time

import structlog
from fastapi import APIRouter, HTTPException

from app.main import create_app as create_service
from app.platform.http.application import SlipwayApp
from app.platform.settings import Settings
from app.registry import Feature, enabled

BLOCK, SLOW, CHATTER = "/api/v1/mistakes/block", "/api/v1/mistakes/slow", "/api/v1/mistakes/chatter"
BLOCKED_SECONDS = 0.4
WIDE = 440
"""Routes of which each has a series for its success and one for its failure: as many as there is room for."""

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
    return create_service(settings, [*enabled(settings), Feature("mistakes", (router,))])


def create_wide_app(settings: Settings) -> SlipwayApp:
    """All features, and more routes than their metrics have room for."""
    return create_service(settings, [*enabled(settings), Feature("wide", (wide_router,))])
