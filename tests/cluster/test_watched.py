"""A real kubelet answers the Kubernetes dashboard: what comes from cAdvisor and from the probes.

What kube-state-metrics says is left out, since it is not in the cluster; samples stand for it in
`tests/observability/live`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from observability.catalogue.foreign import KUBE_STATE_METRICS
from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import document
from observability.dashboards.live import Gap, Prometheus, Span, gaps
from observability.preview.prometheus import running_prometheus
from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import Visitor
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release
from tests.server.process import free_port
from tests.support.tools import require_tool

SCRAPE_SECONDS = 15
"""cAdvisor looks every ten to fifteen seconds."""
LONGEST = 180.0
HISTORY = 170.0


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    limited = {"resources": SMALL, "containerSpec": {"resources": {"limits": {"cpu": "1"}}}}  # or nothing is throttled
    return install_example(
        "minimal", namespace, postgres, {**image_values(images.first), "components": {"api": limited}}
    )


def test_every_query_that_cadvisor_and_the_probes_answer_has_an_answer(
    shop: Release, cluster: Cluster, visitor: Visitor, tmp_path: Path, figures: Figures
) -> None:
    require_tool("prometheus", demanded=False)
    (dashboard,) = [document(one, DASHBOARDS) for one in DASHBOARDS if one.uid == "slipway-kubernetes"]
    (node, *_) = [one["metadata"]["name"] for one in cluster.ask("GET", "/api/v1/nodes")["items"]]
    pod = shop.pods()[0]
    said: dict[str, Callable[[], str]] = {
        "/cadvisor": lambda: cluster.text(f"/api/v1/nodes/{node}/proxy/metrics/cadvisor"),
        "/probes": lambda: cluster.text(f"/api/v1/nodes/{node}/proxy/metrics/probes"),
        "/pod": lambda: visitor.get(f"http://{pod.address}:9464/metrics").body,
    }
    missing: list[Gap] = []
    with passing_on(said) as port:
        ours = {"namespace": shop.namespace.name, "pod": pod.name}
        jobs = [_job(path, port, ours if path == "/pod" else {}) for path in said]
        asked: dict[str, object] = {"global": {"scrape_interval": f"{SCRAPE_SECONDS}s"}, "scrape_configs": jobs}
        with running_prometheus(tmp_path / "prometheus", free_port(), asked, {}) as address:
            prometheus, begun = Prometheus(address), time.monotonic()

            def all_answered() -> bool:
                now = time.time()
                span = Span(now - HISTORY, now, step=SCRAPE_SECONDS, scrape=SCRAPE_SECONDS)
                missing[:] = gaps(prometheus, dashboard, span, frozenset({KUBE_STATE_METRICS.program}))
                return not missing

            while not all_answered() and time.monotonic() < begun + LONGEST:
                time.sleep(5)
    # It would take a new pod to see when one ended.
    assert [(gap.where, gap.query, gap.problem) for gap in missing if not gap.where.startswith("annotation")] == []
    figures.add(f"all were answered after {time.monotonic() - begun:.0f} s of scrapes")


def _job(path: str, port: int, labels: Mapping[str, str]) -> dict[str, object]:
    target = {"targets": [f"127.0.0.1:{port}"], "labels": dict(labels)}
    return {"job_name": path.strip("/"), "metrics_path": path, "honor_labels": True, "static_configs": [target]}


@contextmanager
def passing_on(said: Mapping[str, Callable[[], str]]) -> Generator[int]:
    """Serves what the cluster says at these paths, on a port of this machine."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with one_at_a_time:
                body = said[self.path]().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
