"""Metrics of other programs that rules, dashboards and runbooks may query, with the versions that export them."""

from dataclasses import dataclass

from app.platform.telemetry.metrics.catalogue import Label, MetricSpec

TARGET_LABELS = frozenset(
    {"cluster", "container", "endpoint", "instance", "job", "namespace", "node", "pod", "service"}
)
"""What scraping adds to every series; `cluster` only where the user's Prometheus has it as an external label."""


@dataclass(frozen=True, slots=True)
class Source:
    """A program, the versions of it that export these metrics, and the metrics."""

    program: str
    versions: str
    metrics: tuple[MetricSpec, ...]


def _gauge(name: str, unit: str, meaning: str, *labels: Label) -> MetricSpec:
    return MetricSpec(name, "gauge", unit, meaning, labels)


def _counter(name: str, unit: str, meaning: str, *labels: Label) -> MetricSpec:
    return MetricSpec(name, "counter", unit, meaning, labels)


PROMETHEUS = Source(
    "Prometheus",
    "2.42 to 3.16",
    (
        _gauge("up", "targets", "1 where the last scrape of a target worked."),
        _gauge("scrape_duration_seconds", "seconds", "How long the last scrape of a target took."),
        _gauge("scrape_samples_scraped", "samples", "Samples in the last scrape of a target."),
        _gauge("scrape_series_added", "series", "Series that the last scrape of a target was the first to have."),
        _gauge(
            "ALERTS",
            "alerts",
            "1 for each alert that is pending or fires.",
            Label("alertname", "names of the alerts"),
            Label("alertstate", ("firing", "pending")),
            Label("severity", ("page", "ticket")),
            Label("slo", "names of the objectives"),
        ),
    ),
)

_POD = (Label("uid", "id of the pod"),)
_DEPLOYMENT = (Label("deployment", "name of the deployment"),)
_HPA = (Label("horizontalpodautoscaler", "name of the autoscaler"),)
_PDB = (Label("poddisruptionbudget", "name of the budget"),)
_TRUTH = Label("status", ("true", "false", "unknown"))
_RESOURCE = (Label("resource", ("cpu", "memory")), Label("unit", ("core", "byte")))
_TERMINATED = Label("reason", "Completed, Error, OOMKilled, ContainerCannotRun, …")

KUBE_STATE_METRICS = Source(
    "kube-state-metrics",
    "2.10 to 2.17",
    (
        _gauge("kube_pod_info", "pods", "Always 1.", *_POD, Label("created_by_name", "owner of the pod")),
        _gauge(
            "kube_pod_status_phase",
            "pods",
            "1 for the phase that a pod is in.",
            *_POD,
            Label("phase", ("Pending", "Running", "Succeeded", "Failed", "Unknown")),
        ),
        _gauge("kube_pod_status_ready", "pods", "Is a pod ready?", *_POD, Label("condition", _TRUTH.values)),
        _counter("kube_pod_container_status_restarts_total", "restarts", "Restarts of a container.", *_POD),
        _gauge(
            "kube_pod_container_status_last_terminated_reason",
            "containers",
            "1 for the reason of a container's last end.",
            *_POD,
            _TERMINATED,
        ),
        _gauge(
            "kube_pod_container_status_waiting_reason",
            "containers",
            "1 for the reason that a container waits.",
            *_POD,
            Label("reason", "CrashLoopBackOff, ImagePullBackOff, CreateContainerConfigError, …"),
        ),
        _gauge("kube_pod_container_resource_limits", "cores or bytes", "Limit of a container.", *_POD, *_RESOURCE),
        _gauge("kube_pod_container_resource_requests", "cores or bytes", "Request of a container.", *_POD, *_RESOURCE),
        _gauge("kube_deployment_spec_replicas", "pods", "Pods that a deployment should have.", *_DEPLOYMENT),
        _gauge("kube_deployment_status_replicas", "pods", "Pods that a deployment has.", *_DEPLOYMENT),
        _gauge("kube_deployment_status_replicas_available", "pods", "Pods of it that are available.", *_DEPLOYMENT),
        _gauge("kube_deployment_status_replicas_ready", "pods", "Pods of it that are ready.", *_DEPLOYMENT),
        _gauge("kube_deployment_status_replicas_updated", "pods", "Pods of its newest template.", *_DEPLOYMENT),
        _gauge("kube_deployment_status_replicas_unavailable", "pods", "Pods that it still lacks.", *_DEPLOYMENT),
        _gauge(
            "kube_deployment_status_condition",
            "deployments",
            "1 for the state of a condition of a deployment.",
            *_DEPLOYMENT,
            Label("condition", ("Available", "Progressing", "ReplicaFailure")),
            Label("reason", "from version 2.14 on: ProgressDeadlineExceeded, …"),
            _TRUTH,
        ),
        _gauge("kube_horizontalpodautoscaler_spec_min_replicas", "pods", "Fewest pods.", *_HPA),
        _gauge("kube_horizontalpodautoscaler_spec_max_replicas", "pods", "Most pods.", *_HPA),
        _gauge("kube_horizontalpodautoscaler_status_current_replicas", "pods", "Pods that are there.", *_HPA),
        _gauge("kube_horizontalpodautoscaler_status_desired_replicas", "pods", "Pods that it wants.", *_HPA),
        _gauge(
            "kube_horizontalpodautoscaler_status_condition",
            "autoscalers",
            "1 for the state of a condition of an autoscaler.",
            *_HPA,
            Label("condition", ("AbleToScale", "ScalingActive", "ScalingLimited")),
            _TRUTH,
        ),
        _gauge(
            "kube_horizontalpodautoscaler_spec_target_metric",
            "as the metric",
            "What an autoscaler steers towards.",
            *_HPA,
            Label("metric_name", "name of the metric"),
            Label("metric_target_type", ("value", "utilization", "average")),
        ),
        _gauge(
            "kube_horizontalpodautoscaler_status_target_metric",
            "as the metric",
            "Where that metric is.",
            *_HPA,
            Label("metric_name", "name of the metric"),
            Label("metric_target_type", ("value", "utilization", "average")),
        ),
        _gauge("kube_poddisruptionbudget_status_current_healthy", "pods", "Healthy pods of a budget.", *_PDB),
        _gauge("kube_poddisruptionbudget_status_desired_healthy", "pods", "Pods that must stay healthy.", *_PDB),
        _gauge("kube_poddisruptionbudget_status_expected_pods", "pods", "Pods that a budget counts.", *_PDB),
        _gauge("kube_poddisruptionbudget_status_pod_disruptions_allowed", "pods", "Pods that may be evicted.", *_PDB),
    ),
)

_CGROUP = (Label("id", "path of the cgroup"), Label("image", "image of the container"), Label("name", "its id"))
_INTERFACE = (*_CGROUP, Label("interface", "name of the network interface"))

KUBELET = Source(
    "the kubelet with cAdvisor",
    "Kubernetes 1.31 to 1.37",
    (
        _counter("container_cpu_usage_seconds_total", "seconds", "CPU time of a container.", *_CGROUP),
        _counter("container_cpu_cfs_periods_total", "periods", "Periods in which a limit was enforced.", *_CGROUP),
        _counter("container_cpu_cfs_throttled_periods_total", "periods", "Periods that were cut short.", *_CGROUP),
        _gauge("container_memory_working_set_bytes", "bytes", "Memory that cannot be reclaimed.", *_CGROUP),
        _gauge("container_spec_memory_limit_bytes", "bytes", "Memory limit; 0 is none.", *_CGROUP),
        _counter("container_network_receive_bytes_total", "bytes", "Bytes that a pod received.", *_INTERFACE),
        _counter("container_network_transmit_bytes_total", "bytes", "Bytes that a pod sent.", *_INTERFACE),
        _counter(
            "prober_probe_total",
            "probes",
            "Probes of a container.",
            Label("pod_uid", "id of the pod"),
            Label("probe_type", ("Liveness", "Readiness", "Startup")),
            Label("result", ("successful", "failed", "unknown")),
        ),
    ),
)

FOREIGN = (PROMETHEUS, KUBE_STATE_METRICS, KUBELET)
