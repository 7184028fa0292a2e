"""Logs: a JSON object a line, of structlog and of the standard library alike, with the request's identity."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast, get_args

import orjson

from ...context import current_request
from ...settings import Settings
from ..metrics.labels import LogLevel
from .escaping import escaped, indented, quoted, quoted_event, quoted_name
from .redaction import MAX_TEXT_LENGTH, redact, redact_text, text_of

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

    from .lines import LineWriter

Render: TypeAlias = Callable[[dict[str, object]], bytes]

OURS = ("app", "slipway")
"""Packages whose loggers of the standard library may say what they debug."""
EXPORTER_LOG_INTERVAL_SECONDS = 60.0
"""How often the exporter may say the same thing of a collector that is away."""
_NOISE = frozenset(
    {
        # Access lines of WebSockets, with the query string, which may hold a token.
        '%s - "WebSocket %s" [accepted]',
        '%s - "WebSocket %s" 403',
        '%s - "WebSocket %s" %d',
        # Of answers that the edge middleware cut after it had logged why, and of WebSockets that were denied.
        "ASGI callable returned without completing response.",
        "ASGI callable returned without completing handshake.",
    }
)
"""What uvicorn says of requests: the edge middleware has said it already, and better."""
_HIDDEN_LOG = frozenset({"ts", "level", "event", "exception", "logger", "trace_id", "span_id", "feature"})
_HIDDEN_ACCESS = _HIDDEN_LOG | {"method", "path", "status", "duration_ms", "route", "client", "bytes"}
"""Fields that a person at a console has in another form, or does not need."""
_LEVELS: dict[int, LogLevel] = {logging.getLevelNamesMapping()[name.upper()]: name for name in get_args(LogLevel)}
_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def configure_logging(settings: Settings, writer: LineWriter) -> None:
    """Sends every log line of the process to `writer`, as `settings.telemetry` says.

    For the server and the command line: it changes the process, so no import and no `create_app` calls it.
    """
    import structlog

    render = renderer(settings)

    def line(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        event.update(level=method, logger=logger.name)
        return render(_complete(event))

    structlog.configure(
        processors=[line],
        logger_factory=partial(_Lines, writer),
        cache_logger_on_first_use=False,
    )
    logging.getLogger().handlers = [_Bridge(writer, render)]
    set_level(settings.telemetry.log_level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [], True, False
        logger.setLevel(logging.NOTSET)  # An earlier server of this process may have set another.
    for name in ("uvicorn.access", "gunicorn.access"):
        # Theirs hold the query string; the edge middleware writes its own.
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [], False, True


def set_level(level: str) -> None:
    """Makes this the least severe level that is written, from the next line on, in any thread."""
    import structlog

    number: int = getattr(logging, level.upper())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number))
    # Libraries debug with what clients send: websockets with every header and frame.
    logging.getLogger().setLevel(max(number, logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(number)


def renderer(settings: Settings) -> Render:
    """How a line looks: JSON, or text for a person at a console."""
    return render_json if settings.telemetry.log_format == "json" else render_text


def render_json(fields: Mapping[str, object]) -> bytes:
    """One line of JSON; what JSON has no word for becomes its text, and what is not printable is escaped."""
    try:
        line = orjson.dumps(fields, _text, _JSON)
    except TypeError:  # A lone surrogate, or a number beyond 64 bits.
        line = json.dumps(fields, default=_text).encode() + b"\n"
    if line.isascii() and b"\x7f" not in line:
        return line
    return escaped(line[:-1].decode()).encode() + b"\n"


def render_text(fields: Mapping[str, object]) -> bytes:
    """A line for a person: `12:00:01.123 INFO    GET /livez 200 1.2 ms request_id=…`, a traceback below it.

    As in JSON, whoever controls a value can write neither a line nor a field of their own.
    """
    when, level, event = fields["ts"], str(fields["level"]).upper(), quoted_event(str(fields["event"]))
    clock = when.astimezone().strftime("%H:%M:%S.%f")[:-3] if isinstance(when, datetime) else when
    hidden = _HIDDEN_LOG
    if event == "request" and "logger" not in fields:
        shown = {name: quoted(_text(fields[name])) for name in ("method", "path", "status", "duration_ms")}
        event, hidden = "{method} {path} {status} {duration_ms} ms".format_map(shown), _HIDDEN_ACCESS
    more = (
        f"{quoted_name(name)}={quoted(_text(value))}"
        for name, value in fields.items()
        if name not in hidden and value not in ("", None)
    )
    line = " ".join([f"{clock} {level:<7} {event}", *more])
    failure = str(fields.get("exception", ""))
    return f"{line}\n{indented(failure) if failure else ''}".encode()


class _Lines:
    """What structlog wraps: a name, and where the finished lines go."""

    def __init__(self, writer: LineWriter, name: str = "app") -> None:
        self.name = name
        self.debug, self.info, self.warning, self.error, self.critical = (
            partial(writer.write, level=level) for level in get_args(LogLevel)
        )


class _Bridge(logging.Handler):
    """Writes the records of the standard library like our own."""

    def __init__(self, writer: LineWriter, render: Render) -> None:
        super().__init__()
        self._writer = writer
        self._render = render
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_noise(record):
            return
        try:
            event: EventDict = {
                "event": record.getMessage().strip(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "exc_info": record.exc_info,
            }
            self._writer.write(self._render(_complete(event)), _level_of(record.levelno))
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end what it tells of
            self.handleError(record)

    def _is_noise(self, record: logging.LogRecord) -> bool:
        if record.name == "uvicorn.error":
            return record.msg in _NOISE
        if not record.name.startswith("opentelemetry."):
            return False
        said = self._said.get(str(record.msg), -EXPORTER_LOG_INTERVAL_SECONDS)
        if time.monotonic() - said < EXPORTER_LOG_INTERVAL_SECONDS:
            return True
        self._said[str(record.msg)] = time.monotonic()
        return False


def _level_of(number: int) -> LogLevel:
    """The nearest level below, for a number that a library made up."""
    found = max((known for known in _LEVELS if known <= number), default=logging.DEBUG)
    return _LEVELS[found]


def _complete(event: EventDict) -> dict[str, object]:
    """The fields of a line in their order: when, how bad, what, where, for whom; then the rest, redacted."""
    fields: dict[str, object] = {
        "ts": datetime.now(UTC),
        "level": event.pop("level"),
        "event": redact_text(_text(event.pop("event"))[:MAX_TEXT_LENGTH]),
        "logger": event.pop("logger"),
    }
    request = current_request.get()
    if request is not None:
        fields |= {
            "trace_id": request.trace_id,
            "span_id": request.span_id,
            "request_id": request.request_id,
            "principal": request.principal,
            "feature": request.feature or _feature_of(str(fields["logger"])),
        }
    failure = _exception(event.pop("exc_info", None))
    fields |= redact({name: value for name, value in event.items() if name not in fields})
    if failure:
        fields["exception"] = failure
    return fields


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else text_of(value)


def _feature_of(module: str) -> str:
    """`items` for `app.features.items.service`; empty for a module that is no feature's."""
    _, found, rest = module.partition(".features.")
    return rest.partition(".")[0] if found else ""


def _exception(given: object) -> str:
    if given is True:
        given = sys.exc_info()
    if isinstance(given, tuple):
        given = cast("tuple[object, ...]", given)[1]
    if not isinstance(given, BaseException):
        return ""
    text = "".join(traceback.format_exception(given)).rstrip()
    # Its end says what happened; redacted before it is cut, so that no value is parted from its name.
    return redact_text(text[-2 * MAX_TEXT_LENGTH :])[-MAX_TEXT_LENGTH:]
