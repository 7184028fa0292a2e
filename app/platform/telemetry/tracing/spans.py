"""Spans: recorded only for sampled requests, by an SDK that starts only if they go somewhere."""

from __future__ import annotations

import atexit
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from threading import Lock, Thread
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from ...context import RequestContext, current_request
from ...settings import Settings
from ..logging.redaction import MAX_TEXT_LENGTH, redact_text, text_of
from ..metrics.catalogue import METHODS, OTHER_METHOD, UNMATCHED_ROUTE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from starlette.types import Scope

    from ..metrics.instruments import Metrics

Attributes: TypeAlias = Mapping[str, str | int | float | bool]

SHUTDOWN_TIMEOUT_SECONDS = 1.5
"""How long the last spans may take to leave; a collector that hangs is not waited for any longer."""

MAX_ATTRIBUTE_LENGTH = 512
"""Characters of what a client may make up."""

_LOW_64_BITS = 2**64 - 1
_NOT_RECORDED = nullcontext()


class Tracing:
    """The tracer of one application. Making it imports and starts nothing; `start` does, after any fork."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._provider: TracerProvider | None = None
        self._lock = Lock()
        self.enabled = settings.telemetry.otlp_endpoint is not None
        self._bound = 0
        self.set_ratio(settings.telemetry.sample_ratio)
        self.tracer: Tracer | None = None
        """None until `start`, and for ever if there is no endpoint."""

    def set_ratio(self, ratio: float) -> None:
        """Records this share of the traces that begin from now on."""
        self._bound = round(ratio * 2**64) if self.enabled else 0

    def samples(self, trace_id: int) -> bool:
        """The decision for a trace that begins here: by its id, so that it is the same in every service."""
        return trace_id & _LOW_64_BITS < self._bound

    def server_span(self, context: RequestContext, method: str) -> ServerSpan | None:
        """The span of a request that is sampled; None if spans go nowhere."""
        if self.tracer is None:
            self.start()  # A server without lifespan events.
        return ServerSpan(self.tracer, context, method) if self.tracer is not None else None

    def start(self) -> None:
        """Starts the SDK; a second call does nothing."""
        with self._lock:
            if not self.enabled or self._provider is not None:
                return
            from .export import make_provider

            self._provider = make_provider(self._settings, self._metrics, self.samples)
            self.tracer = self._provider.get_tracer("slipway")
            atexit.register(self.close)
            if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                # For libraries that record spans of their own; one application of a process can have them.
                trace.set_tracer_provider(self._provider)

    def close(self) -> None:
        """Sends what is left, for at most `SHUTDOWN_TIMEOUT_SECONDS`; a second call does nothing."""
        with self._lock:
            provider, self._provider, self.tracer = self._provider, None, None
        if provider is None:
            return
        atexit.unregister(self.close)
        # The SDK's own shutdown waits for up to 30 s; its thread and this one die with the process.
        sender = Thread(target=provider.shutdown, name="trace-shutdown", daemon=True)
        sender.start()
        sender.join(SHUTDOWN_TIMEOUT_SECONDS)


class ServerSpan:
    """The span of a request, from its arrival to the last byte of its answer."""

    __slots__ = ("_begun", "_failed", "_span", "_token")

    def __init__(self, tracer: Tracer, context: RequestContext, method: str) -> None:
        self._begun = time_ns()
        self._failed = False
        above = otel_context.Context()
        if context.parent_id:
            above = trace.set_span_in_context(_parent_of(context), above)
        links = [trace.Link(_remote(*context.linked))] if context.linked else None
        self._span = tracer.start_span(method, above, SpanKind.SERVER, links=links, start_time=self._begun)
        self._token: Token[otel_context.Context] = otel_context.attach(trace.set_span_in_context(self._span, above))
        context.tracer = tracer
        context.span_id = trace.format_span_id(self._span.get_span_context().span_id)

    def detach(self) -> None:
        """Ends the time in which new spans are children of this one; in the task that made it."""
        otel_context.detach(self._token)

    def record(self, error: BaseException) -> None:
        """Adds an exception, without what looks like a secret in its text."""
        self._failed = True
        _record(self._span, error)

    def end_request(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        """Ends it, `seconds` after its begin, with the attributes of OpenTelemetry's stable HTTP conventions.

        The query is left out: it may hold what nobody should read.
        """
        span, method = self._span, scope.get("method", "GET")
        known = method if method in METHODS else OTHER_METHOD
        attributes: dict[str, str | int] = {
            "http.request.method": known,
            "http.response.status_code": status,
            "network.protocol.version": scope["http_version"],
            "url.path": scope["path"][:MAX_ATTRIBUTE_LENGTH],
            "url.scheme": scope["scheme"],
        }
        if known != method:
            attributes["http.request.method_original"] = method[:MAX_ATTRIBUTE_LENGTH]
        if route != UNMATCHED_ROUTE:
            attributes["http.route"] = route
        if client := scope.get("client"):
            attributes["client.address"] = client[0]
        for name, value in scope["headers"]:
            if name == b"user-agent":
                attributes["user_agent.original"] = value.decode("latin-1")[:MAX_ATTRIBUTE_LENGTH]
        if status >= 500:
            span.set_status(StatusCode.ERROR)
            if not self._failed:
                attributes["error.type"] = str(status)
        span.update_name(f"{known} {route}" if route != UNMATCHED_ROUTE else known)
        span.set_attributes(attributes)
        span.end(self._begun + int(seconds * 1e9))


class _RecordedSpan:
    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        otel_context.detach(self._token)
        if error is not None:
            _record(self._span, error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
) -> AbstractContextManager[Span | None]:
    """A span below the running request's; where that is not recorded, a context manager that does nothing."""
    context = current_request.get()
    if context is None or context.tracer is None:
        return _NOT_RECORDED
    return _RecordedSpan(context.tracer.start_span(name, kind=kind, attributes=attributes))


def statement_span(name: str, text: str = "") -> AbstractContextManager[Span | None]:
    """A span for a statement: `name` is its operation and table, `text` its SQL with placeholders."""
    context = current_request.get()
    if context is None or context.tracer is None:
        return _NOT_RECORDED
    attributes = {"db.system.name": "postgresql", "db.operation.name": name.partition(" ")[0]}
    if text:
        attributes["db.query.text"] = text
    return _RecordedSpan(context.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes))


def _parent_of(context: RequestContext) -> Span:
    return trace.NonRecordingSpan(_remote(context.trace_id, context.parent_id, context.tracestate))


def _remote(trace_id: str, span_id: str, state: str = "") -> trace.SpanContext:
    """A span of a caller."""
    return trace.SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        trace_state=trace.TraceState.from_header([state]) if state else None,
    )


def _record(span: Span, error: BaseException) -> None:
    name = type(error).__qualname__
    message, text = text_of(error), "".join(traceback.format_exception(error))
    span.set_attribute("error.type", name)
    span.add_event(
        "exception",
        {
            "exception.type": name,
            "exception.message": redact_text(message[: 2 * MAX_TEXT_LENGTH])[:MAX_TEXT_LENGTH],
            "exception.stacktrace": redact_text(text[-2 * MAX_TEXT_LENGTH :])[-MAX_TEXT_LENGTH:],
        },
    )
