"""The chart as a Prometheus Operator would read it: monitors become scrape jobs, rules become files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import yaml

from tests.support.rendering import COMPONENT, NAMESPACE, Object, Rendered, rendered

SCRAPE_SECONDS = 2
"""Each second would take all of two slow cores, and scrapes would fail that are not meant to."""
SPEEDUP = 30
"""An hour of the rules takes two minutes; what they count in 5 minutes they then count in 10 seconds.

Rules of all processes at once are read from a million samples: much faster than this, and a slow machine skips some.
"""
LATE_SECONDS = 1.0
"""The objective's threshold here: 250 ms is too short where fifteen processes share two cores."""

ELSEWHERE = {"payments": "billing", "default": "slipway-2"}
"""Releases by their namespaces: the well process stands for those too, whose dashboards must not be empty."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Process:
    """What stands for a pod: where its metrics are, and its name."""

    metrics_port: int
    pod: str


@cache
def release(components: tuple[str, ...], name: str = "slipway", namespace: str = NAMESPACE) -> Rendered:
    """The chart with these components, and all of its monitoring."""
    settings = [f"components.{name}.replicas=1" for name in components]
    return rendered(
        "minimal",
        *settings,
        "monitoring.rules.enabled=true",
        # Its 90 seconds are three here: two scrapes that took longer than they may, on a busy machine.
        "monitoring.rules.alerts.SlipwayServiceDown.for=5m",
        f"monitoring.rules.objectives.latencySeconds={LATE_SECONDS}",
        "monitoring.serviceMonitor.enabled=true",
        f"monitoring.serviceMonitor.interval={SCRAPE_SECONDS}s",
        release=name,
        namespace=namespace,
    )


def rules(*charts: Rendered) -> dict[str, str]:
    """Each PrometheusRule as a file, `SPEEDUP`."""
    resources = [resource for chart in charts for resource in chart.kind("PrometheusRule")]
    files = {
        f"{resource['metadata']['namespace']}-{resource['metadata']['name']}": yaml.safe_dump(resource["spec"])
        for resource in resources
    }
    return {f"{name}.yaml": _with_shorter_times(text) for name, text in files.items()}


def _with_shorter_times(text: str) -> str:
    """The same rules with shorter times; the windows in the names of recorded series stay."""

    def shorter(duration: re.Match[str]) -> str:
        return f"{int(duration[1]) * _SECONDS[duration[2]] * 1000 // SPEEDUP}ms"

    return re.sub(r"(?<![:\w.])(\d+)([smhdw])\b", shorter, text)


def scrape_jobs(chart: Rendered, processes: Mapping[str, Sequence[Process]]) -> list[Object]:
    """The scrape jobs of the ServiceMonitors, for the processes of each component.

    A monitor selects Services, a Service selects pods, and both name ports: a broken reference fails here.
    """
    jobs: list[Object] = []
    for monitor in chart.kind("ServiceMonitor"):
        (service,) = [
            candidate
            for candidate in chart.kind("Service")
            if _selects(monitor["spec"]["selector"]["matchLabels"], candidate["metadata"])
        ]
        (pod,) = [
            deployment
            for deployment in chart.kind("Deployment")
            if _selects(service["spec"]["selector"], _template(deployment)["metadata"])
        ]
        (endpoint,) = monitor["spec"]["endpoints"]
        (port,) = [port for port in service["spec"]["ports"] if port["name"] == endpoint["port"]]
        (container,) = [
            candidate
            for candidate in _template(pod)["spec"]["containers"]
            if port["targetPort"] in {open_port["name"] for open_port in candidate["ports"]}
        ]
        name = service["metadata"]["name"]
        labels = {
            "namespace": service["metadata"]["namespace"],
            "service": name,
            "endpoint": port["name"],
            "container": container["name"],
        }
        jobs.append(
            {
                "job_name": name,
                "scrape_interval": endpoint["interval"],
                "scrape_timeout": endpoint["interval"],
                "static_configs": [
                    {"targets": [f"127.0.0.1:{process.metrics_port}"], "labels": {**labels, "pod": process.pod}}
                    for process in processes[service["metadata"]["labels"][COMPONENT]]
                ],
            }
        )
    return jobs


def job(component: str) -> str:
    """What Prometheus calls the processes of a component."""
    return f"slipway-{component}"


def labels_of(component: str) -> dict[str, str]:
    """What every series of a component has, and its alerts."""
    return {"namespace": NAMESPACE, "job": job(component)}


def _template(deployment: Object) -> Object:
    template: Object = deployment["spec"]["template"]
    return template


def _selects(selector: Mapping[str, str], metadata: Object) -> bool:
    return selector.items() <= metadata["labels"].items()
