"""What the API promises on every route: problem details, scopes, labels, methods, limits."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.platform.http.application import SlipwayApp
from app.platform.http.scopes import undeclared
from tests.support.application import Caller

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
PROBLEM = "application/problem+json"


def document(app: SlipwayApp) -> dict[str, Any]:
    return cast("dict[str, Any]", app.openapi())


def operations(app: SlipwayApp) -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, item in document(app)["paths"].items() for method in item]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", str(uuid4()), path)


def assert_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:slipway:problem:")
    assert body["instance"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return body


async def test_every_route_says_a_scope_or_that_it_is_public(app: SlipwayApp) -> None:
    assert undeclared(app.routes) == []


async def test_public_routes_are_those_that_must_be(app: SlipwayApp) -> None:
    public = {
        (method, path)
        for method, path in operations(app)
        if not document(app)["paths"][path][method.lower()].get("security")
    }
    health = {("GET", path) for path in ("/livez", "/readyz", "/startupz", "/health", "/ready", "/info")}
    keys = ("GET", "/.well-known/jwks.json")
    assert public == health | {keys, ("POST", "/api/v1/users"), ("POST", "/api/v1/auth/token")}


async def test_every_route_is_labelled_with_its_path_in_openapi(app: SlipwayApp, client: httpx2.AsyncClient) -> None:
    for method, path in operations(app):
        await client.request(method, filled(path))
    labels = {
        (sample.labels["http_request_method"], sample.labels["http_route"])
        for family in app.resources.telemetry.registry.collect()
        if family.name == "http_server_request_duration_seconds"
        for sample in family.samples
        if sample.name.endswith("_count") and sample.value > 0
    }
    assert set(operations(app)) <= labels
    assert {path for _, path in labels} - {path for _, path in operations(app)} <= {
        "_unmatched", "/docs", "/docs/assets/{name}", "/redoc", "/redoc/logo-mini.svg", "/openapi.json",
    }  # fmt: skip


async def test_a_route_that_demands_a_token_answers_401_without_one(
    app: SlipwayApp, client: httpx2.AsyncClient
) -> None:
    for method, path in operations(app):
        if document(app)["paths"][path][method.lower()].get("security"):
            answer = await client.request(method, filled(path))
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
            bad = await client.request(method, filled(path), headers={"Authorization": "Bearer x.y.z"})
            assert_problem(bad, 401)
            assert 'error="invalid_token"' in bad.headers["www-authenticate"]


async def test_a_route_that_demands_a_scope_answers_403_without_it(app: SlipwayApp) -> None:
    caller = Caller(app, "nothing:read")
    async with caller.http:
        for method, path in operations(app):
            if document(app)["paths"][path][method.lower()].get("security"):
                answer = await caller.http.request(method, filled(path))
                assert_problem(answer, 403)
                assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_an_unknown_path_is_a_problem(client: httpx2.AsyncClient) -> None:
    assert_problem(await client.get("/wp-login.php"), 404)
    assert_problem(await client.get("/api/v1/items/"), 404)


async def test_a_wrong_method_is_told_all_methods_of_the_path(app: SlipwayApp, client: httpx2.AsyncClient) -> None:
    paths: dict[str, set[str]] = {}
    for method, path in operations(app):
        paths.setdefault(path, set()).add(method)
    for path, allowed in paths.items():
        for method in set(METHODS) - allowed:
            answer = await client.request(method, filled(path))
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == allowed
            if method != "HEAD":
                assert_problem(answer, 405)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'{"name": "x", "price": ' + b"9" * 5_000 + b"}", "application/json", 400),
        (b'{"name": "x", "price": NaN}', "application/json", 422),
        (b'{"name": "\\ud800", "price": 1}', "application/json", 422),
        (b'{"\\ud800": 1, "name": "x", "price": 1}', "application/json", 422),
        (b'{"name": "x", "price": 1}', "text/plain", 415),
        (b'{"name": "x", "price": 1}', "application/x-www-form-urlencoded", 415),
        (b"x" * (1024 * 1024 + 1), "application/json", 413),
    ],
    ids=[
        "truncated",
        "empty",
        "wrong shape",
        "not UTF-8",
        "deep arrays",
        "huge number",
        "NaN",
        "surrogate",
        "surrogate as a name",
        "text",
        "form",
        "too large",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/items", "/api/v2/items", "/api/v1/users"])
async def test_a_bad_body_is_a_problem(path: str, content: bytes, media_type: str, status: int, alice: Caller) -> None:
    answer = await alice.http.post(path, content=content, headers={"Content-Type": media_type})
    assert_problem(answer, status)


@pytest.mark.parametrize("path", ["/api/v1/items", "/api/v2/items", "/api/v1/users"])
async def test_a_deep_body_is_refused(path: str, alice: Caller) -> None:
    content = b'{"a":' * 2_000 + b"1" + b"}" * 2_000
    answer = await alice.http.post(path, content=content, headers={"Content-Type": "application/json"})
    # Python's parser gives up at a depth that differs by version; what it reads is refused for its shape.
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code)


async def test_a_refused_body_is_never_echoed(alice: Caller) -> None:
    marker = "mArKeR-7"
    body = {"username": f"!{marker}", "password": marker, marker: marker, "email": marker, "age": marker}
    answer = await alice.http.post("/api/v1/users", json=body)
    problem = assert_problem(answer, 422)
    assert {error["field"] for error in problem["errors"]} >= {"body.username", "body.email", "body.age"}
    assert marker not in answer.text.replace(f'"body.{marker}"', "")


async def test_an_answer_carries_the_headers_of_a_careful_api(client: httpx2.AsyncClient) -> None:
    for path in ("/livez", "/nothing", "/api/v1/users/me"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "x-powered-by" not in headers


@pytest.mark.parametrize("given", ["abc", "~" * 128, "550e8400-e29b-41d4-a716-446655440000"])
async def test_the_clients_request_id_is_taken(given: str, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/nothing", headers={"X-Request-ID": given})
    assert assert_problem(answer, 404)["instance"] == given


async def test_the_document_describes_problems_as_they_are_answered(app: SlipwayApp) -> None:
    assert "HTTPValidationError" not in str(document(app))
    for method, path in operations(app):
        operation = document(app)["paths"][path][method.lower()]
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and path not in {"/readyz", "/startupz", "/ready"}:
                assert list(response["content"]) == [PROBLEM], (method, path, status)
        if operation.get("security"):
            assert {"401", "403"} <= operation["responses"].keys()


async def test_operations_have_names_of_their_own(app: SlipwayApp) -> None:
    names = [document(app)["paths"][path][method.lower()]["operationId"] for method, path in operations(app)]
    assert len(set(names)) == len(names)


async def test_no_handler_or_dependency_runs_in_a_thread(app: SlipwayApp) -> None:
    """A plain `def` takes a worker thread for each request: a list of one row cost a quarter more with one."""

    def calls(dependant: Dependant) -> Iterator[object]:
        yield dependant.call
        for dependency in dependant.dependencies:
            yield from calls(dependency)

    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    called = [call for route in routes if isinstance(route, APIRoute) for call in calls(route.dependant)]
    assert len(called) > 20
    asynchronous = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    # An object like `Requires` is called by its class.
    functions = [call if inspect.isroutine(call) else type(call).__call__ for call in called]
    assert [function for function in functions if not any(check(function) for check in asynchronous)] == []
