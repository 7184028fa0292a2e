"""The OpenTelemetry SDK as this service uses it: which spans it records, and how they leave."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from random import getrandbits
from threading import Event, Lock, Thread, local
from typing import Literal

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ...context import current_request
from ...settings import Settings
from ..identity import attributes
from ..metrics.instruments import Metrics

MAX_QUEUE_SIZE = 2048
"""Spans that wait for the collector; past it the oldest are dropped."""
EXPORT_TIMEOUT_SECONDS = 2.0
"""How long one batch may take, in a thread of its own; then it is lost."""
MAX_EXPORT_BATCH_SIZE = 512
"""Most spans that leave at once."""
SCHEDULE_DELAY_SECONDS = 2.0
"""How long a span waits for company."""
_exporting = local()
"""Marks the thread that sends spans: what it does is no trace."""
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)
_QUERIES = frozenset({"url.query", "url.full", "http.url", "http.target"})


def make_provider(settings: Settings, metrics: Metrics, samples: Callable[[int], bool]) -> TracerProvider:
    """Starts the thread that sends spans, and returns what makes them. The endpoint must be set."""
    provider = TracerProvider(
        sampler=RequestSampler(samples),
        id_generator=RequestIds(),
        resource=Resource.create(attributes(settings)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint(settings, "traces"), timeout=EXPORT_TIMEOUT_SECONDS)
    provider.add_span_processor(QueuedProcessor(exporter, metrics))
    return provider


def endpoint(settings: Settings, signal: Literal["traces", "metrics"]) -> str:
    """Where the collector takes it; the setting must be there."""
    return f"{settings.telemetry.otlp_endpoint}/v1/{signal}"


@contextmanager
def exporting() -> Generator[None]:
    """What this thread does until the end of the block is no trace."""
    _exporting.now = True
    try:
        yield
    finally:
        _exporting.now = False


class RequestSampler(Sampler):
    """Records what the running request decided; outside of a request what the parent did, else by the ratio.

    Without it a library that opens a span inside a request that is not sampled would begin a trace itself.
    """

    def __init__(self, samples: Callable[[int], bool]) -> None:
        self._samples = samples

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        request = current_request.get()
        if request is not None:
            sampled = request.sampled
        elif parent.is_valid:
            sampled = parent.trace_flags.sampled
        else:
            sampled = self._samples(trace_id) and not getattr(_exporting, "now", False)
        if not sampled:
            return SamplingResult(Decision.DROP, trace_state=parent.trace_state)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, _without_queries(attributes), parent.trace_state)

    def get_description(self) -> str:
        return "RequestSampler"


def _without_queries(attributes: Attributes) -> Attributes:
    """The attributes that a library starts a span with, without the query of a URL: it may hold a token."""
    if not attributes or _QUERIES.isdisjoint(attributes):
        return attributes
    kept = {name: value for name, value in attributes.items() if name != "url.query"}
    for name in _QUERIES & kept.keys():
        kept[name] = str(kept[name]).partition("?")[0]
    return kept


class RequestIds(RandomIdGenerator):
    """Gives a root span the trace id that its request already has, in its logs and its answer."""

    def generate_trace_id(self) -> int:
        request = current_request.get()
        return int(request.trace_id, 16) if request is not None else getrandbits(128) | 1


class QueuedProcessor(SpanProcessor):
    """Sends spans in batches, in a thread of its own, and counts what becomes of each of them.

    The SDK's own says of no span that it was dropped but by a line in the log, written by the request whose span
    found the queue full: its requests are slower, and nobody can count.
    """

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._waiting: deque[ReadableSpan] = deque()
        self._some = Event()
        self._sending = Lock()
        self._stopped = False
        self._thread = Thread(target=self._run, name="trace-export", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        """Takes a span that was recorded; never waits."""
        self._metrics.spans_ended.inc()
        if self._stopped:
            self._metrics.spans_dropped.inc()
            return
        if len(self._waiting) >= MAX_QUEUE_SIZE:
            with suppress(IndexError):  # The thread was faster.
                self._waiting.popleft()
                self._metrics.spans_dropped.inc()
        self._waiting.append(span)
        if len(self._waiting) >= MAX_EXPORT_BATCH_SIZE:
            self._some.set()

    def shutdown(self) -> None:
        """Sends what waits, and drops what cannot be sent in time; a second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._some.set()
        self._thread.join(EXPORT_TIMEOUT_SECONDS)
        self._exporter.shutdown()
        while batch := self._take():
            self._metrics.spans_dropped.inc(len(batch))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what waits, in this thread."""
        self._send_all()
        return True

    def _run(self) -> None:
        with exporting():
            while not self._stopped:
                self._some.wait(SCHEDULE_DELAY_SECONDS)
                self._some.clear()
                self._send_all()

    def _send_all(self) -> None:
        with self._sending:
            while batch := self._take():
                self._send(batch)

    def _take(self) -> list[ReadableSpan]:
        batch: list[ReadableSpan] = []
        with suppress(IndexError):
            while len(batch) < MAX_EXPORT_BATCH_SIZE:
                batch.append(self._waiting.popleft())
        return batch

    def _send(self, batch: list[ReadableSpan]) -> None:
        metrics, counter = self._metrics, self._metrics.spans_failed
        try:
            if self._exporter.export(batch) is SpanExportResult.SUCCESS:
                counter = metrics.spans_exported
        except Exception:  # noqa: BLE001 - the thread must live on, whatever an exporter raises
            _log.exception("spans could not be exported")
        counter.inc(len(batch))
