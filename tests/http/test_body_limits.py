"""How a route says how large its body may be, and what holds for all others."""

from __future__ import annotations

import asyncio
import gc
from typing import Annotated, cast

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.platform.http.application import Resources, SlipwayApp
from app.platform.http.body_rules import takes_bodies_of
from app.platform.http.release import release
from app.platform.http.scopes import PUBLIC, requires
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry

LIMIT = 1000
MORE = 5000


class Held:
    """What a request holds."""

    alive = 0

    def __init__(self) -> None:
        Held.alive += 1

    def __del__(self) -> None:
        Held.alive -= 1


async def held() -> Held:
    return Held()


DEMAND = requires("y:write")
HeldByRequest = Annotated[Held, Depends(held)]
Caller = Annotated[object, DEMAND]


def application(**http: int) -> SlipwayApp:
    settings = Settings.model_validate({"environment": "test", "http": {"max_body_bytes": LIMIT, **http}})
    app = SlipwayApp(Resources(settings, Drain(), build_telemetry(settings)))
    router = APIRouter()

    @router.post("/usual", openapi_extra=PUBLIC)
    async def usual(body: list[str]) -> int:
        return len(body)

    @router.post("/large", openapi_extra=PUBLIC | takes_bodies_of(MORE))
    @router.post("/larger", openapi_extra=PUBLIC | takes_bodies_of(2 * MORE))
    @router.post("/small", openapi_extra=PUBLIC | takes_bodies_of(10))
    async def large(body: list[str]) -> int:
        return len(body)

    @router.get("/large", openapi_extra=PUBLIC)
    async def get_large(request: Request) -> int:
        return len(await request.body())

    @router.post("/streamed", openapi_extra=PUBLIC)
    async def streamed(request: Request) -> int:
        return sum([len(part) async for part in request.stream()])

    app.include_router(router)
    closed = APIRouter(prefix="/closed")

    @closed.post("/usual")
    @closed.post("/named")
    async def closed_usual(body: list[str]) -> int:
        return len(body)

    app.include_router(closed, dependencies=[requires("x:write")])
    return app


async def post(app: FastAPI, path: str, content: bytes, method: str = "POST") -> httpx2.Response:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, content=content, headers={"content-type": "application/json"})


def text(size: int) -> bytes:
    return b'["' + b"x" * (size - 4) + b'"]'


@pytest.mark.parametrize(
    ("path", "limit"),
    [("usual", LIMIT), ("streamed", LIMIT), ("large", MORE), ("larger", 2 * MORE), ("small", 10)],
)
async def test_a_route_takes_what_it_declares(path: str, limit: int) -> None:
    app = application()
    assert (await post(app, f"/{path}", text(limit))).status_code == 200
    refused = await post(app, f"/{path}", text(limit + 1))
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")


def test_the_document_says_which_routes_take_other_bodies() -> None:
    paths = cast("dict[str, dict[str, dict[str, object]]]", application().openapi()["paths"])
    assert paths["/large"]["post"]["x-max-body-bytes"] == MORE
    assert "x-max-body-bytes" not in paths["/usual"]["post"]


async def test_a_limit_is_for_one_method() -> None:
    assert (await post(application(), "/large", text(LIMIT + 1), "GET")).status_code == 413


async def test_what_a_router_demands_comes_before_the_body() -> None:
    assert (await post(application(), "/closed/usual", b"not json")).status_code == 401
    assert (await post(application(), "/closed/named", b"not json")).status_code == 401
    assert (await post(application(), "/usual", b"not json")).status_code == 400


async def test_a_demand_that_tests_replace_is_not_asked() -> None:
    app = application()

    async def nobody() -> None:
        return None

    @app.post("/mine")
    async def mine(caller: Caller) -> Response:
        return Response(str(caller))

    assert (await post(app, "/mine", b"")).status_code == 401
    assert DEMAND.dependency is not None
    app.dependency_overrides[DEMAND.dependency] = nobody
    assert (await post(app, "/mine", b"")).text == "None"


def test_a_limit_that_the_budget_cannot_hold_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="MAX_BODY_BYTES_IN_FLIGHT"):
        application(max_body_bytes_in_flight=MORE).build_middleware_stack()
    with pytest.raises(ValidationError, match="max_body_bytes must be at most max_body_bytes_in_flight"):
        application(max_body_bytes_in_flight=LIMIT - 1)


async def test_the_budget_is_whole_again_after_each_request() -> None:
    app = application(max_body_bytes_in_flight=2 * MORE)
    for _ in range(5):
        for path in ("usual", "closed/usual", "streamed", "large"):
            assert (await post(app, f"/{path}", text(LIMIT))).status_code != 503


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError])
async def test_no_error_keeps_what_its_request_held(kind: type[Exception]) -> None:
    """`KeyError` has a handler, which is no coroutine function; `RuntimeError` is a fault."""
    app = application()

    @app.exception_handler(ValueError)
    async def refuse(request: Request, error: ValueError) -> Response:
        return Response(status_code=418)

    @app.exception_handler(KeyError)
    def refuse_in_thread(request: Request, error: KeyError) -> Response:
        return Response(status_code=418)

    @app.post("/fails", openapi_extra=PUBLIC)
    async def fails(body: list[str], held: HeldByRequest) -> None:
        try:
            raise LookupError(held)
        except LookupError as error:
            cause = error
            failure = ExceptionGroup("both", [kind("no"), cause])
        raise kind(failure) from failure

    gc.collect()
    gc.disable()
    try:
        assert (await post(app, "/fails", b'["x"]')).status_code == (500 if kind is RuntimeError else 418)
        for _ in range(500):
            if not Held.alive:
                break
            await asyncio.sleep(0.01)  # the thread of a handler takes a moment to let go
        assert not Held.alive
    finally:
        gc.enable()
        gc.collect()


def test_an_error_that_is_its_own_context_is_released() -> None:
    error = ValueError()
    other = KeyError()
    error.__cause__, other.__context__ = other, error
    release(error)
    assert error.__traceback__ is None
