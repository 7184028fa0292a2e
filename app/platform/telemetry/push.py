"""Sends the metrics to the collector, for a backend that takes OTLP and scrapes nothing.

What is sent is read from what a scrape reads: the same series have the same names and values either way.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from threading import Event, Thread
from typing import Protocol, cast

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics import export as otlp
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from ..settings import Settings
from .export import EXPORT_SECONDS, endpoint, exporting
from .exposition import in_turns
from .identity import attributes

UNITS = {"seconds": "s", "bytes": "By"}
"""Of UCUM. Other units are left out: a backend that writes them into names would change those."""
SHUTDOWN_SECONDS = 1.5
CUMULATIVE = AggregationTemporality.CUMULATIVE
_log = logging.getLogger(__name__)


class _Exporter(Protocol):
    """What is used of OpenTelemetry's, which has types for a part of it."""

    def export(self, metrics_data: otlp.MetricsData) -> object: ...
    def shutdown(self) -> None: ...


class MetricsPush:
    """Pushes all metrics every `telemetry.push_seconds`, in a thread of its own, until `close`.

    A push that fails loses nothing, since the next one has the same totals; the exporter logs it.
    """

    def __init__(self, settings: Settings, metrics: Collector) -> None:
        self._metrics = metrics
        self._seconds = settings.telemetry.push_seconds
        self._resource = Resource.create(attributes(settings))
        self._exporter: _Exporter = OTLPMetricExporter(endpoint(settings, "metrics"), timeout=EXPORT_SECONDS)
        self._began = time.time_ns()
        self._over = Event()
        self._thread = Thread(target=self._run, name="metrics-push", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Pushes the last values, for at most `SHUTDOWN_SECONDS`."""
        self._over.set()
        self._thread.join(SHUTDOWN_SECONDS)
        self._exporter.shutdown()

    def _run(self) -> None:
        with exporting():
            while not self._over.wait(self._seconds):
                self._push()
            self._push()

    def _push(self) -> None:
        try:
            families, now = in_turns(self._metrics), time.time_ns()
            made = [one for family in families for one in otlp_metrics(family, self._began, now)]
            scope = otlp.ScopeMetrics(InstrumentationScope("slipway"), made, schema_url="")
            self._exporter.export(otlp.MetricsData([otlp.ResourceMetrics(self._resource, [scope], schema_url="")]))
        except Exception:  # noqa: BLE001 - the thread must live on, whatever somebody's collector raises
            _log.exception("the metrics could not be pushed")


def otlp_metrics(family: Metric, began: int, now: int) -> Iterator[otlp.Metric]:
    """A family of Prometheus as OTLP has it; `began` is the time since which totals are counted, in nanoseconds."""
    by_name = defaultdict[str, list[Sample]](list)
    for sample in family.samples:
        by_name[family.name if family.type == "histogram" else sample.name].append(sample)
    for name, samples in by_name.items():
        data: otlp.DataT
        if family.type == "histogram":
            data = otlp.Histogram(_histograms(samples, began, now), CUMULATIVE)
        else:
            points = [
                otlp.NumberDataPoint(one.labels, began, now, float(one.value), _exemplars([one])) for one in samples
            ]
            data = otlp.Sum(points, CUMULATIVE, is_monotonic=True) if family.type == "counter" else otlp.Gauge(points)
        yield otlp.Metric(name, family.documentation, UNITS.get(family.unit, ""), data)


def _histograms(samples: Iterable[Sample], began: int, now: int) -> list[otlp.HistogramDataPoint]:
    series = defaultdict[tuple[tuple[str, str], ...], list[Sample]](list)
    for sample in samples:
        series[tuple((name, value) for name, value in sample.labels.items() if name != "le")].append(sample)
    return [_histogram(dict(labels), members, began, now) for labels, members in series.items()]


def _histogram(labels: Mapping[str, str], samples: list[Sample], began: int, now: int) -> otlp.HistogramDataPoint:
    """Buckets count what is in them alone, not what is below as well; the last one has no bound."""
    buckets = [one for one in samples if "le" in one.labels]
    below = [0, *(int(one.value) for one in buckets)]
    unknown = cast(float, None)
    return otlp.HistogramDataPoint(
        labels,
        began,
        now,
        count=below[-1],
        sum=next((one.value for one in samples if one.name.endswith("_sum")), 0),
        bucket_counts=[more - less for less, more in pairwise(below)],
        explicit_bounds=[float(one.labels["le"]) for one in buckets[:-1]],
        min=unknown,
        max=unknown,
        exemplars=_exemplars(buckets),
    )


def _exemplars(samples: Iterable[Sample]) -> list[Exemplar]:
    made: list[Exemplar] = []
    for sample in samples:
        if (found := sample.exemplar) is not None:
            ids = [int(found.labels[name], 16) if name in found.labels else None for name in ("span_id", "trace_id")]
            others = {name: value for name, value in found.labels.items() if name not in ("span_id", "trace_id")}
            made.append(Exemplar(others, float(found.value), int(float(found.timestamp or 0) * 1e9), *ids))
    return made
