"""The catalogue is complete and clean: its page, its owners, and a scrape of the real service passes promtool."""

import os
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.platform import telemetry
from app.platform.settings import Database
from app.platform.telemetry.metrics.catalogue import CATALOGUE, PROCESS_METRICS, MetricSpec
from observability.catalogue.foreign import FOREIGN
from observability.catalogue.page import PAGE, page
from observability.catalogue.recorded import RECORDED
from tests.support.collector import dead
from tests.support.live import live_service
from tests.support.process import scrape
from tests.support.tools import require_tool

PLATFORM = Path(telemetry.__file__).parents[1]
EVERYTHING: tuple[MetricSpec, ...] = (
    *CATALOGUE,
    *PROCESS_METRICS,
    *RECORDED,
    *(spec for source in FOREIGN for spec in source.metrics),
)
OF_OPENTELEMETRY = "db_client_connection_count"
"""`db.client.connection.count` of the semantic conventions; promtool would keep the ending for histograms."""
UNITS = ("seconds", "bytes", "ratio")


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory, server: Database) -> str:
    """A scrape of a service that exports every metric: it fetches its keys from another one."""
    variables = {
        "SLIPWAY_FEATURES": "items",
        "SLIPWAY_SERVICES__USERS": dead(),
        "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": dead(),
    }
    with live_service(tmp_path_factory.mktemp("scraped"), server, **variables) as service:
        return scrape(service.metrics_port)


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text() == page(), "run `make generate`"


def test_each_metric_says_what_it_is_once() -> None:
    names = [spec.name for spec in EVERYTHING]
    assert len(set(names)) == len(names)
    for spec in EVERYTHING:
        assert spec.help.strip(), spec.name
        assert spec.unit.strip(), spec.name
        assert all(label.values for label in spec.labels), spec.name


def test_each_of_ours_has_an_owner_and_a_name_that_ends_as_its_kind_and_unit() -> None:
    for spec in CATALOGUE:
        assert (PLATFORM / spec.owner / "__init__.py").is_file(), spec.name
        assert (spec.kind == "counter") == spec.name.endswith("_total"), spec.name
        ends = [unit for unit in UNITS if spec.name.removesuffix("_total").endswith(f"_{unit}")]
        assert ends in ([], [spec.unit]), spec.name


def test_a_running_service_exports_the_catalogue_and_nothing_else(scraped: str) -> None:
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(scraped)
    }
    specs = {spec.name: spec for spec in (*CATALOGUE, *PROCESS_METRICS)}
    assert families.keys() == specs.keys()
    for name, family in families.items():
        assert family.type == specs[name].kind, name
        closed = {label.name: label.values for label in specs[name].labels}
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == closed.keys(), name
            for label, values in closed.items():
                assert isinstance(values, str) or sample.labels[label] in values, (name, label)


def test_promtool_accepts_the_metrics(scraped: str) -> None:
    """Of ours: `process_*` and `python_*` come from the library, which names its gauges differently."""
    promtool = os.environ.get("SLIPWAY_TEST_PROMTOOL") or require_tool("promtool")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=scraped, capture_output=True, text=True, check=False, timeout=60
    )
    ours = {spec.name for spec in CATALOGUE}
    output = (done.stdout + done.stderr).splitlines()
    assert [line.split(" ", 1)[0] for line in output if line.split(" ", 1)[0] in ours] == [OF_OPENTELEMETRY], output
    assert done.returncode in {0, 3}, output
