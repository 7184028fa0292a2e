"""An ASGI application that tells what it was asked, served in a process of its own by these tests."""

import asyncio
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


async def tell(request: Request) -> PlainTextResponse:
    """What a request is, and whose."""
    body = await request.body()
    return PlainTextResponse(f"{request.method} {request.url.path} {request.headers.get('x-token')} {len(body)}")


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def slow(request: Request) -> PlainTextResponse:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("slow")


async def large(request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * int(request.query_params["bytes"]))


async def pid(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def hesitate(websocket: WebSocket) -> None:
    """Accepts nothing."""
    await asyncio.sleep(600)


app = Starlette(
    routes=[
        Route("/tell", tell, methods=METHODS),
        Route("/admin", tell, methods=METHODS),
        Route("/echo", echo, methods=METHODS),
        Route("/slow", slow),
        Route("/large", large),
        Route("/pid", pid),
        WebSocketRoute("/ws", talk),
        WebSocketRoute("/hesitate", hesitate),
    ]
)
