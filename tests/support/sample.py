"""The application that tests measure: every way in which a request can go, in FastAPI and in plain ASGI."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Request, WebSocket
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.platform.telemetry.tracing.propagation import outbound_headers
from app.platform.telemetry.tracing.spans import span, statement_span

SLOW_SECONDS = 0.5
STREAM_SECONDS = 0.4
BLOCKED_SECONDS = 0.5

_log = structlog.get_logger("app.features.sample.service")


class Credentials(BaseModel):
    name: str
    password: str


def create_sample() -> FastAPI:
    """FastAPI as anybody would set it up: nothing of ours in it but the helpers for spans."""
    application = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False})
    router = APIRouter(prefix="/api")
    _add_answers(router)
    _add_failures(router)
    _add_observed(router)
    application.include_router(router)

    @application.get("/livez")
    async def livez() -> dict[str, str]:
        return {}

    below = FastAPI()

    @below.get("/things/{thing_id}")
    async def thing(thing_id: str) -> dict[str, str]:
        return {"id": thing_id}

    application.mount("/below", below)
    application.mount("/of/{tenant}", below)
    return application


def _add_answers(router: APIRouter) -> None:
    @router.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        return {"id": item_id}

    @router.post("/items", status_code=201)
    async def add_item(content: Credentials) -> dict[str, str]:
        return {"name": content.name}

    @router.get("/bytes/{number}")
    async def some_bytes(number: int) -> Response:
        return Response(b"x" * number, headers={"Cache-Control": "max-age=60", "X-Frame-Options": "SAMEORIGIN"})

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(8):
                yield b"x" * 10
                await asyncio.sleep(STREAM_SECONDS / 8)

        return StreamingResponse(parts())

    @router.get("/slow")
    async def slow() -> dict[str, str]:
        await asyncio.sleep(SLOW_SECONDS)
        return {}

    @router.get("/blocks")
    async def blocks() -> dict[str, str]:
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 - on the event loop, which is the fault
        return {}

    ended = asyncio.Event()

    @router.get("/background")
    async def background(tasks: BackgroundTasks) -> dict[str, str]:
        tasks.add_task(ended.wait)
        return {}

    @router.get("/background/ends")
    async def background_ends() -> dict[str, str]:
        ended.set()
        return {}

    @router.websocket("/sockets/{room}")
    async def socket(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        match await websocket.receive_text():
            case "fail":
                raise RuntimeError(room)
            case "look for a file":
                raise FileNotFoundError(room)
            case "talk on":
                while True:
                    await websocket.send_text("more")
                    await asyncio.sleep(0.01)
            case _:
                await websocket.close()

    @router.websocket("/closed/{room}")
    async def closed(websocket: WebSocket, room: str) -> None:
        await websocket.close()


def _add_failures(router: APIRouter) -> None:
    @router.get("/fails")
    async def fails() -> None:
        raise RuntimeError("password=hunter2 is no good")

    @router.get("/refuses")
    async def refuses() -> None:
        raise HTTPException(400, "no")

    @router.get("/fails/midway")
    async def fails_midway() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("midway")

        return StreamingResponse(parts())

    @router.post("/streamed")
    async def streamed(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(part) async for part in request.stream()])}

    @router.get("/fails/afterwards")
    async def fails_afterwards(tasks: BackgroundTasks) -> dict[str, str]:
        async def fail() -> None:
            raise RuntimeError("afterwards")

        tasks.add_task(fail)
        return {}


def _add_observed(router: APIRouter) -> None:
    @router.get("/observed")
    async def observed(request: Request) -> dict[str, str]:
        """Spans, a log line, and what a call to another service would carry."""
        with span("work"), statement_span("SELECT items", "SELECT 1"):
            carried = outbound_headers()
        _log.info("observed", password="hunter2", number=1)
        return {**carried, "principal": str(request.scope.get("principal"))}


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """Applications without a framework, by the end of their path."""
    name = scope["path"].rsplit("/", 1)[-1]
    if name == "fails":
        raise RuntimeError("raw")
    if name == "silent":
        return
    if name == "forever":
        await asyncio.Event().wait()
    if name == "endless":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()
    if name == "late":  # reads its body after it has begun to answer
        await asyncio.sleep(0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = await _body(receive)
        await send({"type": "http.response.body", "body": body})
        return
    body = await _body(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
