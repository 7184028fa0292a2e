"""Routes that say what they demand, against the answers of RFC 6750 §3."""

from typing import Annotated
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from app.platform.auth.principal import InvalidToken, Principal
from app.platform.http.errors import install_error_handlers
from app.platform.http.scopes import PUBLIC, requires, undeclared, with_scopes

router = APIRouter()


@router.get("/things")
async def list_things(principal: Annotated[Principal, requires("things:read")]) -> str:
    return str(principal.subject)


@router.post("/things")
async def add_thing(principal: Annotated[Principal, requires("things:read", "things:write")]) -> str:
    return str(principal.subject)


@router.get("/open", openapi_extra=PUBLIC)
async def anybody() -> str:
    return "open"


class Layer:
    """Stands for the edge middleware: tells the application who is calling."""

    def __init__(self, app: ASGIApp, caller: Principal | InvalidToken | None) -> None:
        self.app = app
        self.caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["principal"] = self.caller
        await self.app(scope, receive, send)


def application() -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    install_error_handlers(app)
    return app


def principal(*scopes: str) -> Principal:
    return Principal(uuid4(), frozenset(scopes), 2**40, "1")


async def get(app: ASGIApp, path: str = "/things", method: str = "GET") -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request(method, path)


async def test_the_handler_gets_the_principal() -> None:
    caller = principal("things:read", "other:read")
    response = await get(Layer(application(), caller))
    assert (response.status_code, response.json()) == (200, str(caller.subject))


async def test_without_a_token_the_challenge_is_bearer_alone() -> None:
    response = await get(Layer(application(), None))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


async def test_with_a_bad_token_the_challenge_says_why() -> None:
    response = await get(Layer(application(), InvalidToken("The token has expired")))
    assert response.status_code == 401
    assert (
        response.headers["www-authenticate"]
        == 'Bearer error="invalid_token", error_description="The token has expired"'
    )
    assert response.json()["type"] == "urn:slipway:problem:invalid-token"


@pytest.mark.parametrize("scopes", [(), ("things:read",), ("things:write",), ("things:admin", "items:write")])
async def test_a_token_without_all_scopes_is_forbidden(scopes: tuple[str, ...]) -> None:
    response = await get(Layer(application(), principal(*scopes)), method="POST")
    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="things:read things:write"'
    assert response.json()["type"] == "urn:slipway:problem:insufficient-scope"


async def test_without_the_layer_nobody_gets_in() -> None:
    transport = httpx2.ASGITransport(application())
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get("/things", headers={"Authorization": "Bearer x"})
        assert response.status_code == 401
        assert (await client.get("/open")).status_code == 200


def test_the_document_says_the_scopes_once_and_what_they_allow() -> None:
    app = application()
    document = app.openapi()
    with_scopes(document, app.routes)
    assert document["components"]["securitySchemes"]["OAuth2"] == {
        "type": "oauth2",
        "flows": {
            "password": {
                "tokenUrl": "api/v1/auth/token",
                "scopes": {"things:read": "Read things", "things:write": "Create and change own things"},
            }
        },
    }
    paths = document["paths"]
    assert paths["/things"]["get"]["security"] == [{"OAuth2": ["things:read"]}]
    assert paths["/things"]["post"]["security"] == [{"OAuth2": ["things:read", "things:write"]}]
    assert paths["/open"]["get"]["security"] == []


def test_a_route_that_says_nothing_is_named() -> None:
    app = application()
    assert undeclared(app.routes) == []

    inner = APIRouter(prefix="/inner")

    @inner.delete("/{thing_id}")
    async def remove(thing_id: int) -> None:
        """Takes anybody."""

    @inner.websocket("/live")
    async def live(socket: WebSocket) -> None:
        """Takes anybody."""

    app.include_router(inner)
    assert undeclared(app.routes) == ["DELETE /inner/{thing_id}", "WebSocket /inner/live"]
