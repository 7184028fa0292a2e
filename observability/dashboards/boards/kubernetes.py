"""The pods in the cluster: restarts, throttling, scaling and rollouts.

All metrics come from kube-state-metrics, and from the kubelet with cAdvisor.
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
    "The pods in the cluster: restarts, throttling, scaling and rollouts.",
    (
        stat(
            "Pods ready",
            "Share of the wanted pods that are ready. Bad: below 100 % for longer than a start takes; at 0 no request "
            "is served.",
            "percentunit",
            share(
                total(f"kube_deployment_status_replicas_ready{{{WORKLOAD}}}"),
                total(f"kube_deployment_spec_replicas{{{WORKLOAD}}}"),
            ),
            Thresholds(1, 0.5, falling=True),
            0,
        ),
        stat(
            "Restarts in range",
            "Container restarts in the selected time range. Bad: any without a release; three in 15 minutes are a "
            "crash loop. The table below has the reasons.",
            "none",
            or_zero(total(f"increase({_RESTARTS})")),
            Thresholds(1, 3),
            0,
        ),
        stat(
            "Out of memory",
            "Containers that were last terminated at their memory limit (OOMKilled). Bad: any: a leak, or a limit too "
            "small for the load.",
            "none",
            or_zero(f'count(kube_pod_container_status_last_terminated_reason{{{PODS},reason="OOMKilled"}} == 1)'),
            Thresholds(1, 2),
            0,
        ),
        stat(
            "Throttled",
            "Share of CPU periods in which the limit throttled the pods. Bad: above 25 % while latency rises: the "
            "limit is too small.",
            "percentunit",
            _THROTTLED,
            Thresholds(0.1, 0.25),
            0,
        ),
        stat(
            "Evictions allowed",
            "Pods that may be evicted without violating the disruption budget. Bad: 0 for long: no node can be "
            "drained.",
            "none",
            f"min(kube_poddisruptionbudget_status_pod_disruptions_allowed{{{_BUDGET}}})",
            Thresholds(1, 0, falling=True),
            0,
        ),
        stat(
            "Nodes in use",
            "Number of nodes that run the pods. Bad: 1 with several pods: the loss of that node is an outage.",
            "none",
            f"count(count by (node) (kube_pod_info{{{PODS}}}))",
            Thresholds(2, 1, falling=True),
            0,
        ),
        lines(
            "Autoscaler",
            "Current and desired pods, and the bounds of the autoscaler. Bad: desired at the maximum for long: no pod "
            "can be added when the load grows.",
            "none",
            _scaler("status_current_replicas", "current"),
            _scaler("status_desired_replicas", "desired"),
            _scaler("spec_min_replicas", "minimum"),
            _scaler("spec_max_replicas", "maximum"),
        ),
        lines(
            "Autoscaler conditions",
            "1 while a condition is true: ScalingLimited at a bound, ScalingActive with a metric. Bad: ScalingLimited "
            "under load, or ScalingActive at 0: it has no metric to scale by.",
            "none",
            Query(
                "max by (horizontalpodautoscaler, condition) "
                f'(kube_horizontalpodautoscaler_status_condition{{{_SCALER},status="true"}})',
                "{{horizontalpodautoscaler}} {{condition}}",
            ),
        ),
        lines(
            "Rollout",
            "Desired, updated and available pods of each deployment. Bad: updated stays below desired: the new pods do "
            "not become ready.",
            "none",
            _replicas("spec_replicas", "desired"),
            _replicas("status_replicas_updated", "updated"),
            _replicas("status_replicas_available", "available"),
        ),
        lines(
            "CPU by pod",
            "Cores used by each pod, and the smallest request and limit. Bad: above the request for long (other pods "
            "may claim it), or flat at the limit.",
            "short",
            Query(total(_rate("container_cpu_usage_seconds_total", _CONTAINERS), "pod"), "{{pod}}"),
            Query(f"min({_requested('requests', 'cpu')})", "request"),
            Query(f"min({_requested('limits', 'cpu')})", "limit"),
        ),
        lines(
            "CPU throttling by pod",
            "Share of CPU periods in which the limit throttled a pod. Bad: above 25 % together with high latency; "
            "alone it is no reason to act.",
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
            "Working set of each pod as a share of its memory limit. Bad: above 90 % and rising: at 100 % the kernel "
            "kills the container.",
            "percentunit",
            Query(f"{total(_WORKING_SET, 'pod')} / {_MEMORY_LIMIT}", "{{pod}}"),
            thresholds=Thresholds(0.8, 0.9),
        ),
        lines(
            "Restarts by pod",
            "Container restarts of each pod over time. Bad: repeated spikes, which are a crash loop; single spikes on "
            "all pods at once come from a node or a rollout.",
            "none",
            Query(total(f"increase(kube_pod_container_status_restarts_total{{{PODS}}}[{INTERVAL}])", "pod"), "{{pod}}"),
        ),
        lines(
            "Failed probes",
            "Failed probes per second by type. Bad: Liveness, which restarts the container; Readiness only removes the "
            "pod from the Service.",
            "ops",
            Query(
                or_zero(total(_rate("prober_probe_total", f'{PODS},result="failed"'), "probe_type")), "{{probe_type}}"
            ),
            thresholds=Thresholds(0.01, 0.1),
        ),
        lines(
            "Network",
            "Bytes per second that the pods receive and send. Bad: sent far above what the request rate explains: "
            "large responses, or a client that fetches everything.",
            "Bps",
            Query(total(_rate("container_network_receive_bytes_total", PODS)), "received"),
            Query(total(_rate("container_network_transmit_bytes_total", PODS)), "sent"),
        ),
        Panel(
            "table",
            "Pods by node",
            "The node of each pod. Bad: all pods on one node or in one zone although the chart spreads them: no other "
            "node had room.",
            "none",
            (Query(f"count by (pod, node) (kube_pod_info{{{PODS}}})", instant=True),),
            width=12,
            columns=(("pod", "Pod"), ("node", "Node")),
        ),
        Panel(
            "table",
            "Termination and waiting reasons",
            "Why each container was last terminated, or is waiting; `none` if there is no reason. Bad: OOMKilled, "
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
            "From here on the autoscaler wants another number of pods.",
        ),
    ),
)
