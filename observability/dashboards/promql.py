"""The selectors, variables and expressions that the dashboards have in common."""

from .model import Annotation, Variable

INTERVAL = "$__rate_interval"
_RELEASE = 'cluster=~"$cluster",namespace=~"$namespace"'
PROCESS = f'{_RELEASE},job=~"$job",instance=~"$instance"'
"""Selects what our processes export."""
SERVICE = f'{_RELEASE},job=~"$job"'
"""Selects what rules record of a whole service."""
EXPORTER = PROCESS
"""Selects metrics of other programs, on a dashboard whose `job` and `instance` are theirs (`CLUSTER_VARIABLES`)."""
_OUR_POD = 'pod=~"$deployment-[0-9a-z]+-[0-9a-z]{5}"'
"""Pods of our deployments: a deployment's name, the hash of its template, five letters."""
WORKLOAD = f'{EXPORTER},deployment=~"$deployment"'
PODS = f"{EXPORTER},{_OUR_POD}"
"""Select metrics of other programs about our deployments and their pods."""

_CLUSTER = Variable("cluster", "Cluster", "label_values(app_build_info, cluster)", ".*")
_NAMESPACE = Variable("namespace", "Namespace", 'label_values(app_build_info{cluster=~"$cluster"}, namespace)', ".*")

VARIABLES = (
    _CLUSTER,
    _NAMESPACE,
    Variable("job", "Job", f"label_values(app_build_info{{{_RELEASE}}}, job)", ".+"),
    Variable("instance", "Instance", f'label_values(app_build_info{{{_RELEASE},job=~"$job"}}, instance)', ".+"),
)
"""From our own metrics, so that a dashboard finds the service whatever its release, namespace and job are called.

`.*` also matches series without the label: a Prometheus of one cluster has no label `cluster`.
"""

CLUSTER_VARIABLES = (
    _CLUSTER,
    _NAMESPACE,
    Variable(
        "deployment",
        "Deployment",
        f"label_values(app_build_info{{{_RELEASE}}}, pod)",
        pattern="/^(.+)-[0-9a-z]+-[0-9a-z]{5}$/",
    ),
    Variable("job", "Job", 'label_values(up{cluster=~"$cluster"}, job)', ".+"),
    Variable("instance", "Instance", 'label_values(up{cluster=~"$cluster",job=~"$job"}, instance)', ".+"),
)
"""For metrics of kube-state-metrics and the kubelet: `job` and `instance` are theirs, and all by default."""


def own(metric: str, *matchers: str) -> str:
    """A metric of our processes."""
    return _ours(metric, _selector(metric, *matchers))


def rate(metric: str, *matchers: str) -> str:
    """Increase per second of each series of our counters."""
    return _ours(metric, f"rate({_selector(metric, *matchers)}[{INTERVAL}])")


def total(expr: str, *labels: str) -> str:
    """The sum, by `labels` if given."""
    return f"sum by ({', '.join(labels)}) ({expr})" if labels else f"sum({expr})"


def or_zero(expr: str) -> str:
    """Zero where there is nothing at all, so that an error panel in health shows 0 and not "No data"."""
    return f"{expr} or on () vector(0)"


def or_none(expr: str, label: str) -> str:
    """A row `none` if the expression has no result."""
    return f'{expr} or on () label_replace(vector(0), "{label}", "none", "", "")'


def share(part: str, whole: str) -> str:
    """`part` as a share of `whole`; 0 while the whole is 0."""
    return f"({part}) / clamp_min({whole}, 1e-9)"


def quantile(which: float, histogram: str, *labels: str, matchers: tuple[str, ...] = ()) -> str:
    """A quantile over all processes, never a mean of theirs; nothing while there is no observation."""
    buckets = total(rate(f"{histogram}_bucket", *matchers), *labels, "le")
    return f"histogram_quantile({which}, {buckets})"


def appeared(expr: str, *labels: str) -> str:
    """Has a value while a combination of labels is new."""
    counted = f"count by ({', '.join(labels)}) ({expr}"
    return f"{counted}) unless {counted} offset {INTERVAL})"


def _deployments(builds: str) -> Annotation:
    return Annotation(
        "Deployments",
        appeared(builds, "job", "version", "revision"),
        "blue",
        "{{job}} {{version}}",
        "From here on revision {{revision}} runs: a release, a rollback or a first start.",
    )


def _configurations(configurations: str) -> Annotation:
    return Annotation(
        "Configuration",
        appeared(configurations, "job", "hash"),
        "yellow",
        "{{job}} configuration changed",
        "From here on processes run with configuration {{hash}}: settings changed, or a release added some.",
    )


def _selector(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join((PROCESS, *matchers))}}}"


_BUILDS = _selector("app_build_info")


def _ours(metric: str, expr: str) -> str:
    """Only of our jobs: with all jobs selected, metrics that every process exports would include those of others."""
    if not metric.startswith(("up", "scrape_", "process_", "python_")):
        return expr
    return f"({expr} and on (cluster, namespace, job) {_BUILDS})"


SCALING = Annotation(
    "Scaling",
    f"count by (job) ({_BUILDS}) != count by (job) ({_BUILDS} offset {INTERVAL})",
    "purple",
    "{{job}} scaled",
    "The number of processes changed here.",
)
ANNOTATIONS = (_configurations(_selector("app_config_info")), _deployments(_BUILDS), SCALING)
"""Changes of settings, releases (drawn over them) and scaling, from our own metrics alone."""
CLUSTER_ANNOTATIONS = (
    _configurations(f"app_config_info{{{_RELEASE},{_OUR_POD}}}"),
    _deployments(f"app_build_info{{{_RELEASE},{_OUR_POD}}}"),
)
