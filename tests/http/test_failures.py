"""The edge middleware on a real socket: bodies over the limit, applications that fail, WebSockets, and the drain."""

import asyncio
import contextlib
import http.client
import json
import threading
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from app.platform.http.edge import EdgeMiddleware
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry
from tests.support.served import PROBLEM, Answer, Served, eventually, serving

RESPONSES: list[Message] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"theirs")]},
    {"type": "http.response.body", "body": b""},
]


async def _driven(headers: list[tuple[bytes, bytes]]) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and headers of the answer to a request that no server would let through."""
    settings = Settings(environment="test")
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in RESPONSES:
            await send(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    layer = EdgeMiddleware(application, telemetry=build_telemetry(settings), drain=Drain(), settings=settings)
    await layer({"type": "http", "method": "GET", "path": "/livez", "headers": headers}, receive, send)
    return sent[0]["status"], sent[0]["headers"]


@pytest.mark.parametrize("path", ["/api/items", "/api/items/1", "/raw/echo", "/nothing"])
def test_a_body_that_is_declared_too_large_is_refused(served: Served, path: str) -> None:
    with served.sends(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n") as to:
        answer = http.client.HTTPResponse(to)
        answer.begin()
        content = json.loads(answer.read())
    assert (answer.status, answer.headers["content-type"], content["status"]) == (413, PROBLEM, 413)


@pytest.mark.parametrize("path", ["/api/items", "/raw/echo"])
def test_a_body_that_turns_out_too_large_is_refused(served: Served, path: str) -> None:
    chunks = iter([b"x" * 65536] * 17)
    answer = served.request("POST", path, {"content-type": "application/json"}, chunks)
    assert answer.is_problem(413)
    assert served.access_line(answer.headers["x-request-id"])["status"] == 413


def test_a_length_of_thousands_of_digits_is_too_large() -> None:
    status, _ = asyncio.run(_driven([(b"content-length", b"9" * 5000)]))
    assert status == 413


def test_an_answer_has_one_request_id() -> None:
    _, headers = asyncio.run(_driven([(b"x-request-id", b"ours")]))
    assert [value for name, value in headers if name == b"x-request-id"] == [b"ours"]


def test_a_body_of_just_the_limit_is_taken(served: Served) -> None:
    assert served.request("POST", "/raw/echo", body=b"x" * 65536).body == b"65536"
    assert served.request("POST", "/raw/echo", body=iter([b"x" * 4096] * 16)).body == b"65536"


def test_the_connection_survives_a_refused_body(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    for _ in range(2):
        connection.request("POST", "/raw/echo", b"x" * 1048577)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["status"]) == (413, 413)
    connection.request("GET", "/api/items/1")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_body_that_turns_out_too_large_after_the_first_byte_is_cut(served: Served) -> None:
    # What the server has not read when it closes makes the kernel reset the connection: the client sees either.
    cut = (http.client.IncompleteRead, ConnectionResetError, BrokenPipeError)
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    with contextlib.suppress(*cut), contextlib.closing(client):
        client.request("POST", "/raw/late", iter([b"x" * 4096] * 17), {"x-request-id": "cut"}, encode_chunked=True)
        assert client.getresponse().read() == b""
    assert served.access_line("cut")["status"] == 413


def test_a_client_that_leaves_while_it_sends_is_no_failure(served: Served) -> None:
    head = b"POST /api/streamed HTTP/1.1\r\nHost: x\r\nX-Request-ID: gone\r\nContent-Length: 9\r\n\r\nhalf"
    with served.sends(head):
        eventually(lambda: served.value("http_server_active_requests") == 1)
    assert served.access_line("gone")["status"] == 499
    assert not [line for line in served.lines_of("gone") if "exception" in line]


@pytest.mark.parametrize("path", ["/raw/fails", "/raw/silent"])
def test_an_application_that_fails_is_answered_for(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.is_problem(500)
    assert "raw" not in answer.body.decode()


@pytest.mark.parametrize("path", ["/raw/fails", "/api/fails", "/api/fails/afterwards"])
def test_a_failure_is_logged_once_with_its_traceback(served: Served, path: str) -> None:
    before = len(served.lines())
    identity = served.get(path).headers["x-request-id"]
    served.access_line(identity)

    def failures() -> list[dict[str, object]]:
        return [line for line in served.lines()[before:] if "exception" in line]

    (failure,) = eventually(failures)
    assert failure["request_id"] == identity
    assert (failure["level"], failure["event"], failure["path"]) == ("error", "unhandled exception", path)
    assert str(failure["exception"]).count("Traceback") == 1


def test_a_failure_after_the_answer_leaves_the_answer_alone(served: Served) -> None:
    answer = served.get("/api/fails/afterwards")
    assert answer.status == 200
    assert served.access_line(answer.headers["x-request-id"])["status"] == 200


def test_a_websocket_that_is_closed_before_it_is_accepted_is_denied_by_a_problem(served: Served) -> None:
    for path, status in (("/api/closed/1", 403), ("/nothing", 404)):
        with pytest.raises(InvalidStatus) as denied, connect(f"ws://127.0.0.1:{served.port}{path}"):
            pass
        response = denied.value.response
        content = json.loads(response.body or b"")
        assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
        assert (content["status"], content["instance"]) == (status, response.headers["x-request-id"])


@pytest.mark.parametrize("failure", ["fail", "look for a file"])
def test_a_websocket_that_fails_is_closed_and_logged_once(served: Served, failure: str) -> None:
    identity = failure.replace(" ", "-")
    with connect(
        f"ws://127.0.0.1:{served.port}/api/sockets/1", additional_headers={"x-request-id": identity}
    ) as connection:
        assert connection.response is not None
        assert connection.response.headers["x-request-id"] == identity
        connection.send(failure)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    line = served.access_line(identity)
    assert (line["event"], line["route"], line["status"]) == ("websocket", "/api/sockets/{room}", 101)
    assert sum("exception" in one for one in served.lines_of(identity)) == 1


def test_a_client_that_leaves_a_websocket_is_no_failure(served: Served) -> None:
    address = f"ws://127.0.0.1:{served.port}/api/sockets/1"
    with connect(address, additional_headers={"x-request-id": "left"}) as connection:
        connection.send("talk on")
        assert connection.recv() == "more"
    assert served.access_line("left")["status"] == 101
    assert not [line for line in served.lines_of("left") if "exception" in line]


def test_while_draining_every_answer_closes_its_connection(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        assert "connection" not in served.get("/api/items/1").headers
        served.drain.begin()
        for path in ("/api/items/1", "/nothing", "/raw/fails"):
            assert served.get(path).headers["connection"] == "close"


def test_what_has_not_begun_at_the_end_of_the_drain_can_be_sent_again(tmp_path: Path) -> None:
    answers: list[Answer] = []
    with serving(tmp_path / "log", request_seconds=0) as served:
        slow = threading.Thread(target=lambda: answers.append(served.get("/raw/forever")))
        slow.start()
        stream = served.sends(b"GET /raw/endless HTTP/1.1\r\nHost: x\r\nX-Request-ID: stream\r\n\r\n")
        assert stream.recv(64).startswith(b"HTTP/1.1 200")
        eventually(lambda: served.value("http_server_active_requests") == 2)
        served.drain.begin()
    slow.join()
    (answer,) = answers
    assert answer.is_problem(503)
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"
    stream.close()
    assert served.requests("_unmatched", 503) == 2, "what was cut is no success"
    assert served.value("http_server_requests_shed_total", reason="draining") == 2
    assert not [line for line in served.lines() if "exception" in line]


def test_a_request_that_a_server_cancels_otherwise_has_no_client(tmp_path: Path) -> None:
    with serving(tmp_path / "log", request_seconds=0) as served:
        waiting = served.sends(b"GET /raw/forever HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: served.value("http_server_active_requests") == 1)
        served.server.should_exit = True
        eventually(lambda: served.requests("_unmatched", 499))
        waiting.close()
    assert served.value("http_server_active_requests") == 0
