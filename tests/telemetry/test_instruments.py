"""Each instrument moves under its fault: the event loop, spans, lines, caches, calls to others, and what runs."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from app.platform.auth.jwks import JwksClient
from app.platform.auth.tokens import TokenVerifier
from app.platform.settings import Database, Service, Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry.metrics.instruments import Metrics
from app.platform.telemetry.metrics.loop_lag import MAX_SAMPLES_PER_BLOCK, SAMPLE_INTERVAL_SECONDS, LoopLag
from app.platform.telemetry.tracing.export import MAX_EXPORT_BATCH_SIZE, MAX_QUEUE_SIZE, make_provider
from tests.support.collector import collecting, dead, hanging
from tests.support.forge import auth_settings, token
from tests.support.live import live_service
from tests.support.process import running, scrape
from tests.support.sample import BLOCKED_SECONDS
from tests.support.served import Served, eventually, openmetrics, serving
from tests.support.waiting import until

LAG = "event_loop_lag_seconds"


def sample(text: str, name: str) -> float:
    """The value of a series in a scrape; 0 without it."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def late(served: Served, seconds: str) -> float:
    """How many samples were later than this bucket, in one scrape: the loop goes on meanwhile."""
    text = openmetrics(served.telemetry.registry)
    return sample(text, f"{LAG}_count") - sample(text, f'{LAG}_bucket{{le="{seconds}"}}')


def test_a_blocked_event_loop_is_late(served: Served) -> None:
    eventually(lambda: served.value(f"{LAG}_count") > 5)
    before = late(served, "0.25")
    assert served.get("/api/blocks").status == 200
    # All that were due meanwhile are booked, not only the first: 0.5 s hold up five, two of them for a quarter.
    least = before + BLOCKED_SECONDS / SAMPLE_INTERVAL_SECONDS / 2 - 1
    eventually(lambda: late(served, "0.25") >= least)


async def test_a_process_that_slept_for_a_night_does_not_count_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    lag = LoopLag(seen.append)
    lag.start()
    lag.start()
    monkeypatch.setattr("app.platform.telemetry.metrics.loop_lag.perf_counter", lambda: time.perf_counter() + 36_000)
    while not seen:
        await asyncio.sleep(0.01)
    lag.stop()
    lag.stop()
    assert len(seen) == MAX_SAMPLES_PER_BLOCK + 1
    assert seen[0] > 35_000


def test_the_loop_of_each_worker_is_watched(tmp_path: Path) -> None:
    with running(tmp_path, "tests.server.service:app", "--server", "gunicorn", "--workers", "2") as service:
        until(lambda: sample(scrape(service.metrics_port), f"{LAG}_count") > 10, "the samples of the workers")
        text = scrape(service.metrics_port)
    assert 'log_lines_total{level="info"}' in text
    assert "db_client_connection_count" not in text, "a scrape reaches one worker, so no state of a pool"


def test_lines_are_counted_by_their_level(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        for path in ("/api/items/1", "/api/observed", "/api/fails"):
            served.get(path)
        eventually(lambda: sum(line["event"] == "request" for line in served.lines()) == 3)
        lines = served.lines()
        for level in ("debug", "info", "warning", "error", "critical"):
            written = sum(line["level"] == level for line in lines)
            assert served.value("log_lines_total", level=level) == written, level
        assert served.value("log_lines_total", level="error") == 2, "the exception and its access line"


def test_what_cannot_be_sent_is_dropped_and_every_span_is_accounted_for() -> None:
    spans = 3 * (MAX_QUEUE_SIZE + MAX_EXPORT_BATCH_SIZE)
    with hanging() as silent:
        settings = Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=silent))
        metrics = Metrics(Service(), traced=True)
        provider = make_provider(settings, metrics, lambda _: True)
        tracer = provider.get_tracer("test")
        begun = time.perf_counter()
        for _ in range(spans):
            tracer.start_span("one").end()
        assert time.perf_counter() - begun < 2, "nobody waits for the collector"
        assert outcome(metrics, "ended") == spans
        waiting = spans - outcome(metrics, "dropped") - outcome(metrics, "failed")
        assert MAX_QUEUE_SIZE <= waiting <= MAX_QUEUE_SIZE + 2 * MAX_EXPORT_BATCH_SIZE, "memory is bounded"
        provider.shutdown()
        tracer.start_span("late").end()
        # The batch that is under way ends when the time for it is over.
        eventually(lambda: outcome(metrics, "failed") + outcome(metrics, "dropped") == outcome(metrics, "ended"))
    assert outcome(metrics, "exported") == 0
    assert outcome(metrics, "failed") >= MAX_EXPORT_BATCH_SIZE


def test_a_dead_collector_fails_what_it_was_sent_and_one_that_is_back_gets_the_rest() -> None:
    metrics = Metrics(Service(), traced=True)
    settings = Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=dead()))
    provider = make_provider(settings, metrics, lambda _: True)
    for _ in range(MAX_EXPORT_BATCH_SIZE):
        provider.get_tracer("test").start_span("one").end()
    eventually(lambda: outcome(metrics, "failed") == MAX_EXPORT_BATCH_SIZE, 10)
    provider.shutdown()
    assert outcome(metrics, "exported") == 0
    with collecting() as collector:
        settings = Settings(environment="test", telemetry=TelemetrySettings(otlp_endpoint=collector.endpoint))
        provider = make_provider(settings, metrics, lambda _: True)
        for _ in range(MAX_EXPORT_BATCH_SIZE):
            provider.get_tracer("test").start_span("one").end()
        provider.shutdown()
        assert outcome(metrics, "exported") == MAX_EXPORT_BATCH_SIZE == len(collector.spans)


def outcome(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value("trace_spans_total", {"outcome": name}) or 0


def test_a_token_is_a_miss_and_then_a_hit() -> None:
    metrics = Metrics(Service(), traced=False)
    verifier = TokenVerifier(auth_settings(), observer=metrics.cache("tokens"))
    good = b"Bearer " + token()
    for header in (good, good, good, b"Bearer nonsense", b"Bearer nonsense", b"Basic abc"):
        verifier.authenticate(header)
    value = metrics.registry.get_sample_value
    assert value("cache_requests_total", {"cache": "tokens", "result": "hit"}) == 2
    assert value("cache_requests_total", {"cache": "tokens", "result": "miss"}) == 3


async def test_calls_to_another_process_are_told_apart() -> None:
    metrics = Metrics(Service(), traced=False)

    def called(status: str, error: str) -> float | None:
        labels = {"server_address": "users", "http_response_status_code": status, "error_type": error}
        return metrics.registry.get_sample_value("http_client_request_duration_seconds_count", labels)

    with collecting() as somebody_else:
        observer = metrics.client("users")
        for url in (dead(), somebody_else.endpoint):
            await JwksClient("users", url, observer=observer).refresh()
    assert (called("", "connection"), called("501", "status")) == (1, 1)
    assert called("200", "") == 0


def test_the_service_says_what_runs_and_begins_at_zero(tmp_path: Path, server: Database) -> None:
    variables = {"SLIPWAY_FEATURES": "items,users", "SLIPWAY_SERVICE__REVISION": "abc123"}
    with live_service(tmp_path, server, **variables) as service:
        text = scrape(service.metrics_port)
    assert sample(text, 'app_feature_info{feature="items"}') == 1
    assert sample(text, 'app_feature_info{feature="users"}') == 1
    assert re.search(r'^app_build_info\{.*revision="abc123",.*\} 1.0$', text, re.MULTILINE)
    for born in (
        'http_server_requests_shed_total{reason="draining"}',
        "db_client_connection_timeouts_total",
        'db_client_operation_duration_seconds_count{db_operation_name="SELECT",error_type="unavailable"}',
        'cache_requests_total{cache="tokens",result="hit"}',
        'telemetry_override_active{setting="log_level"}',
        'log_lines_total{level="critical"}',
    ):
        assert f"{born} 0.0" in text, born
