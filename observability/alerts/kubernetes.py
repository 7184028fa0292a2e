"""Alerts on what Kubernetes does with the pods, by kube-state-metrics and cAdvisor."""

from observability.rules import OUR_PODS, OURS, Alert, Record, as_job, indented

_DEPLOYMENTS = 'namespace="%{namespace}",deployment=~"%{workloads}"'
_AUTOSCALERS = 'namespace="%{namespace}",horizontalpodautoscaler=~"%{workloads}"'
_OUR_CONTAINERS = f'{OUR_PODS},container="slipway"'
_DEPLOYMENT_OF_POD = "(.+)-[a-z0-9]+-[a-z0-9]+"


def _autoscaler(name: str) -> str:
    return f"max by (namespace, horizontalpodautoscaler) (kube_horizontalpodautoscaler_{name}{{{_AUTOSCALERS}}})"


def _deployment(name: str) -> str:
    return f"max by (namespace, deployment) (kube_deployment_{name}{{{_DEPLOYMENTS}}})"


def _restarts(window: str) -> str:
    counter = f"kube_pod_container_status_restarts_total{{{_OUR_CONTAINERS}}}"
    return f"max by (namespace, pod) (increase({counter}[{window}]))"


PODS_MISSING = Record(
    "slipway:pods_missing",
    f"""(
  (
{indented(indented(as_job(_autoscaler("spec_min_replicas"), "horizontalpodautoscaler")))}
    or on (job, namespace)
{indented(indented(as_job(_deployment("spec_replicas"), "deployment")))}
  )
  - on (job, namespace)
{indented(as_job(_deployment("status_replicas_available"), "deployment"))}
) > 0""",
)
"""Pods that a deployment lacks: to the minimum of its autoscaler, or else to its number of replicas."""
_TOO_FEW = "slipway:pods_missing"

_KILLED = f'kube_pod_container_status_last_terminated_reason{{{_OUR_CONTAINERS},reason="OOMKilled"}}'
_CRASHES = as_job(f"{_restarts('15m')} > 3", "pod", _DEPLOYMENT_OF_POD)
_OUT_OF_MEMORY = as_job(
    f"{_restarts('15m')} > 0\nand\nmax by (namespace, pod) ({_KILLED}) == 1", "pod", _DEPLOYMENT_OF_POD
)


def _of_pods(name: str, expr: str, summary: str, description: str) -> tuple[Alert, Alert]:
    """A page if too few pods are left, else a ticket."""
    few, enough = "too few pods are left to serve", "the other pods keep serving"
    return (
        Alert(
            name,
            f"{expr}\nand on (job, namespace)\n{_TOO_FEW}",
            "page",
            summary,
            f"{description}; {few}.",
            "kubernetes",
        ),
        Alert(
            name,
            f"{expr}\nunless on (job, namespace)\n{_TOO_FEW}",
            "ticket",
            summary,
            f"{description}; {enough}.",
            "kubernetes",
        ),
    )


ALERTS = (
    Alert(
        "SlipwayHpaMaxedOut",
        as_job(
            f"""{_autoscaler("status_desired_replicas")} >= {_autoscaler("spec_max_replicas")}
and
{_autoscaler("spec_max_replicas")} > {_autoscaler("spec_min_replicas")}""",
            "horizontalpodautoscaler",
        ),
        "ticket",
        "{{ $labels.job }} cannot scale any further",
        "The autoscaler of {{ $labels.job }} in {{ $labels.namespace }} wants {{ $value }} pods, its maximum.",
        "kubernetes",
        wait="15m",
    ),
    Alert(
        "SlipwayCannotScale",
        as_job(
            f"""max by (namespace, horizontalpodautoscaler, condition) (
  kube_horizontalpodautoscaler_status_condition{{{_AUTOSCALERS},condition=~"AbleToScale|ScalingActive",status="false"}}
) == 1""",
            "horizontalpodautoscaler",
        ),
        "ticket",
        "The autoscaler of {{ $labels.job }} does not work",
        "The condition {{ $labels.condition }} of the autoscaler of {{ $labels.job }} in {{ $labels.namespace }} is "
        "false: pods are neither added nor removed.",
        "kubernetes",
        wait="15m",
    ),
    *_of_pods(
        "SlipwayCrashLooping",
        _CRASHES,
        "{{ $labels.pod }} keeps crashing",
        "{{ $labels.pod }} in {{ $labels.namespace }} was restarted {{ $value | humanize }} times in 15 minutes",
    ),
    *_of_pods(
        "SlipwayOOMKilled",
        _OUT_OF_MEMORY,
        "{{ $labels.pod }} ran out of memory",
        "{{ $labels.pod }} in {{ $labels.namespace }} was killed at its memory limit",
    ),
    Alert(
        "SlipwayThrottlingHurts",
        f"""{
            as_job(
                f'''max by (namespace, pod) (
  increase(container_cpu_cfs_throttled_periods_total{{{_OUR_CONTAINERS}}}[5m])
  /
  increase(container_cpu_cfs_periods_total{{{_OUR_CONTAINERS}}}[5m])
) > 0.25''',
                "pod",
                _DEPLOYMENT_OF_POD,
            )
        }
and on (job, namespace)
slipway:slo_error_ratio:rate1h{{slo="latency",{OURS}}} > 1 - slipway:slo_objective{{slo="latency",{OURS}}}""",
        "ticket",
        "The CPU limit of {{ $labels.pod }} slows down requests",
        "{{ $labels.pod }} in {{ $labels.namespace }} is throttled in {{ $value | humanizePercentage }} of its CPU "
        "periods, and the latency objective burns.",
        "runtime",
        wait="15m",
    ),
    Alert(
        "SlipwayMemoryNearLimit",
        as_job(
            f"""max by (namespace, pod) (container_memory_working_set_bytes{{{_OUR_CONTAINERS}}})
/
max by (namespace, pod) (container_spec_memory_limit_bytes{{{_OUR_CONTAINERS}}} > 0) > 0.9
and
max by (namespace, pod) (deriv(container_memory_working_set_bytes{{{_OUR_CONTAINERS}}}[15m])) > 0""",
            "pod",
            _DEPLOYMENT_OF_POD,
        ),
        "ticket",
        "{{ $labels.pod }} is about to run out of memory",
        "{{ $labels.pod }} in {{ $labels.namespace }} uses {{ $value | humanizePercentage }} of its memory limit, and "
        "its use is growing.",
        "runtime",
        wait="15m",
    ),
    Alert(
        "SlipwayRolloutStuck",
        as_job(
            f"""max by (namespace, deployment) (
  kube_deployment_status_condition{{{_DEPLOYMENTS},condition="Progressing",status="false"}}
) == 1""",
            "deployment",
        ),
        "ticket",
        "The rollout of {{ $labels.job }} is stuck",
        "The new pods of {{ $labels.job }} in {{ $labels.namespace }} did not become available in time; the old pods "
        "keep serving.",
        "kubernetes",
        wait="10m",
    ),
    Alert(
        "SlipwayVersionSkew",
        f"""count by (job, namespace) (
  count by (job, namespace, version, revision) (app_build_info{{{OURS}}} == 1)
) > 1""",
        "ticket",
        "{{ $labels.job }} runs in several versions",
        "{{ $value }} versions of {{ $labels.job }} have run side by side in {{ $labels.namespace }} for half an hour.",
        "kubernetes",
        wait="30m",
    ),
)
