"""What a stranger writes into the log, through a path, a field, an exception, or a name."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from app.platform.context import RequestContext, current_request
from tests.support.logs import Log, log_as
from tests.support.served import Served, eventually, serving

C1 = "\x85\x9b31m\x90\x9d"
SEPARATORS = "\u2028\u2029"
BIDI = "\u202e\u2066\u061c\u200f"
INVISIBLE = "\x7f\xad\ufeff\u200b\U000e0041"
HOSTILE = C1 + SEPARATORS + BIDI + INVISIBLE + "\n\r\x1b[2J\x00\ud800"
FORGED = "x 500 1.2 ms principal=admin request_id=forged"


@pytest.fixture(params=["json", "console"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Log]:
    with log_as(tmp_path / "log", log_format=request.param) as configured:
        yield configured


@contextmanager
def _not_captured_by_pytest() -> Generator[None]:
    """pytest-xdist cannot send a captured line with a lone surrogate."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    root.handlers = [handler for handler in handlers if type(handler).__module__ != "_pytest.logging"]
    try:
        yield
    finally:
        root.handlers = handlers


def write_everywhere(text: str) -> int:
    """Hands the text to the log in every way that there is; the number of lines that it must become."""
    token = current_request.set(RequestContext(text, "1" * 32, sampled=False, principal=text))
    try:
        structlog.get_logger("a").info(text)
        structlog.get_logger("a").info(
            "event", field=text, nested={"deep": [text]}, raw=text.encode("utf-8", "replace")
        )
        structlog.get_logger("a").info("event", **{text: 1, f"a=b {text}": 2})
        structlog.get_logger(text).info("event")
        structlog.get_logger("a").info("event", error=ValueError(text))
        with _not_captured_by_pytest():
            logging.getLogger(f"b.{text}").warning("header %s", text)
    finally:
        current_request.reset(token)
    return 6


def test_no_character_can_end_a_line_or_change_what_is_shown(log: Log) -> None:
    lines = write_everywhere(HOSTILE)
    text = log.text()
    assert text.count("\n") == len(text.splitlines()) == lines
    assert [character for character in text if not character.isprintable() and character != "\n"] == []


def test_json_keeps_the_value(tmp_path: Path) -> None:
    with log_as(tmp_path / "log") as log:
        structlog.get_logger("a").info("event", field=C1 + BIDI + "é \U0001f600", **{f"name{BIDI}": 1})
        (line,) = log.lines()
        assert line["field"] == C1 + BIDI + "é \U0001f600"
        assert line[f"name{BIDI}"] == 1
        assert "é \U0001f600" in log.text(), "what is printable is written as it is"


def test_a_console_line_has_only_the_fields_that_it_was_given(tmp_path: Path) -> None:
    with log_as(tmp_path / "log", log_format="console") as log:
        write_everywhere(FORGED)
        structlog.get_logger("a").info('say "x" principal=admin')
        structlog.get_logger("a").info("event", quote='" principal=admin "', back="\\", empty="", word="plain")
        lines = log.text().splitlines()
        for line in lines:
            assert "admin" not in outside_of_quotation_marks(line), line
        assert lines[-1].endswith(r'INFO    event quote="\" principal=admin \"" back="\\" word=plain')


def outside_of_quotation_marks(line: str) -> str:
    """What is left of a line without its quoted strings, read as a JSON parser reads them."""
    rest, kept = line, ""
    while '"' in rest:
        before, _, quoted = rest.partition('"')
        kept += before
        _, end = json.JSONDecoder().raw_decode('"' + quoted)
        rest = quoted[end - 1 :]
    return kept + rest


def test_an_exception_cannot_write_a_line_of_its_own(log: Log) -> None:
    try:
        raise ValueError(f"one\n12:00:00.123 ERROR   forged\r{HOSTILE}")
    except ValueError:
        structlog.get_logger("a").exception("failed")
    text = log.text()
    lines = text.splitlines()
    assert text.count("\n") == len(lines)
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert not {character for character in text if not character.isprintable()} - {"\n"}


@pytest.fixture(scope="module", params=["json", "console"])
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("logs")
    with serving(folder / "log", settings={"telemetry": {"log_format": request.param}}) as running:
        running.get("/api/items/1")
        eventually(lambda: "/api/items/1" in running.log.read_text())
        yield running


@pytest.mark.parametrize(
    "path",
    [
        "/nothing%20500%201.2%20ms%20principal=admin",
        "/nothing%22%20principal=admin",
        "/nothing%0a12:00:00.123%20ERROR%20forged",
        "/nothing%C2%85%C2%9B31m",
        "/nothing%E2%80%A8%E2%80%AE",
        "/nothing%7f%1b%5b2J",
        "/nothing%ff%fe",
    ],
)
def test_a_path_forges_nothing(served: Served, path: str) -> None:
    before = served.log.read_text()
    served.get(path)

    def written() -> str:
        assert served.telemetry.writer.flush(5)
        return served.log.read_text().removeprefix(before)

    line = eventually(written)
    assert line.count("\n") == len(line.splitlines()) == 1
    assert line.rstrip("\n").isprintable()
    if not line.startswith("{"):
        assert "principal=admin" not in outside_of_quotation_marks(line)
