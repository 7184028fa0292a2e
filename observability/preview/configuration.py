"""The scrape configuration of the preview's Prometheus, like that of a ServiceMonitor, and the chart's rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .cluster import DEPLOYMENT, NAMESPACE

RULES = Path(__file__).parents[2] / "charts/slipway/files/rules"
JOB = DEPLOYMENT
SCRAPE_SECONDS = 5

_VALUES = {
    "workloads": JOB,
    "component": JOB,
    "namespace": NAMESPACE,
    "runbooks": "https://runbooks.example.com",
    "grafana": "https://grafana.example.com",
    "availability": "0.999",
    "latency": "0.99",
    "latencySeconds": "0.25",
    "slowRoutes": "",
}
"""As the chart's values have them."""


@dataclass(frozen=True, slots=True)
class Target:
    """A process to scrape, and the pod that it stands for."""

    port: int
    pod: str


def configuration(targets: Iterable[Target], page: int) -> dict[str, object]:
    """The scrape configuration, without rules; `page` is the port of `page.serving`, which has the sample metrics."""
    labels = [({"namespace": NAMESPACE, "pod": target.pod}, f"127.0.0.1:{target.port}") for target in targets]
    every = f"{SCRAPE_SECONDS}s"
    own = {
        "job_name": JOB,
        "static_configs": [{"targets": [address], "labels": pod} for pod, address in labels],
    }
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "scrape_configs": [own, *cluster_jobs(page)],
    }


def cluster_jobs(page: int) -> list[dict[str, object]]:
    """Scrapes the samples of a cluster, as kube-prometheus scrapes a cluster."""
    return [
        {
            "job_name": exporter,
            "metrics_path": f"/cluster/{exporter}",
            "honor_labels": True,
            "static_configs": [{"targets": [f"127.0.0.1:{page}"]}],
        }
        for exporter in ("kube-state-metrics", "kubelet")
    ]


def rules() -> dict[str, str]:
    """The rules of the chart, for this job and namespace; those of a single route are left out, since none is set."""
    filled: dict[str, str] = {}
    for path in sorted(RULES.glob("*.yaml")):
        text = path.read_text()
        for name, value in _VALUES.items():
            text = text.replace(f"%{{{name}}}", value)
        if "%{" not in text:
            filled[path.name] = text
    return filled
