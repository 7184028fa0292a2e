"""A foreign ASGI application, served in a process of its own by these tests: it imports nothing of ours."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)


async def note(line: str) -> None:
    """Tells the test, when it wants to know."""
    if trace := os.environ.get("SERVICE_TRACE"):
        await asyncio.to_thread(append, Path(trace), f"{line}\n")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    yield
    await note("lifespan ended")


async def fast(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def slow(request: Request) -> PlainTextResponse:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("slow")


def blocking(request: Request) -> PlainTextResponse:
    time.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("blocking")


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def early(request: Request) -> PlainTextResponse:
    """Answers without reading the body."""
    return PlainTextResponse("early")


async def trailers(request: Request) -> PlainTextResponse:
    """The names of the header fields, once the body with its trailers has been read."""
    await request.body()
    return PlainTextResponse(",".join(request.headers))


async def stream(request: Request) -> StreamingResponse:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"data: x\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(endless(), media_type="text/event-stream")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
    await note(f"websocket closed {time.monotonic()}")


app = Starlette(
    routes=[
        Route("/fast", fast),
        Route("/slow", slow),
        Route("/blocking", blocking),
        Route("/echo", echo, methods=["POST"]),
        Route("/early", early, methods=["POST"]),
        Route("/trailers", trailers, methods=["POST"]),
        Route("/stream", stream),
        WebSocketRoute("/ws", talk),
    ],
    lifespan=lifespan,
)


@asynccontextmanager
async def endless_start(app: Starlette) -> AsyncGenerator[None]:
    print("starting", flush=True)
    try:
        await asyncio.sleep(600)
        yield
    finally:
        print("start given up", flush=True)


@asynccontextmanager
async def endless_end(app: Starlette) -> AsyncGenerator[None]:
    yield
    await asyncio.sleep(600)


@asynccontextmanager
async def failing_start(app: Starlette) -> AsyncGenerator[None]:
    raise ValueError("cannot start")
    yield


never_starts = Starlette(lifespan=endless_start)
never_ends = Starlette(lifespan=endless_end)
fails_to_start = Starlette(lifespan=failing_start)


def factory() -> Starlette:
    return app


def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
    return [b"not ours"]
