"""The OpenTelemetry SDK as this service uses it: which spans it records, and how they leave."""

from collections.abc import Callable, Sequence
from random import getrandbits

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ..settings import Settings
from .context import current_request
from .metrics import Metrics

MOST_WAITING = 2048
"""Spans that wait for the collector; past it the oldest are dropped."""
EXPORT_SECONDS = 2.0
"""How long one batch may take, in a thread of its own; then it is lost."""
BATCH_MILLISECONDS = 2000.0
_QUERIES = frozenset({"url.query", "url.full", "http.url", "http.target"})


def make_provider(settings: Settings, metrics: Metrics, samples: Callable[[int], bool]) -> TracerProvider:
    """Starts the thread that sends spans, and returns what makes them. The endpoint must be set."""
    endpoint = f"{(settings.telemetry.otlp_endpoint or '').rstrip('/')}/v1/traces"
    service = settings.service
    provider = TracerProvider(
        sampler=RequestSampler(samples),
        id_generator=RequestIds(),
        resource=Resource.create(
            {
                "service.name": service.name,
                "service.version": service.version,
                "vcs.ref.head.revision": service.revision,
                "deployment.environment.name": settings.environment,
            }
        ),
        shutdown_on_exit=False,
    )
    exporter = CountedExporter(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS), metrics)
    provider.add_span_processor(CountedProcessor(exporter, metrics))
    return provider


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
            sampled = self._samples(trace_id)
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


class CountedProcessor(BatchSpanProcessor):
    """Counts the spans that end, and those that a full queue drops."""

    def __init__(self, exporter: "CountedExporter", metrics: Metrics) -> None:
        super().__init__(exporter, max_queue_size=MOST_WAITING, schedule_delay_millis=BATCH_MILLISECONDS)
        self._ended = metrics.spans_ended
        self._dropped = metrics.spans_dropped
        self._taken = exporter.taken
        self._kept = 0

    def on_end(self, span: ReadableSpan) -> None:
        self._ended.inc()
        if self._kept - self._taken() >= MOST_WAITING:
            self._dropped.inc()  # the oldest makes room
        else:
            self._kept += 1
        super().on_end(span)


class CountedExporter(SpanExporter):
    """Counts the spans that leave, and those that cannot."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter = exporter
        self._exported = metrics.spans_exported
        self._failed = metrics.spans_failed
        self._taken = 0

    def taken(self) -> int:
        """How many spans have left the queue."""
        return self._taken

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._taken += len(spans)
        result = self._exporter.export(spans)
        counter = self._exported if result is SpanExportResult.SUCCESS else self._failed
        counter.inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)
