"""The metrics of one application, built from the catalogue on a registry of their own."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from ..settings import Service
from .catalogue import (
    ACTIVE_REQUESTS,
    ACTIVE_WEBSOCKETS,
    BUILD_INFO,
    LOG_LINES_DROPPED,
    METHODS,
    OTHER_METHOD,
    OVERFLOW_ROUTE,
    POOL_CONNECTIONS,
    POOL_LIMIT,
    REQUEST_DURATION,
    SERIES_OVERFLOW,
    SPANS,
    UNMATCHED_ROUTE,
    MetricSpec,
)

AnyMetric = TypeVar("AnyMetric", Counter, Gauge, Histogram)

MOST_SERIES = 1000
"""Combinations of labels of the request histogram; each is 17 lines of a scrape."""


class Metrics:
    """Counts and times what one application does; `registry` is what a scrape reads.

    With `PROMETHEUS_MULTIPROC_DIR` set (before prometheus_client is imported) the registry merges the files of
    all workers; it has no exemplars then, no `process_*` and no `python_*`.
    """

    def __init__(self, service: Service, *, traced: bool) -> None:
        self.registry = CollectorRegistry()
        self._ours = _Families()
        self._several_workers = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if self._several_workers:
            MultiProcessCollector(self.registry)
        else:
            self.registry.register(self._ours)
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        self._durations = self._histogram(REQUEST_DURATION)
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._overflow = self._counter(SERIES_OVERFLOW)
        self._websockets = self._gauge(ACTIVE_WEBSOCKETS)
        self.active_requests = self._gauge(ACTIVE_REQUESTS)
        self.log_lines_dropped = self._counter(LOG_LINES_DROPPED)
        if traced:
            spans = self._counter(SPANS)
            self.spans_ended, self.spans_exported, self.spans_failed = (
                spans.labels(outcome) for outcome in ("ended", "exported", "failed")
            )
        self._gauge(BUILD_INFO).labels(service.version, service.revision, platform.python_version()).set(1)

    def prepare(self, routes: Iterable[tuple[str, str, int]]) -> None:
        """Makes the series of these routes (method, template, success status), so that they begin at zero.

        A series that is born with its first error has no `increase()`: that error would never be seen.
        """
        for method, route, status in (("GET", UNMATCHED_ROUTE, 404), *routes):
            for code in (status, 500):
                self._series(method if method in METHODS else OTHER_METHOD, route, code)

    def observe_request(
        self, method: str, route: str, status: int, seconds: float, exemplar: dict[str, str] | None = None
    ) -> None:
        """Books a complete request; `exemplar` is for one whose trace is recorded."""
        # A method that no route serves is worth no series of its own: whoever scans could make one for each.
        if status == 405 or method not in METHODS or (route == UNMATCHED_ROUTE and method != "GET"):
            method = OTHER_METHOD
        series = self._requests.get((method, route, status)) or self._series(method, route, status)
        series.observe(seconds, exemplar)

    def active_websockets(self, route: str) -> Gauge:
        """The gauge of a route."""
        return self._websockets.labels(route)

    def observe_pool(self, limit: int, status: Callable[[], tuple[int, int]]) -> None:
        """Exports a database pool: each scrape asks `status`, in its thread, for connections used and idle.

        Several workers that share a port do not export it: a scrape reaches only one of them.
        """
        if not self._several_workers:
            self.registry.register(_Pool(limit, status))

    def _series(self, method: str, route: str, status: int) -> Histogram:
        key = (method, route, status)
        if key not in self._requests and len(self._requests) >= MOST_SERIES:
            self._overflow.inc()
            return self._durations.labels(OTHER_METHOD, OVERFLOW_ROUTE, str(status))
        series = self._requests[key] = self._durations.labels(method, route, str(status))
        return series

    def _counter(self, spec: MetricSpec) -> Counter:
        return self._ours.add(Counter(spec.name, spec.help, _labels(spec), unit=_unit(spec), registry=None))

    def _gauge(self, spec: MetricSpec) -> Gauge:
        gauge = Gauge(
            spec.name,
            spec.help,
            _labels(spec),
            unit=_unit(spec),
            registry=None,
            multiprocess_mode=spec.across_workers,
        )
        return self._ours.add(gauge)

    def _histogram(self, spec: MetricSpec) -> Histogram:
        histogram = Histogram(
            spec.name, spec.help, _labels(spec), unit=_unit(spec), registry=None, buckets=spec.buckets
        )
        return self._ours.add(histogram)


class _Families(Collector):
    """Our metrics, without the `_created` series that the library adds to each of them."""

    def __init__(self) -> None:
        self._members: list[Counter | Gauge | Histogram] = []

    def add(self, member: AnyMetric) -> AnyMetric:
        self._members.append(member)
        return member

    def collect(self) -> Iterator[Metric]:
        for member in self._members:
            for family in member.collect():
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
                yield family


class _Pool(Collector):
    def __init__(self, limit: int, status: Callable[[], tuple[int, int]]) -> None:
        self._limit = limit
        self._status = status

    def collect(self) -> Iterator[Metric]:
        spec = POOL_CONNECTIONS
        connections = GaugeMetricFamily(spec.name, spec.help, labels=_labels(spec))
        for state, number in zip(("used", "idle"), self._status(), strict=True):
            connections.add_metric([state], number)
        yield connections
        yield GaugeMetricFamily(POOL_LIMIT.name, POOL_LIMIT.help, self._limit)


def _labels(spec: MetricSpec) -> tuple[str, ...]:
    return tuple(label.name for label in spec.labels)


def _unit(spec: MetricSpec) -> str:
    """The unit as OpenMetrics knows it: only one that the name ends with."""
    return spec.unit if spec.name.removesuffix("_total").endswith(f"_{spec.unit}") else ""
