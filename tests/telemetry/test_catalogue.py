"""The catalogue and what is exported are the same, and neither grows without a bound."""

import subprocess
import sys
from pathlib import Path

from prometheus_client import Metric, generate_latest

from app.platform.settings import Service
from app.platform.telemetry.metrics.catalogue import (
    CATALOGUE,
    OVERFLOW_ROUTE,
    PROCESS_METRICS,
    REQUEST_DURATION,
)
from app.platform.telemetry.metrics.instruments import MAX_SERIES, Metrics
from app.platform.telemetry.metrics.labels import TOKEN_CACHE
from app.platform.telemetry.metrics.observers import PoolState
from tests.support.served import openmetrics

DURATION = REQUEST_DURATION.name


def everything() -> Metrics:
    """Metrics with something in each of them."""
    metrics = Metrics(Service(name="sample", version="1.2.3", revision="abc"), traced=True)
    metrics.prepare([("GET", "/items", 200)])
    metrics.active_websockets("/sockets").inc()
    metrics.database(lambda: PoolState(used=3, idle=4, waiting=0, limit=10))
    metrics.cache(TOKEN_CACHE)
    metrics.client("users")
    metrics.revocations(lambda: 2.5)
    metrics.show_features(["items"])
    metrics.show_configuration("0a1b2c3d")
    return metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    """What a scrape shows, by the names of the catalogue."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family for family in metrics.registry.collect()
    }


def test_the_catalogue_is_what_is_exported() -> None:
    found = families(everything())
    specs = {spec.name: spec for spec in (*CATALOGUE, *PROCESS_METRICS)}
    assert found.keys() == specs.keys()
    for name, spec in specs.items():
        labels = {label for sample in found[name].samples for label in sample.labels} - {"le"}
        bounds = {sample.labels["le"] for sample in found[name].samples if "le" in sample.labels} - {"+Inf"}
        assert found[name].type == spec.kind, name
        assert sorted(map(float, bounds)) == list(spec.buckets), name
        assert labels == {label.name for label in spec.labels}, name
    for spec in CATALOGUE:
        assert found[spec.name].documentation == spec.help
        assert found[spec.name].unit in {spec.unit, ""}


def test_both_formats_of_a_scrape_are_well_formed() -> None:
    metrics = everything()
    metrics.observe_request("GET", "/items", 200, 0.1, {"trace_id": "1" * 32})
    assert openmetrics(metrics.registry).endswith("# EOF\n")
    assert f'{DURATION}_count{{http_request_method="GET"' in generate_latest(metrics.registry).decode()
    assert '# {trace_id="11111111111111111111111111111111"} 0.1' in openmetrics(metrics.registry)


def test_label_values_come_from_the_sets_that_the_catalogue_names() -> None:
    metrics = everything()
    for method in ("GET", "BREW", "get"):
        metrics.observe_request(method, "/items", 200, 0.1)
    closed = {
        (spec.name, label.name): label.values
        for spec in CATALOGUE
        for label in spec.labels
        if isinstance(label.values, tuple)
    }
    for name, family in families(metrics).items():
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert value in closed.get((name, label), {value})
    assert {label for _, label in closed} == {
        "cache",
        "db_client_connection_state",
        "db_operation_name",
        "error_type",
        "http_request_method",
        "level",
        "outcome",
        "reason",
        "result",
        "setting",
    }


def test_no_created_series_doubles_what_is_stored() -> None:
    assert b"_created" not in generate_latest(everything().registry)


def test_series_over_the_limit_are_booked_together_and_counted() -> None:
    metrics = everything()
    for number in range(MAX_SERIES + 10):
        metrics.observe_request("GET", f"/made/up/{number}", 200, 0.1)
    value = metrics.registry.get_sample_value
    labels = {
        "http_request_method": "_OTHER",
        "http_route": OVERFLOW_ROUTE,
        "http_response_status_code": "200",
    }
    # Four were there before: the route and the unmatched one, each with its success and its 500.
    assert value(f"{DURATION}_count", labels) == 14
    assert value("metrics_series_overflow_total") == 14
    used = [sample for family in metrics.registry.collect() for sample in family.samples]
    assert sum(sample.name == f"{DURATION}_count" for sample in used) == MAX_SERIES + 1


def test_a_pool_is_asked_when_it_is_scraped() -> None:
    used = [1]
    metrics = Metrics(Service(), traced=False)
    metrics.database(lambda: PoolState(used=used[0], idle=0, waiting=2, limit=10))
    used[0] = 7
    value = metrics.registry.get_sample_value
    assert value("db_client_connection_count", {"db_client_connection_state": "used"}) == 7
    assert value("db_client_connection_max") == 10
    assert value("db_client_connection_pending_requests") == 2


def test_two_applications_of_a_process_do_not_share_metrics() -> None:
    first, second = everything(), everything()
    first.observe_request("GET", "/items", 200, 0.1)
    labels = {"http_request_method": "GET", "http_route": "/items", "http_response_status_code": "200"}
    assert first.registry.get_sample_value(f"{DURATION}_count", labels) == 1
    assert second.registry.get_sample_value(f"{DURATION}_count", labels) == 0


WORKERS = """
import os, signal, time
from prometheus_client import generate_latest
from prometheus_client.multiprocess import mark_process_dead
from app.platform.settings import Service
from app.platform.telemetry.metrics.instruments import Metrics

children = []
for _ in range(2):
    ready, done = os.pipe()
    child = os.fork()
    if not child:
        metrics = Metrics(Service(), traced=False)
        for _ in range(4):
            metrics.active_requests.inc()
        metrics.observe_request("GET", "/items", 200, 0.1)
        os.write(done, b"x")
        time.sleep(60)
    os.read(ready, 1)
    children.append(child)
metrics = Metrics(Service(), traced=False)
print(generate_latest(metrics.registry).decode())
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    mark_process_dead(child)
print(generate_latest(metrics.registry).decode())
"""


def test_killed_workers_leave_no_active_requests_behind(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", WORKERS]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    active = [line for line in output.splitlines() if line.startswith("http_server_active_requests ")]
    assert active == ["http_server_active_requests 8.0", "http_server_active_requests 0.0"]
    counts = [line for line in output.splitlines() if line.startswith(f"{DURATION}_count")]
    assert len(counts) == 2, "one series for both workers, before and after"
    assert all(line.endswith(" 2.0") for line in counts)
