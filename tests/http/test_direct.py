"""A route that is called directly answers like one that is called by the framework's solver."""

from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts

from app.platform.http.direct import DirectRoute, plan_of
from app.platform.types import Id


async def caller(request: Request) -> str:
    if "x-caller" not in request.headers:
        raise HTTPException(401)
    return request.headers["x-caller"]


async def session() -> AsyncGenerator[str]:
    yield "session"


def blocking(request: Request) -> str:
    return "blocking"


Caller = Annotated[str, Depends(caller)]


def application(route_class: type[APIRoute]) -> FastAPI:
    router = APIRouter(route_class=route_class)

    @router.get("/plain/{item_id}")
    async def plain(request: Request, item_id: Id, caller: Caller) -> Response:
        return Response(f"{request.method} {item_id!r} {caller}")

    @router.get("/query/{item_id}")
    async def query(item_id: int, caller: Caller, limit: Annotated[int, Query(le=9)] = 5) -> Response:
        return Response(f"{item_id} {caller} {limit}")

    @router.get("/generator")
    async def generator(held: Annotated[str, Depends(session)]) -> Response:
        return Response(held)

    @router.get("/blocking")
    async def in_a_thread(held: Annotated[str, Depends(blocking)]) -> Response:
        return Response(held)

    @router.get("/model")
    async def model(caller: Caller) -> dict[str, str]:
        return {"caller": caller}

    app = FastAPI()
    app.include_router(router)
    return app


async def answers(app: FastAPI, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(path, headers=headers)
    return answer.status_code, answer.content


def is_direct(app: FastAPI, path: str) -> bool:
    found = (context.original_route for context in iter_route_contexts(app.routes) if context.path)
    route = next(route for route in found if isinstance(route, APIRoute) and route.path.startswith(path))
    return plan_of(route, app) is not None


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/plain/{uuid4()}", {"x-caller": "ada"}, 200),
        (f"/plain/{uuid4()}", {}, 401),
        ("/plain/nonsense", {"x-caller": "ada"}, 422),
        ("/plain/nonsense", {}, 401),
        ("/query/7?limit=3", {"x-caller": "ada"}, 200),
        ("/query/7?limit=10", {"x-caller": "ada"}, 422),
        ("/generator", {}, 200),
        ("/blocking", {}, 200),
        ("/model", {"x-caller": "ada"}, 200),
    ],
    ids=[
        "valid",
        "refused",
        "invalid",
        "refused and invalid",
        "query",
        "invalid query",
        "generator",
        "blocking",
        "model",
    ],
)
async def test_it_answers_as_the_usual_route_does(path: str, headers: dict[str, str], status: int) -> None:
    direct = await answers(application(DirectRoute), path, headers)
    assert direct == await answers(application(APIRoute), path, headers)
    assert direct[0] == status


def test_only_a_route_that_can_be_is_called_directly() -> None:
    app = application(DirectRoute)
    direct = {path for path in ("/plain", "/query", "/generator", "/blocking", "/model") if is_direct(app, path)}
    assert direct == {"/plain"}


def test_the_documentation_is_the_same() -> None:
    assert application(DirectRoute).openapi() == application(APIRoute).openapi()


async def test_an_overridden_dependency_is_used() -> None:
    app = application(DirectRoute)
    app.dependency_overrides[caller] = lambda: "somebody else"
    status, content = await answers(app, f"/plain/{uuid4()}", {})
    assert (status, content.split()[-2:]) == (200, [b"somebody", b"else"])


async def refuse() -> None:
    raise HTTPException(403)


async def test_a_dependency_that_is_added_when_the_router_is_included_is_kept() -> None:
    app = FastAPI()
    app.include_router(application(DirectRoute).router, dependencies=[Depends(refuse)])
    assert (await answers(app, f"/plain/{uuid4()}", {"x-caller": "ada"}))[0] == 403


async def test_a_dependency_of_the_whole_application_is_kept() -> None:
    app = FastAPI(dependencies=[Depends(refuse)])
    app.include_router(application(DirectRoute).router)
    assert (await answers(app, f"/plain/{uuid4()}", {"x-caller": "ada"}))[0] == 403


async def test_a_router_serves_several_applications() -> None:
    shared = application(DirectRoute).router
    first, second = FastAPI(), FastAPI(dependencies=[Depends(refuse)])
    first.include_router(shared)
    second.include_router(shared)
    headers = {"x-caller": "ada"}
    assert [(await answers(app, f"/plain/{uuid4()}", headers))[0] for app in (first, second, first)] == [200, 403, 200]
