"""Metrics that are pushed are those that are scraped, whoever takes them."""

from __future__ import annotations

import math
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, ResourceMetrics
from prometheus_client import Metric as PrometheusMetric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families,  # pyright: ignore[reportUnknownVariableType] - it has types for a part of it
)
from pydantic import ValidationError

from app.platform.settings import Database, Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry.counts import PoolState
from app.platform.telemetry.metrics import Metrics
from app.platform.telemetry.push import MetricsPush
from observability.dashboards.live import Prometheus, Span
from observability.preview.prometheus import VARIABLE, running_prometheus
from tests.support.live import live_service
from tests.support.tools import not_run_here
from tests.support.waiting import free_port, until
from tests.telemetry.collector import Collector, collecting, hanging, values
from tests.telemetry.served import openmetrics

Series = tuple[str, frozenset[tuple[str, str]]]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUESTS = "http_server_request_duration_seconds_count"


def settings(endpoint: str, seconds: float = 3600) -> Settings:
    return Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=endpoint, push_seconds=seconds))


def some_metrics() -> Metrics:
    """Of each kind some, used and unused."""
    metrics = Metrics(Settings(environment="test").service, traced=True)
    metrics.prepare([("GET", "/items", 200)])
    for seconds in (0.0001, 0.02, 0.02, 100):
        metrics.observe_request("GET", "/items", 200, seconds, {"trace_id": TRACE, "span_id": SPAN})
    metrics.database(lambda: PoolState(used=2, idle=1, waiting=0, limit=10)).ran("SELECT", "", 0.01)
    metrics.client("users")
    metrics.cache("tokens").hit()
    return metrics


def pushed(resources: Iterable[ResourceMetrics]) -> dict[Series, float]:
    """The series of a push, by the names and labels that Prometheus has for them; the newest value counts."""
    found: dict[Series, float] = {}
    for resource in resources:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found.update(_series(metric))
    return found


def _series(metric: Metric) -> Iterator[tuple[Series, float]]:
    for point in (*metric.sum.data_points, *metric.gauge.data_points):
        yield (metric.name, _labels(values(point.attributes))), point.as_double
    for histogram in metric.histogram.data_points:
        labels = values(histogram.attributes)
        yield (f"{metric.name}_count", _labels(labels)), histogram.count
        yield (f"{metric.name}_sum", _labels(labels)), histogram.sum
        below = 0
        bounds = [*(repr(bound) for bound in histogram.explicit_bounds), "+Inf"]
        for bound, count in zip(bounds, histogram.bucket_counts, strict=True):
            below += count
            yield (f"{metric.name}_bucket", _labels({**labels, "le": bound})), below


def _labels(labels: dict[str, str | int]) -> frozenset[tuple[str, str]]:
    return frozenset((name, str(value)) for name, value in labels.items())


def scraped(text: str) -> dict[Series, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def points(collector: Collector) -> dict[str, list[HistogramDataPoint]]:
    """The data points of the histograms."""
    return {
        metric.name: list(metric.histogram.data_points)
        for resource in collector.metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_what_is_pushed_is_what_is_scraped() -> None:
    metrics = some_metrics()
    with collecting() as collector:
        MetricsPush(settings(collector.endpoint), metrics.of_this_process).close()
        by_scrape = scraped(openmetrics(metrics.registry))
    by_push = pushed(collector.metrics)
    assert by_push.keys() == by_scrape.keys()
    assert len(by_push) > 200
    for (name, labels), value in by_scrape.items():
        # What the process uses moves between the two.
        if not name.startswith(("process_", "python_")):
            assert math.isclose(by_push[name, labels], value, rel_tol=1e-9), (name, labels)


def test_a_total_says_since_when_and_an_observation_of_which_trace_it_was() -> None:
    begun = time.time_ns()
    with collecting() as collector:
        MetricsPush(settings(collector.endpoint), some_metrics().of_this_process).close()
    of_requests = points(collector)["http_server_request_duration_seconds"]
    (seen,) = [one for one in of_requests if one.count]
    assert begun < seen.start_time_unix_nano <= seen.time_unix_nano < time.time_ns()
    assert {(one.trace_id.hex(), one.span_id.hex()) for one in seen.exemplars} == {(TRACE, SPAN)}
    assert {one.as_double for one in seen.exemplars} == {0.0001, 0.02, 100}
    assert not seen.HasField("min")
    assert not seen.HasField("max")
    (resource,) = collector.metrics
    described = values(resource.resource.attributes)
    assert (described["service.name"], described["deployment.environment.name"]) == ("slipway", "test")
    assert str(described["service.instance.id"]).endswith(f"-{os.getpid()}")


def test_it_is_pushed_again_and_again() -> None:
    with collecting() as collector:
        push = MetricsPush(settings(collector.endpoint, 1), some_metrics().of_this_process)
        until(lambda: len(collector.metrics) >= 2, "a second push")
        push.close()


def test_a_collector_that_hangs_does_not_hold_up_the_end() -> None:
    with hanging() as endpoint:
        push = MetricsPush(settings(endpoint, 1), some_metrics().of_this_process)
        time.sleep(1.2)
        begun = time.monotonic()
        push.close()
        assert time.monotonic() - begun < 4


def test_a_metric_that_cannot_be_read_fails_its_push_and_not_the_next() -> None:
    class Broken:
        reads = 0

        def collect(self) -> Iterator[PrometheusMetric]:
            self.reads += 1
            if self.reads == 1:
                raise RuntimeError("not now")
            yield from some_metrics().registry.collect()

    with collecting() as collector:
        push = MetricsPush(settings(collector.endpoint, 1), Broken())
        until(lambda: bool(collector.metrics), "the next push")
        push.close()


def test_a_push_without_a_collector_is_refused_with_what_to_set() -> None:
    with pytest.raises(ValidationError, match="set SLIPWAY_TELEMETRY__OTLP_ENDPOINT as well"):
        TelemetrySettings(push_seconds=30)


def test_the_service_pushes_its_last_requests_when_it_stops(tmp_path: Path, new_database: Database) -> None:
    with collecting() as collector:
        with live_service(tmp_path, new_database, **_pushing(collector.endpoint, 3600)) as service:
            for _ in range(3):
                assert service.answers("/nowhere")
            service.signal(signal.SIGTERM)
            assert service.wait() == 0
        nowhere = ("GET", "_unmatched", "404")
        assert pushed(collector.metrics)[_requests(*nowhere)] == 3


def test_each_worker_pushes_its_own_part_of_what_is_scraped(tmp_path: Path, new_database: Database) -> None:
    workers = ("--server", "gunicorn", "--workers", "2")
    with collecting() as collector:
        with live_service(tmp_path, new_database, *workers, **_pushing(collector.endpoint, 3600)) as service:
            until(lambda: len(service.children()) == 2, "both workers")
            for _ in range(20):
                assert service.answers("/nowhere")
            service.signal(signal.SIGTERM)
            assert service.wait() == 0
        nowhere = _requests("GET", "_unmatched", "404")
        counts = Counter[str]()
        for resource in collector.metrics:
            instance = str(values(resource.resource.attributes)["service.instance.id"])
            counts[instance] = int(pushed([resource]).get(nowhere, 0))
        assert len(counts) == 2
        assert counts.total() == 20


def test_a_prometheus_has_the_same_series_by_push_and_by_scrape(
    tmp_path: Path, new_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = os.environ.get("SLIPWAY_TEST_PROMETHEUS")
    if not program:
        not_run_here("prometheus 3", "SLIPWAY_TEST_PROMETHEUS names no program", demanded=False)
    monkeypatch.setenv(VARIABLE, program)
    port, started = free_port(), time.time()
    collector = f"http://127.0.0.1:{port}/api/v1/otlp"
    with live_service(tmp_path, new_database, **_pushing(collector, 1)) as service:
        scrape = {
            "job_name": "scraped",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{service.metrics_port}"]}],
        }
        asked: dict[str, object] = {"scrape_configs": [scrape]}
        with running_prometheus(tmp_path / "prometheus", port, asked, {}, "--web.enable-otlp-receiver") as address:
            for _ in range(50):
                assert service.answers("/nowhere")
            prometheus = Prometheus(address)

            def by(job: str) -> dict[Series, float]:
                now = time.time()
                span = Span(max(started, now - 10), now, step=1, scrape=1)
                return {
                    _without_target(one["metric"]): float(one["values"][-1][1])
                    for one in prometheus.range(f'{{job="{job}"}}', span)
                    if not one["metric"]["__name__"].startswith(("scrape_", "up", "target_info"))
                }

            nowhere = _requests("GET", "_unmatched", "404")
            until(lambda: by("scraped").get(nowhere) == by("slipway").get(nowhere) == 50, "the same in both")
            by_scrape, by_push = by("scraped"), by("slipway")
    assert by_push.keys() == by_scrape.keys()
    for (name, labels), value in by_scrape.items():
        if name.startswith("http_server_request"):
            assert math.isclose(by_push[name, labels], value, rel_tol=0.01), (name, labels)


def _pushing(endpoint: str, seconds: int) -> dict[str, str]:
    return {"SLIPWAY_TELEMETRY__OTLP_ENDPOINT": endpoint, "SLIPWAY_TELEMETRY__PUSH_SECONDS": str(seconds)}


def _requests(method: str, route: str, status: str) -> Series:
    labels = {"http_request_method": method, "http_route": route, "http_response_status_code": status}
    return REQUESTS, frozenset(labels.items())


def _without_target(labels: dict[str, str]) -> Series:
    """Prometheus writes a whole bound as `10` if it is pushed, and as `10.0` if it is scraped."""
    foreign = ("__name__", "job", "instance", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url")
    ours = {name: value for name, value in labels.items() if name not in foreign}
    if "le" in ours:
        ours["le"] = str(float(ours["le"]))
    return labels["__name__"], frozenset(ours.items())
