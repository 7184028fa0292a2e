"""A stop loses no request: each row is a kind of client of one stop, on uvicorn and on gunicorn."""

from __future__ import annotations

import pytest

from app.platform.process.exit import THREAD_TIMEOUT_SECONDS
from app.platform.server.draining import (
    ACCEPT_GRACE_SECONDS,
    CANCEL_TIMEOUT_SECONDS,
    LIFESPAN_TIMEOUT_SECONDS,
    TICK_INTERVAL_SECONDS,
)
from tests.server.scenario import SERVERS, UPLOAD, Seen, stop
from tests.support.process import DRAIN_SECONDS, REQUEST_SECONDS


@pytest.fixture(scope="module", params=SERVERS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return stop(request.param, tmp_path_factory.mktemp("stop"))


def test_requests_in_flight_are_answered(seen: Seen) -> None:
    assert [answer.body for answer in seen.in_flight] == [b"slow"] * 5
    assert all(answer.closes for answer in seen.in_flight)


def test_a_request_that_takes_too_long_is_answered_503_at_the_end_of_its_time(seen: Seen) -> None:
    assert [answer.status for answer, _ in seen.long] == [503, 503]
    assert all(answer.headers["content-type"] == "application/problem+json" for answer, _ in seen.long)
    assert all(answer.closes and answer.headers["retry-after"] for answer, _ in seen.long)
    assert all(seconds >= DRAIN_SECONDS + REQUEST_SECONDS for _, seconds in seen.long)


def test_a_half_sent_body_is_waited_for(seen: Seen) -> None:
    assert [answer.body for answer in seen.half_sent] == [UPLOAD] * 2


def test_idle_connections_are_closed_without_a_word(seen: Seen) -> None:
    assert seen.idle == [b""] * 5


def test_a_connection_that_was_silent_at_the_signal_is_served(seen: Seen) -> None:
    assert {answer.status for answer in seen.silent} == {200}
    assert all(answer.closes for answer in seen.silent)


def test_busy_clients_lose_no_request(seen: Seen) -> None:
    assert seen.lost == []
    assert seen.busy > 100


def test_late_connections_are_served_during_the_drain_and_refused_after_it(seen: Seen) -> None:
    assert {answer.status for answer in seen.late} == {200}
    assert seen.refused_after


def test_readiness_is_503_at_once(seen: Seen) -> None:
    assert set(seen.readiness) == {503}


def test_websockets_are_closed_with_1012_one_after_the_other_in_the_second_half_of_the_drain(seen: Seen) -> None:
    assert seen.websockets == [1012] * 5
    first, *_, last = seen.websockets_closed
    assert first >= DRAIN_SECONDS / 2
    assert last - first > TICK_INTERVAL_SECONDS


def test_a_stream_without_an_end_does_not_hold_the_process(seen: Seen) -> None:
    assert len(seen.stream_ended) == 1
    assert seen.seconds < DRAIN_SECONDS + REQUEST_SECONDS + 8


def test_the_lifespan_of_every_process_is_ended(seen: Seen, request: pytest.FixtureRequest) -> None:
    assert seen.lifespans_ended == (2 if "gunicorn" in request.node.name else 1)


def test_the_exit_code_is_0_and_nothing_is_complained_of(seen: Seen) -> None:
    assert seen.exit_code == 0
    assert "Traceback" not in seen.log
    assert "Bad file descriptor" not in seen.log


def test_a_stop_fits_into_the_grace_period() -> None:
    # The chart gives five seconds after `request_seconds`.
    assert ACCEPT_GRACE_SECONDS + CANCEL_TIMEOUT_SECONDS + LIFESPAN_TIMEOUT_SECONDS + THREAD_TIMEOUT_SECONDS < 5
