"""Does the cluster give us what we need? Restarts, throttling, scaling and rollouts of our pods.

All of it is what others say of them: kube-state-metrics, and the kubelet with cAdvisor.
"""

from observability.dashboards.model import Annotation, Dashboard, Panel, Query, Thresholds
from observability.dashboards.panels import lines, stat
from observability.dashboards.promql import (
    CLUSTER_ANNOTATIONS,
    CLUSTER_VARIABLES,
    EXPORTER,
    INTERVAL,
    PODS,
    WORKLOAD,
    or_none,
    or_zero,
    share,
    total,
)

_SCALER = f'{EXPORTER},horizontalpodautoscaler=~"$deployment"'
_BUDGET = f'{EXPORTER},poddisruptionbudget=~"$deployment"'
_CONTAINERS = f'{PODS},container!="",container!="POD"'
"""Without the sums that cAdvisor makes of a pod and the container that holds its network."""
_WORKING_SET = f"container_memory_working_set_bytes{{{_CONTAINERS}}}"


def _rate(metric: str, selected: str) -> str:
    return f"rate({metric}{{{selected}}}[{INTERVAL}])"


def _requested(kind: str, resource: str) -> str:
    return total(f'kube_pod_container_resource_{kind}{{{PODS},resource="{resource}"}}', "pod")


_ENDED = f"count by (pod, reason) (kube_pod_container_status_last_terminated_reason{{{PODS}}} == 1)"
_WAITING = f"count by (pod, reason) (kube_pod_container_status_waiting_reason{{{PODS}}} == 1)"
_MEMORY_LIMIT = _requested("limits", "memory")
_RESTARTS = f"kube_pod_container_status_restarts_total{{{PODS}}}[$__range]"
_THROTTLED = share(
    or_zero(total(_rate("container_cpu_cfs_throttled_periods_total", _CONTAINERS))),
    total(_rate("container_cpu_cfs_periods_total", _CONTAINERS)),
)


def _scaler(metric: str, legend: str) -> Query:
    name = f"kube_horizontalpodautoscaler_{metric}{{{_SCALER}}}"
    return Query(total(name, "horizontalpodautoscaler"), f"{{{{horizontalpodautoscaler}}}} {legend}")


def _replicas(metric: str, legend: str) -> Query:
    return Query(total(f"kube_deployment_{metric}{{{WORKLOAD}}}", "deployment"), f"{{{{deployment}}}} {legend}")


KUBERNETES = Dashboard(
    "slipway-kubernetes",
    "Kubernetes",
    "Does the cluster give us what we need? Restarts, throttling, scaling and rollouts of our pods.",
    (
        stat(
            "Pods ready",
            "Share of the pods that the deployments should have and that are ready. Bad: below 100 % for longer than a "
            "start takes; at 0 nobody is served.",
            "percentunit",
            share(
                total(f"kube_deployment_status_replicas_ready{{{WORKLOAD}}}"),
                total(f"kube_deployment_spec_replicas{{{WORKLOAD}}}"),
            ),
            Thresholds(1, 0.5, falling=True),
            0,
        ),
        stat(
            "Restarts in this range",
            "Restarts of containers in the time range shown. Bad: any without a release; three in 15 minutes are a "
            "crash loop, and the table says why the last one ended.",
            "none",
            or_zero(total(f"increase({_RESTARTS})")),
            Thresholds(1, 3),
            0,
        ),
        stat(
            "Out of memory",
            "Containers whose last end was the kernel's: no memory left under their limit. Bad: any: a leak, or a "
            "limit too small for the load.",
            "none",
            or_zero(f'count(kube_pod_container_status_last_terminated_reason{{{PODS},reason="OOMKilled"}} == 1)'),
            Thresholds(1, 2),
            0,
        ),
        stat(
            "Throttled",
            "Share of CPU periods in which a limit cut our pods short. Bad: above 25 % while latency rises: the limit "
            "costs more than it protects.",
            "percentunit",
            _THROTTLED,
            Thresholds(0.1, 0.25),
            0,
        ),
        stat(
            "Evictions allowed",
            "Pods that may be evicted at once without breaking the disruption budget. Bad: 0 for long: no node can be "
            "drained.",
            "none",
            f"min(kube_poddisruptionbudget_status_pod_disruptions_allowed{{{_BUDGET}}})",
            Thresholds(1, 0, falling=True),
            0,
        ),
        stat(
            "Nodes in use",
            "Nodes that our pods are spread over. Bad: 1 with several pods: losing that node is an outage.",
            "none",
            f"count(count by (node) (kube_pod_info{{{PODS}}}))",
            Thresholds(2, 1, falling=True),
            0,
        ),
        lines(
            "Autoscaler",
            "Pods that there are, that the autoscaler wants, and its bounds. Bad: wanted at the upper bound for long: "
            "load may grow, pods may not.",
            "none",
            _scaler("status_current_replicas", "now"),
            _scaler("status_desired_replicas", "wanted"),
            _scaler("spec_min_replicas", "fewest"),
            _scaler("spec_max_replicas", "most"),
        ),
        lines(
            "What limits the autoscaler",
            "1 while a condition holds: ScalingLimited is at a bound, ScalingActive has a metric to go by. Bad: "
            "ScalingLimited under load, or ScalingActive at 0: it is blind.",
            "none",
            Query(
                "max by (horizontalpodautoscaler, condition) "
                f'(kube_horizontalpodautoscaler_status_condition{{{_SCALER},status="true"}})',
                "{{horizontalpodautoscaler}} {{condition}}",
            ),
        ),
        lines(
            "Rollout",
            "Pods that a deployment should have, that run the new template, and that are available. Bad: updated that "
            "stops below wanted: the new pods do not get ready.",
            "none",
            _replicas("spec_replicas", "wanted"),
            _replicas("status_replicas_updated", "updated"),
            _replicas("status_replicas_available", "available"),
        ),
        lines(
            "CPU by pod",
            "Cores that each pod uses, and the smallest request and limit. Bad: above the request for long (neighbors "
            "may take it away), or flat at the limit.",
            "short",
            Query(total(_rate("container_cpu_usage_seconds_total", _CONTAINERS), "pod"), "{{pod}}"),
            Query(f"min({_requested('requests', 'cpu')})", "request"),
            Query(f"min({_requested('limits', 'cpu')})", "limit"),
        ),
        lines(
            "CPU throttling by pod",
            "Share of CPU periods in which the limit cut a pod short. Bad: above 25 % together with latency; alone it "
            "is no reason to act.",
            "percentunit",
            Query(
                share(
                    total(_rate("container_cpu_cfs_throttled_periods_total", _CONTAINERS), "pod"),
                    total(_rate("container_cpu_cfs_periods_total", _CONTAINERS), "pod"),
                ),
                "{{pod}}",
            ),
            thresholds=Thresholds(0.1, 0.25),
        ),
        lines(
            "Memory against the limit",
            "Share of its memory limit that each pod's working set fills. Bad: above 90 % and rising: at 100 % the "
            "kernel ends it.",
            "percentunit",
            Query(f"{total(_WORKING_SET, 'pod')} / {_MEMORY_LIMIT}", "{{pod}}"),
            thresholds=Thresholds(0.8, 0.9),
        ),
        lines(
            "Restarts by pod",
            "Restarts of each pod's containers between two points. Bad: a comb, which is a crash loop; single marks on "
            "all pods at once are a node or a rollout.",
            "none",
            Query(total(f"increase(kube_pod_container_status_restarts_total{{{PODS}}}[{INTERVAL}])", "pod"), "{{pod}}"),
        ),
        lines(
            "Failed probes",
            "Probes a second that failed, by kind. Bad: Liveness, which restarts the pod; Readiness alone only takes "
            "it out of the service.",
            "ops",
            Query(
                or_zero(total(_rate("prober_probe_total", f'{PODS},result="failed"'), "probe_type")), "{{probe_type}}"
            ),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "Network",
            "Bytes a second that the pods receive and send. Bad: sent far above what the request rate explains: large "
            "answers, or a client that fetches everything.",
            "Bps",
            Query(total(_rate("container_network_receive_bytes_total", PODS)), "received"),
            Query(total(_rate("container_network_transmit_bytes_total", PODS)), "sent"),
        ),
        Panel(
            "table",
            "Pods by node",
            "Where each pod runs. Bad: all of them on one node or in one zone although the chart spreads them: there "
            "was no other place.",
            "none",
            (Query(f"count by (pod, node) (kube_pod_info{{{PODS}}})", instant=True),),
            width=12,
            columns=(("pod", "Pod"), ("node", "Node")),
        ),
        Panel(
            "table",
            "Why containers ended or wait",
            "The reason of each container's last end, and why one waits now; `none` is the good case. Bad: OOMKilled, "
            "CrashLoopBackOff, ImagePullBackOff; Completed after a rollout is normal.",
            "none",
            (Query(or_none(f"({_ENDED} or {_WAITING})", "reason"), instant=True),),
            width=12,
            columns=(("pod", "Pod"), ("reason", "Reason")),
        ),
    ),
    CLUSTER_VARIABLES,
    (
        *CLUSTER_ANNOTATIONS,
        Annotation(
            "Autoscaler",
            f"kube_horizontalpodautoscaler_status_desired_replicas{{{_SCALER}}} != "
            f"kube_horizontalpodautoscaler_status_desired_replicas{{{_SCALER}}} offset {INTERVAL}",
            "orange",
            "{{horizontalpodautoscaler}} scales",
            "The autoscaler wants another number of pods since here.",
        ),
    ),
)
