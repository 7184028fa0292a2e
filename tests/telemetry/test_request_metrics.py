"""The cases in which other instrumentation goes wrong, against a real socket."""

import pytest
from websockets.sync.client import connect

from tests.support.sample import STREAM_SECONDS
from tests.support.served import SUM, Served, eventually

UNMATCHED = "_unmatched"
ACTIVE = "http_server_active_requests"


def test_a_request_is_booked_under_its_template(served: Served) -> None:
    assert served.get("/api/items/42").status == 200
    assert eventually(lambda: served.requests("/api/items/{item_id}", 200)) == 1


def test_a_refused_parameter_is_booked_under_its_template(served: Served) -> None:
    assert served.get("/api/items/none").status == 422
    assert eventually(lambda: served.requests("/api/items/{item_id}", 422)) == 1


def test_unknown_paths_share_one_series(served: Served) -> None:
    before, series = served.requests(UNMATCHED, 404), served.series()
    for number in range(30):
        assert served.get(f"/wp-{number}").status == 404
    eventually(lambda: served.requests(UNMATCHED, 404) == before + 30)
    assert served.series() == series


def test_a_redirect_to_the_path_without_a_slash_does_not_show_the_path(served: Served) -> None:
    for number in range(20):
        assert served.get(f"/api/items/{number}/").status == 307
    eventually(lambda: served.requests(UNMATCHED, 307) == 20)


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_a_method_that_the_route_lacks_keeps_the_route(served: Served, method: str) -> None:
    before = served.requests("/api/items/{item_id}", 405, "_OTHER")
    assert served.request(method, "/api/items/42").status == 405
    eventually(lambda: served.requests("/api/items/{item_id}", 405, "_OTHER") == before + 1)


def test_a_method_of_no_standard_is_other(served: Served) -> None:
    with served.sends(b"PROPFIND /nothing HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert connection.recv(64).startswith(b"HTTP/1.1 404")
    assert eventually(lambda: served.requests(UNMATCHED, 404, "_OTHER")) == 1


def test_a_mounted_application_has_its_full_template(served: Served) -> None:
    assert served.get("/below/things/3").status == 200
    assert eventually(lambda: served.requests("/below/things/{thing_id}", 200)) == 1


def test_a_mount_with_a_parameter_does_not_show_its_value(served: Served) -> None:
    before = served.requests(UNMATCHED, 404)
    for tenant in ("acme", "bill", "cleo"):
        assert served.get(f"/of/{tenant}/things/3").status == 200
        assert served.get(f"/of/{tenant}/nothing").status == 404
    eventually(lambda: served.requests("/of/{tenant}/things/{thing_id}", 200) == 3)
    eventually(lambda: served.requests(UNMATCHED, 404) == before + 3)


def test_a_stream_lasts_until_its_last_byte(served: Served) -> None:
    assert len(served.get("/api/stream").body) == 80
    seconds = eventually(lambda: served.requests("/api/stream", 200, sample=SUM))
    assert STREAM_SECONDS <= seconds < STREAM_SECONDS + 1


def test_a_failure_after_the_header_is_a_500_and_cuts_the_connection(served: Served) -> None:
    with served.sends(b"GET /api/fails/midway HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        received = b""
        while part := connection.recv(4096):
            received += part
    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"5\r\nfirst\r\n"), "the answer does not look complete"
    assert eventually(lambda: served.requests("/api/fails/midway", 500)) == 1
    assert served.requests("/api/fails/midway", 200) == 0


def test_a_request_is_booked_before_its_background_work_ends(served: Served) -> None:
    answer = served.get("/api/background")
    try:
        seconds = eventually(lambda: served.requests("/api/background", 200, sample=SUM))
        assert served.value(ACTIVE) == 0
    finally:
        served.get("/api/background/ends")
    assert served.access_line(answer.headers["x-request-id"])["duration_ms"] == pytest.approx(seconds * 1e3, abs=0.01)


def test_a_client_that_leaves_a_slow_handler_is_a_499(served: Served) -> None:
    with served.sends(b"GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n"):
        eventually(lambda: served.value(ACTIVE) == 1)
    assert eventually(lambda: served.requests("/api/slow", 499)) == 1
    assert served.requests("/api/slow", 200) == 0


def test_a_client_that_leaves_a_stream_is_a_499(served: Served) -> None:
    before = served.requests("/api/stream", 200)
    with served.sends(b"GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
    assert eventually(lambda: served.requests("/api/stream", 499)) == 1
    assert served.requests("/api/stream", 200) == before


def test_a_body_read_after_the_first_byte_is_whole(served: Served) -> None:
    content = b"x" * 60_000
    assert served.request("POST", "/raw/late", body=content).body == content


def test_an_open_websocket_is_counted(served: Served) -> None:
    def open_sockets() -> float:
        return served.value("websocket_active_connections", http_route="/api/sockets/{room}")

    with connect(f"ws://127.0.0.1:{served.port}/api/sockets/1?token=hunter2") as socket:
        eventually(lambda: open_sockets() == 1)
        socket.send("close")
    eventually(lambda: open_sockets() == 0)


def test_statuses_are_told_apart(served: Served) -> None:
    assert served.get("/api/refuses").status == 400
    assert served.get("/api/fails").status == 500
    assert eventually(lambda: served.requests("/api/refuses", 400)) == 1
    assert eventually(lambda: served.requests("/api/fails", 500)) == 1


def test_each_answer_has_its_own_size(served: Served) -> None:
    big = served.get("/api/bytes/123456").headers["x-request-id"]
    stream = served.get("/api/stream").headers["x-request-id"]
    assert served.access_line(big)["bytes"] == 123456
    assert served.access_line(stream)["bytes"] == 80


def test_active_requests_are_counted_and_return_to_zero(served: Served) -> None:
    request = b"GET /api/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    eventually(lambda: served.value(ACTIVE) == 0)
    connections = [served.sends(request) for _ in range(3)]
    eventually(lambda: served.value(ACTIVE) == 3)
    for connection in connections:
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
        connection.close()
    eventually(lambda: served.value(ACTIVE) == 0)


def test_an_attack_adds_at_most_twenty_series(served: Served) -> None:
    """Paths, slashes, methods, hosts and headers made up, pipelined so that it does not take long."""
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "PURGE")
    starts, ends = ("/", "/api/items/", "/below/", "/of/"), ("", "/", "//", "/..%2f", "?a=b", "%0d%0a")
    before = served.series()
    for part in range(20):
        served.ask_at_once(
            [
                f"{methods[number % 11]} {starts[number % 4]}{part}-{number}{ends[number % 6]} HTTP/1.1\r\n"
                f"Host: {number}.example\r\nUser-Agent: {number}\r\nX-Request-ID: {number}\r\n"
                f"Content-Length: 0\r\n\r\n".encode()
                for number in range(500)
            ]
        )
    assert len(served.series() - before) <= 20


def test_a_first_error_is_seen_since_its_series_began_at_zero(served: Served) -> None:
    exported = served.series()
    for route in ("/api/bytes/{number}", "/api/observed"):
        labels = {"http_request_method": "GET", "http_route": route, "http_response_status_code": "500"}
        assert tuple(sorted(labels.items())) in exported
        assert served.requests(route, 500) == 0
    created = {"http_request_method": "POST", "http_route": "/api/items", "http_response_status_code": "201"}
    assert tuple(sorted(created.items())) in exported
