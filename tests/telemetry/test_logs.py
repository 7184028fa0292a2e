"""What a log line looks like, and what can never be in one."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app.platform.context import RequestContext, current_request
from app.platform.telemetry.logging.redaction import REDACTED, redact_text
from tests.support.logs import Log, log_as
from tests.support.timing import no_garbage_collection


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_as(tmp_path / "log") as configured:
        yield configured


@pytest.fixture
def request_context() -> Iterator[RequestContext]:
    context = RequestContext("r-1", "1" * 32, sampled=True, span_id="2" * 16, principal="user-1")
    token = current_request.set(context)
    yield context
    current_request.reset(token)


@pytest.mark.usefixtures("request_context")
def test_a_line_says_when_what_where_and_for_whom(log: Log) -> None:
    structlog.get_logger("app.features.items.service").warning("sold out", item=7)
    (line,) = log.lines()
    assert str(line.pop("ts")).endswith("Z")
    assert line == {
        "level": "warning",
        "event": "sold out",
        "logger": "app.features.items.service",
        "trace_id": "1" * 32,
        "span_id": "2" * 16,
        "request_id": "r-1",
        "principal": "user-1",
        "feature": "items",
        "item": 7,
    }


@pytest.mark.usefixtures("request_context")
def test_the_standard_library_writes_the_same_lines(log: Log) -> None:
    logging.getLogger("sqlalchemy.engine").warning("slow: %s", "SELECT 1")
    (line,) = log.lines()
    assert (line["level"], line["event"], line["logger"]) == ("warning", "slow: SELECT 1", "sqlalchemy.engine")
    assert line["request_id"] == "r-1"


def test_a_caller_cannot_replace_what_the_line_says_of_itself(log: Log) -> None:
    structlog.get_logger("here").info("event", ts="then", trace_id="x")
    (line,) = log.lines()
    assert line["ts"] != "then"


@pytest.mark.usefixtures("request_context")
def test_a_request_is_not_renamed_by_a_field(log: Log) -> None:
    structlog.get_logger("here").info("event", request_id="forged")
    assert log.lines()[0]["request_id"] == "r-1"


def test_lines_below_the_level_are_not_written(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_level="warning") as log:
        structlog.get_logger("a").info("no")
        logging.getLogger("b").info("no")
        structlog.get_logger("a").error("yes")
        assert [line["event"] for line in log.lines()] == ["yes"]


def test_an_exception_is_one_line_with_its_traceback(log: Log) -> None:
    try:
        raise ValueError("token=abcdef")
    except ValueError:
        structlog.get_logger("a").exception("failed")
        logging.getLogger("b").exception("failed")
    for line in log.lines():
        text = str(line["exception"])
        assert text.startswith("Traceback")
        assert text.endswith(f"ValueError: token={REDACTED}")


def test_a_line_break_in_a_value_makes_no_second_line(log: Log) -> None:
    forged = 'x\r\n{"level":"error","event":"forged"}'
    structlog.get_logger("a").info(forged, field=forged)
    logging.getLogger("b").warning(forged)
    assert len(log.text().splitlines()) == 2


def test_a_line_break_makes_no_second_line_at_the_console_either(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_format="console") as log:
        structlog.get_logger("a").info("one\nERROR forged", field="two\u2028three\x1b[2J\ud800")
        (line,) = log.text().splitlines()
    assert "INFO" in line
    assert "\x1b" not in line


def test_a_console_shows_the_fields_of_a_line(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_format="console") as log:
        structlog.get_logger("a").info("request", status="open", path="/x")
        assert log.text().endswith("INFO    request status=open path=/x\n")


def test_a_console_shows_the_traceback_as_python_does(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_format="console") as log:
        try:
            raise ValueError("no")
        except ValueError:
            structlog.get_logger("a").exception("failed")
        assert log.text().endswith("\n  ValueError: no\n")


def test_libraries_do_not_debug_into_the_log(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_level="debug") as log:
        logging.getLogger("websockets.server").debug("< Authorization: Bearer hunter2")
        logging.getLogger("app.features.items").debug("ours")
        structlog.get_logger("anybody").debug("theirs, by our means")
        assert [line["event"] for line in log.lines()] == ["ours", "theirs, by our means"]


@pytest.mark.parametrize("text", ["a-" * 8192, "token" + " " * 16384, "passwd-" * 2340, "bearer " * 2340, "=" * 16384])
def test_looking_for_secrets_takes_no_time(text: str) -> None:
    with no_garbage_collection():
        begun = time.perf_counter()
        redact_text(text)
        assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("value", ["\ud800", 2**70, float("nan"), b"\xff", object, {1: "x"}, {"a": {1, 2}}])
def test_any_value_can_be_logged(log: Log, value: object) -> None:
    structlog.get_logger("a").info("any", value=value)
    assert log.lines()[0]["event"] == "any"


def test_secrets_are_known_by_the_names_of_their_fields(log: Log) -> None:
    secret = "hunter2"
    structlog.get_logger("a").info(
        "fields",
        password=secret,
        access_token=secret,
        Authorization=secret,
        client_secret=secret,
        signing_key=secret,
        cookie=secret,
        nested={"api_key": secret, "deeper": [{"new_password": secret}]},
        key_count=3,
        keyset="shown",
    )
    assert secret not in log.text()
    assert log.lines()[0]["key_count"] == 3
    assert log.lines()[0]["keyset"] == "shown"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2",
        "authorization=Basic hunter2",
        "{'password': 'hunter2'}",
        '{"password":"hunter2"}',
        "postgresql://u@h/db?password=hunter2&x=1",
        "access_token=hunter2",
        "X-Api-Key: hunter2",
        "Cookie: session=hunter2",
        'client_secret="hunter2 with spaces"',
    ],
)
def test_secrets_are_known_by_what_precedes_them(text: str) -> None:
    assert "hunter2" not in redact_text(text)


def test_a_text_without_a_secret_is_left_alone() -> None:
    text = "the token has expired; no password was given, 3 keys"
    assert redact_text(text) == text


def test_query_strings_in_the_servers_own_lines_are_not_written(log: Log) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "c", "GET", "/?token=hunter2", "1.1", 200)
    logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "c", "/?token=hunter2")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    assert [line["event"] for line in log.lines()] == ["Started server process [7]"]


def test_what_an_earlier_server_set_for_its_own_lines_is_undone(tmp_path: Path) -> None:
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel("CRITICAL")
    logger.disabled = True
    with log_as(tmp_path / "log") as log:
        logger.info("Started server process [%d]", 7)
        assert [line["event"] for line in log.lines()] == ["Started server process [7]"]


def test_the_exporter_repeats_itself_once_a_minute(log: Log) -> None:
    for number in range(100):
        logging.getLogger("opentelemetry.exporter").error("cannot reach %d", number)
        logging.getLogger("elsewhere").error("again")
    events = [line["event"] for line in log.lines()]
    assert events.count("again") == 100
    assert sum(str(event).startswith("cannot reach") for event in events) == 1


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_value_without_a_text_does_not_end_its_author(log: Log) -> None:
    structlog.get_logger("a").info("first", value=Unprintable())
    structlog.get_logger("a").info("second")
    assert [line["event"] for line in log.lines()] == ["first", "second"]
