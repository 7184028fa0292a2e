"""The edge middleware on a real socket: ids, principals, headers and the access line."""

import http.client
import re
from pathlib import Path

import pytest

from tests.support.served import Served, serving


@pytest.mark.parametrize("given", ["a", "x" * 128, "!~{}'\"<>", "550e8400-e29b-41d4-a716-446655440000"])
def test_a_clients_request_id_is_kept(served: Served, given: str) -> None:
    answer = served.get("/api/items/1", x_request_id=given)
    assert answer.headers["x-request-id"] == given
    assert served.access_line(given)["status"] == 200


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "\xe9", "a\tb", "{" + "é" * 10])
def test_a_request_id_that_could_do_harm_is_replaced(served: Served, given: str) -> None:
    with served.sends(b"GET /api/items/1 HTTP/1.1\r\nHost: x\r\nX-Request-ID: " + given.encode() + b"\r\n\r\n") as to:
        answer = http.client.HTTPResponse(to)
        answer.begin()
    assert len(answer.headers["x-request-id"]) == 32
    assert int(answer.headers["x-request-id"], 16)


def test_ids_made_here_differ_also_within_a_trace(served: Served) -> None:
    parent = f"00-{'4b' * 16}-{'0a' * 8}-00"
    ids = {served.get("/api/items/1", traceparent=parent).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(served.access_line(one)["trace_id"] == "4b" * 16 for one in ids)


def test_every_answer_has_the_security_headers(served: Served) -> None:
    for path in ("/api/items/1", "/api/items/x", "/nothing", "/api/fails", "/raw/fails"):
        headers = served.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        assert "strict-transport-security" not in headers, "not in production"


def test_an_answer_keeps_the_headers_that_it_sets_itself(served: Served) -> None:
    with served.sends(b"GET /api/bytes/1 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
    assert answer.headers.get_all("cache-control") == ["max-age=60"]
    assert answer.headers.get_all("x-frame-options") == ["SAMEORIGIN"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_in_production_browsers_are_told_to_stay_with_https(tmp_path: Path) -> None:
    with serving(tmp_path / "log", settings={"environment": "production"}) as served:
        assert served.get("/api/items/1").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/api/items/1", "/api/items/x"])
def test_a_route_has_its_own_headers_on_errors_too(served: Served, path: str) -> None:
    assert served.get(path).headers["deprecation"] == "@1767225600"
    assert "deprecation" not in served.get("/api/observed").headers


def test_a_verified_token_names_the_principal_in_the_log(served: Served) -> None:
    answer = served.get("/api/observed", authorization="Bearer good")
    assert "user-1" in str(answer.json()["principal"])
    for line in served.lines_of(answer.headers["x-request-id"]):
        assert line["principal"] == "user-1"


def test_a_bad_token_fails_no_public_route(served: Served) -> None:
    answer = served.get("/api/observed", authorization="Bearer bad")
    assert answer.status == 200
    assert answer.json()["principal"] == "a token that is no good"
    assert served.get("/api/observed").json()["principal"] == "None"


def test_the_access_line_says_what_happened_without_the_query(served: Served) -> None:
    path = "/api/bytes/5"
    answer = served.request("GET", f"{path}?secret=1", {"x-request-id": "line"})
    assert answer.status == 200
    line = served.access_line("line")
    assert str(line.pop("ts")).endswith("Z")
    assert 0 < float(str(line.pop("duration_ms"))) < 5000
    assert len(str(line.pop("trace_id"))) == 32
    assert line == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "route": "/api/bytes/{number}",
        "path": path,
        "status": 200,
        "bytes": 5,
        "client": "127.0.0.1",
        "principal": "",
        "feature": "",
        "request_id": "line",
        "span_id": "",
    }


def test_the_access_line_is_short_at_a_console(tmp_path: Path) -> None:
    with serving(tmp_path / "log", settings={"telemetry": {"log_format": "console"}}) as served:
        assert served.get("/api/items/1", x_request_id="one").status == 200
    (line,) = (line for line in (tmp_path / "log").read_text().splitlines() if "/api/items" in line)
    assert re.fullmatch(r"[\d:.]{12} INFO    GET /api/items/1 200 [\d.]+ ms request_id=one", line)


def test_a_path_with_line_breaks_stays_on_one_bounded_line(served: Served) -> None:
    served.request("GET", "/%0d%0a%7b%22level%22:1%7d%ff" + "x" * 5000, {"x-request-id": "hostile"})
    path = str(served.access_line("hostile")["path"])
    assert path.startswith('/\r\n{"level":1}')
    assert len(path) == 512


def test_probes_are_logged_only_when_they_fail(served: Served) -> None:
    assert served.get("/livez", x_request_id="good").status == 200
    assert served.get("/readyz", x_request_id="bad").status == 404
    assert served.access_line("bad")["status"] == 404
    assert served.lines_of("good") == []
