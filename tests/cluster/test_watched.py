"""A real kubelet answers the Kubernetes dashboard: what comes from cAdvisor and from the probes.

What kube-state-metrics says is not in the cluster; samples with its names, of the pods that run here, stand for it.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from observability.dashboards.boards import DASHBOARDS
from observability.dashboards.grafana import document
from observability.dashboards.live import Gap, Prometheus, Span, gaps
from observability.preview.cluster import DEPLOYMENT, NAMESPACE, PODS, kube_state_metrics
from observability.preview.prometheus import running_prometheus
from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import VISITORS, Visitor
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release
from tests.support.answering import answering
from tests.support.tools import require_tool
from tests.support.waiting import free_port

SCRAPE_SECONDS = 5
LONGEST = 150.0
HISTORY = 120.0
WITHIN = 0.2
"""The two are not read at the same moment."""
MEMORY = "container_memory_working_set_bytes"


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    limited = {"resources": SMALL, "containerSpec": {"resources": {"limits": {"cpu": "1"}}}}  # or nothing is throttled
    values = {
        **image_values(images.first),
        "components": {"api": limited},
        "networkPolicy": {"scrapers": {"visitor": VISITORS}},
    }
    return install_example("minimal", namespace, postgres, values)


def test_the_kubernetes_dashboard_shows_what_the_kubelet_says(
    shop: Release, cluster: Cluster, visitor: Visitor, tmp_path: Path, figures: Figures
) -> None:
    require_tool("prometheus", demanded=False)
    (dashboard,) = [document(one, DASHBOARDS) for one in DASHBOARDS if one.uid == "slipway-kubernetes"]
    kubelet, pod, ours = Kubelet(cluster, shop), shop.pods()[0], shop.namespace.name
    began = time.monotonic()

    def samples() -> str:
        said = kube_state_metrics(time.monotonic() - began, breath=20)
        theirs = {
            PODS[0]: pod.name,
            f'"{DEPLOYMENT}"': f'"{pod.name.rsplit("-", 2)[0]}"',
            f'"{NAMESPACE}"': f'"{ours}"',
        }
        for sample, real in theirs.items():
            said = said.replace(sample, real)
        return said

    said: dict[str, Callable[[], str]] = {
        "/cadvisor": kubelet.cadvisor,
        "/probes": lambda: kubelet.says("probes"),
        "/kube-state-metrics": samples,
        "/pod": lambda: visitor.get(f"http://{pod.address}:9464/metrics").body,
    }
    missing: list[Gap] = []
    with passing_on(said) as port:
        jobs = [_job(path, port, {"namespace": ours, "pod": pod.name} if path == "/pod" else {}) for path in said]
        asked: dict[str, object] = {"global": {"scrape_interval": f"{SCRAPE_SECONDS}s"}, "scrape_configs": jobs}
        with running_prometheus(tmp_path / "prometheus", free_port(), asked, {}) as address:
            prometheus = Prometheus(address)

            def all_answered() -> bool:
                missing[:] = [
                    gap
                    for gap in gaps(prometheus, dashboard, _last(HISTORY))
                    if kubelet.knows_networks or gap.where != "panel Network"
                ]
                return not missing

            while not all_answered() and time.monotonic() < began + LONGEST:
                time.sleep(2)
            (memory,) = prometheus.range(f'sum({MEMORY}{{container="slipway",pod="{pod.name}"}})', _last(0))
            throttled = prometheus.range(
                f'container_cpu_cfs_periods_total{{container="slipway",pod="{pod.name}"}}', _last(0)
            )
    assert [(gap.where, gap.problem) for gap in missing] == []
    assert throttled, "its limit is watched"
    shown, resource = float(memory["values"][-1][1]), kubelet.memory_of("slipway", pod.name)
    assert math.isclose(shown, resource, rel_tol=WITHIN), "what the kubelet's other endpoint says"
    figures.add(
        f"all panels answered after {time.monotonic() - began:.0f} s, memory {shown / 2**20:.0f} MiB; "
        f"containers named by {'cAdvisor' if kubelet.names_containers else 'their ids'}, "
        f"network {'known' if kubelet.knows_networks else 'unknown to this cAdvisor: its panel is left out'}"
    )


class Kubelet:
    """The node's, over the API server."""

    def __init__(self, cluster: Cluster, shop: Release) -> None:
        self._cluster, self._shop = cluster, shop
        (node, *_) = [one["metadata"]["name"] for one in cluster.ask("GET", "/api/v1/nodes")["items"]]
        self._path = f"/api/v1/nodes/{node}/proxy/metrics"
        text = self.says("cadvisor")
        self.names_containers = re.search(r'^container_[a-z_]+\{.*container="[^"]', text, re.MULTILINE) is not None
        self.knows_networks = re.search(r'^container_network_.*pod="[^"]', text, re.MULTILINE) is not None

    def says(self, what: str) -> str:
        """One of its expositions."""
        return self._cluster.text(f"{self._path}/{what}")

    def cadvisor(self) -> str:
        """cAdvisor's values. One that does not know the runtime has ids without names; the API server knows both."""
        text = self.says("cadvisor")
        if self.names_containers:
            return text
        pods = self._cluster.ask("GET", f"/api/v1/namespaces/{self._shop.namespace.name}/pods")["items"]
        for pod in pods:
            for container in pod["status"]["containerStatuses"]:
                number = container["containerID"].rpartition("/")[2]
                labels = f'pod="{pod["metadata"]["name"]}",namespace="{self._shop.namespace.name}"'
                of_it = re.compile(rf'^(.*)container="",(.*id="[^"]*/{number}",.*)namespace="",pod=""', re.MULTILINE)
                text = of_it.sub(rf'\1container="{container["name"]}",\2{labels}', text)
        return text

    def memory_of(self, container: str, pod: str) -> float:
        """The working set, in bytes."""
        of_it = rf'^{MEMORY}\{{container="{container}",[^}}]*pod="{pod}"\}} (\S+)'
        found = re.search(of_it, self.says("resource"), re.MULTILINE)
        assert found, f"nothing is known of {pod}"
        return float(found[1])


def _last(seconds: float) -> Span:
    now = time.time()
    return Span(now - seconds, now, step=SCRAPE_SECONDS, scrape=SCRAPE_SECONDS)


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

    with answering(Handler) as port:
        yield port
