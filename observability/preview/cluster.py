"""Sample metrics of two pods, as kube-state-metrics 2.17 and a kubelet of Kubernetes 1.37 export them.

Names and labels are those of the versioned list in `observability/catalogue/foreign.py`; the numbers are made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

DEPLOYMENT = "slipway-api"
PODS = (f"{DEPLOYMENT}-6d9c8f7b54-k2x4q", f"{DEPLOYMENT}-6d9c8f7b54-m8w7z")
"""Names that a deployment would give them."""
NAMESPACE = "shop"
_CONTAINER = "slipway"
_MEBIBYTE = 2**20


def kube_state_metrics(seconds: float, cycle_seconds: float) -> str:
    """Its exposition, so many seconds after the start. The autoscaler's wish changes every `cycle_seconds`."""
    return text(_of_objects(seconds, cycle_seconds))


def kubelet(seconds: float) -> str:
    """Of cAdvisor and of the probes."""
    return text(_of_containers(seconds))


Sample = tuple[str, Mapping[str, str], float]


def text(samples: Iterator[Sample]) -> str:
    """The exposition of samples of our namespace."""
    lines: list[str] = []
    for name, labels, value in samples:
        written = ",".join(f'{label}="{text}"' for label, text in {"namespace": NAMESPACE, **labels}.items())
        lines.append(f"{name}{{{written}}} {value:g}\n")
    return "".join(sorted(lines))  # those of one metric together


def _of_objects(seconds: float, cycle_seconds: float) -> Iterator[Sample]:
    wanted = 2 + int(seconds / cycle_seconds) % 2
    for number, pod in enumerate(PODS):
        labels = {"pod": pod, "uid": f"00000000-0000-4000-8000-00000000000{number}"}
        container = {**labels, "container": _CONTAINER}
        yield "kube_pod_info", {**labels, "node": f"node-{number + 1}", "created_by_name": DEPLOYMENT}, 1
        yield "kube_pod_status_ready", {**labels, "condition": "true"}, 1
        yield "kube_pod_container_status_restarts_total", container, number
        for kind, cores, memory in (("requests", 0.25, 256), ("limits", 1, 512)):
            name = f"kube_pod_container_resource_{kind}"
            yield name, {**container, "resource": "cpu", "unit": "core"}, cores
            yield name, {**container, "resource": "memory", "unit": "byte"}, memory * _MEBIBYTE
    ended = {"pod": PODS[1], "uid": "00000000-0000-4000-8000-000000000001", "container": _CONTAINER}
    yield "kube_pod_container_status_last_terminated_reason", {**ended, "reason": "Error"}, 1
    yield "kube_deployment_spec_replicas", {"deployment": DEPLOYMENT}, wanted
    for state in ("replicas", "replicas_ready", "replicas_available", "replicas_updated"):
        yield f"kube_deployment_status_{state}", {"deployment": DEPLOYMENT}, 2
    scaler = {"horizontalpodautoscaler": DEPLOYMENT}
    for field, value in (("spec_min", 2), ("spec_max", 6), ("status_current", 2), ("status_desired", wanted)):
        yield f"kube_horizontalpodautoscaler_{field}_replicas", scaler, value
    for condition, holds in (("AbleToScale", 1), ("ScalingActive", 1), ("ScalingLimited", 0)):
        labels = {**scaler, "condition": condition, "status": "true"}
        yield "kube_horizontalpodautoscaler_status_condition", labels, holds
    budget = {"poddisruptionbudget": DEPLOYMENT}
    yield "kube_poddisruptionbudget_status_pod_disruptions_allowed", budget, 1


def _of_containers(seconds: float) -> Iterator[Sample]:
    for number, pod in enumerate(PODS):
        container = {"pod": pod, "container": _CONTAINER, "id": f"/kubepods/{number}", "image": "slipway", "name": pod}
        yield "container_cpu_usage_seconds_total", container, seconds * (0.11 + 0.02 * number)
        yield "container_cpu_cfs_periods_total", container, seconds * 10
        yield "container_cpu_cfs_throttled_periods_total", container, seconds * 0.2
        yield "container_memory_working_set_bytes", container, (142 + 9 * number) * _MEBIBYTE
        yield "container_spec_memory_limit_bytes", container, 512 * _MEBIBYTE
        network = {"pod": pod, "interface": "eth0", "id": f"/kubepods/{number}", "image": "", "name": ""}
        yield "container_network_receive_bytes_total", network, seconds * 9_000
        yield "container_network_transmit_bytes_total", network, seconds * 21_000
        for kind in ("Liveness", "Readiness"):
            probe = {"pod": pod, "container": _CONTAINER, "probe_type": kind}
            yield "prober_probe_total", {**probe, "result": "successful"}, int(seconds / 5)
            yield "prober_probe_total", {**probe, "result": "failed"}, 0
