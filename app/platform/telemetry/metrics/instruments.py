"""The metrics of one application, built from the catalogue on a registry of their own."""

import os
import platform
from collections.abc import Callable, Iterable
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from ...settings import Service
from . import catalogue
from .catalogue import METHODS, OTHER_METHOD, OVERFLOW_ROUTE, UNMATCHED_ROUTE
from .families import CallbackCollector, MetricFamilies
from .labels import OPERATIONS, OTHER_OPERATION, CallError, LogLevel, Override, ShedReason, StatementError
from .observers import CacheObserver, ClientObserver, DatabaseObserver, PoolState

MAX_SERIES = 1000
"""Combinations of labels of the request histogram; each is 17 lines of a scrape."""


class Metrics:
    """Counts and times what one application does; `registry` is what a scrape reads.

    With `PROMETHEUS_MULTIPROC_DIR` set (before prometheus_client is imported) the registry merges the files of
    all workers; it has no exemplars then, no `process_*` and no `python_*`.
    """

    def __init__(self, service: Service, *, traced: bool) -> None:
        self.registry = CollectorRegistry()
        self._ours = ours = MetricFamilies()
        self._several_workers = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if self._several_workers:
            MultiProcessCollector(self.registry)
        else:
            self.registry.register(ours)
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        self._durations = ours.histogram(catalogue.REQUEST_DURATION)
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._overflow = ours.counter(catalogue.SERIES_OVERFLOW)
        self._websockets = ours.gauge(catalogue.ACTIVE_WEBSOCKETS)
        self.active_requests = ours.gauge(catalogue.ACTIVE_REQUESTS)
        self.connections = ours.gauge(catalogue.CONNECTIONS)
        self._shed = ours.counter(catalogue.SHED)
        self.loop_lag = ours.histogram(catalogue.LOOP_LAG)
        lines = ours.counter(catalogue.LOG_LINES)
        self.count_line = {level: lines.labels(level).inc for level in get_args(LogLevel)}
        """What counts a log line, by its level."""
        self.log_lines_dropped = ours.counter(catalogue.LOG_LINES_DROPPED)
        self._overrides = ours.gauge(catalogue.OVERRIDES)
        if traced:
            spans = ours.counter(catalogue.SPANS)
            self.spans_ended, self.spans_exported, self.spans_failed, self.spans_dropped = (
                spans.labels(outcome) for outcome in ("ended", "exported", "failed", "dropped")
            )
        build = ours.gauge(catalogue.BUILD_INFO)
        build.labels(service.version, service.revision, platform.python_version()).set(1)

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

    def count_shed(self, reason: ShedReason) -> None:
        """Books a request that was refused to protect the service."""
        self._shed.labels(reason).inc()

    def show_override(self, setting: Override, *, active: bool) -> None:
        """Says that a setting was changed for a while, or that it is as configured again."""
        self._overrides.labels(setting).set(active)

    def show_configuration(self, name: str) -> None:
        """Exports under which configuration this process runs."""
        self._ours.gauge(catalogue.CONFIG_INFO).labels(name).set(1)

    def show_features(self, names: Iterable[str]) -> None:
        """Exports which features run in this process."""
        features = self._ours.gauge(catalogue.FEATURE_INFO)
        for name in names:
            features.labels(name).set(1)

    def cache(self, name: str) -> CacheObserver:
        """Exports a cache of this name, which the catalogue has."""
        requests = self._ours.counter(catalogue.CACHE_REQUESTS)
        return CacheObserver(requests.labels(name, "hit").inc, requests.labels(name, "miss").inc)

    def client(self, peer: str) -> ClientObserver:
        """Exports the calls to a peer, which the catalogue has."""
        durations = self._ours.histogram(catalogue.CLIENT_DURATION)
        for status, error in (("200", ""), ("", "connection"), ("", "timeout"), ("500", "status"), ("503", "status")):
            durations.labels(peer, status, error)

        def called(status: int, error: CallError, seconds: float) -> None:
            durations.labels(peer, str(status) if status else "", error).observe(seconds)

        return ClientObserver(called)

    def revocations(self, age: Callable[[], float]) -> None:
        """Exports how old what is known of revoked tokens is; not of several workers, as the state of a pool."""
        if not self._several_workers:
            self.registry.register(CallbackCollector(lambda: [(catalogue.REVOCATIONS_AGE, (), age())]))

    def database(self, state: Callable[[], PoolState]) -> DatabaseObserver:
        """Exports a database and its pool: each scrape asks for its state, in the thread of the scrape.

        Several workers that share a port do not export the state: a scrape reaches only one of them.
        """
        if not self._several_workers:
            self.registry.register(CallbackCollector(lambda: _pool(state())))
        durations = self._ours.histogram(catalogue.STATEMENT_DURATION)
        waits, timeouts = self._ours.histogram(catalogue.POOL_WAIT), self._ours.counter(catalogue.POOL_TIMEOUTS)
        children = {
            (operation, error): durations.labels(operation, error).observe
            for operation in (*OPERATIONS, OTHER_OPERATION)
            for error in get_args(StatementError)
        }

        def ran(operation: str, error: StatementError, seconds: float) -> None:
            children[operation if operation in OPERATIONS else OTHER_OPERATION, error](seconds)

        return DatabaseObserver(waits.observe, timeouts.inc, ran)

    def _series(self, method: str, route: str, status: int) -> Histogram:
        key = (method, route, status)
        if key not in self._requests and len(self._requests) >= MAX_SERIES:
            self._overflow.inc()
            return self._durations.labels(OTHER_METHOD, OVERFLOW_ROUTE, str(status))
        series = self._requests[key] = self._durations.labels(method, route, str(status))
        return series


def _pool(state: PoolState) -> list[tuple[catalogue.MetricSpec, tuple[str, ...], float]]:
    return [
        (catalogue.POOL_CONNECTIONS, ("used",), state.used),
        (catalogue.POOL_CONNECTIONS, ("idle",), state.idle),
        (catalogue.POOL_LIMIT, (), state.limit),
        (catalogue.POOL_PENDING, (), state.waiting),
    ]
