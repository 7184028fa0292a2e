"""Rules for each pod: Pod Security, users, tokens, where it is placed, and how long it may take to stop."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chart.judge.pod_security import violations
from tests.chart.judge.release import COMPONENT, Finding, Object, Pod, Release, Rule

LEAST_USER = 10_000
SHUTDOWN = "SLIPWAY_SHUTDOWN__{}_SECONDS"
MARGIN = 5


def pod_security_is_restricted(release: Release) -> Iterator[Finding]:
    """A namespace that enforces the Pod Security Standard *restricted* admits every pod of ours."""
    for pod in release.pods():
        for path, words in violations(pod.spec):
            yield pod.finding(path, words)


def users_are_above_those_of_the_node(release: Release) -> Iterator[Finding]:
    """A user below 10000 may be one of the node's; a cluster that chooses users itself chooses all of them."""
    users = [(pod, path, user) for pod in release.pods() for path, user in _users(pod)]
    chosen_here = any(user is not None and user >= LEAST_USER for _, _, user in users)
    for pod, path, user in users:
        if (user is None and chosen_here) or (user is not None and user < LEAST_USER):
            yield pod.finding(path, f"{user} is below {LEAST_USER}")


def _users(pod: Pod) -> Iterator[tuple[str, int | None]]:
    context: Object = pod.spec.get("securityContext", {})
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        yield f"/securityContext/{name}", context.get(name)
    for one in pod.containers():
        if user := one.value.get("securityContext", {}).get("runAsUser"):
            yield f"{one.path.removeprefix(f'{pod.path}/spec')}/securityContext/runAsUser", user


def no_pod_gets_a_token(release: Release) -> Iterator[Finding]:
    """Nothing here talks to the API server, and a token is what an intruder looks for first."""
    for pod in release.pods():
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield pod.finding("/automountServiceAccountToken", "is not false")
    for account in release.kind("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield Finding(account, "/automountServiceAccountToken", "is not false")


def service_links_are_off(release: Release) -> Iterator[Finding]:
    """Kubernetes would add variables named after Services, which the service takes for settings it does not know."""
    for pod in release.pods():
        if pod.spec.get("enableServiceLinks") is not False:
            yield pod.finding("/enableServiceLinks", "is not false")


def grace_period_holds_the_whole_stop(release: Release) -> Iterator[Finding]:
    """Sleep, drain, the longest request and a margin; else the last requests end in SIGKILL."""
    for pod in release.pods():
        for one in pod.containers():
            told = release.variables(one)
            drain, request = (told.get(SHUTDOWN.format(name)) for name in ("DRAIN", "REQUEST"))
            if pod.runs_once or one.is_init or drain is None or request is None:
                continue
            sleep: float = one.value.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            wanted = sleep + float(drain) + float(request) + MARGIN
            given = pod.spec.get("terminationGracePeriodSeconds", 30)
            if given < wanted:
                yield pod.finding("/terminationGracePeriodSeconds", f"{given} is less than the {wanted:g} of a stop")
            if str(sleep) != told[SHUTDOWN.format("PRE_STOP")]:
                yield one.finding("/lifecycle/preStop/sleep/seconds", "is not what the process is told")


def a_stop_begins_with_a_native_sleep(release: Release) -> Iterator[Finding]:
    """`exec` needs a program in the image, and fails without a word where there is none."""
    for pod in release.pods():
        for one in pod.containers():
            for kind in one.value.get("lifecycle", {}).get("preStop", {"sleep": {}}):
                if kind != "sleep":
                    yield one.finding(f"/lifecycle/preStop/{kind}", "is not sleep")


def replicas_are_spread(release: Release) -> Iterator[Finding]:
    """Over nodes and zones, by the pod's own labels, and never at the price of a pod that is not placed."""
    for pod in release.pods():
        if pod.owner["kind"] != "Deployment":
            continue
        constraints: list[Object] = pod.spec.get("topologySpreadConstraints", [])
        keys = {one["topologyKey"] for one in constraints}
        yield from (
            pod.finding("/topologySpreadConstraints", f"{key} is missing")
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
            if key not in keys
        )
        for number, one in enumerate(constraints):
            labels = one.get("labelSelector", {}).get("matchLabels", {})
            if not (COMPONENT in labels and labels.items() <= pod.labels.items()):
                yield pod.finding(f"/topologySpreadConstraints/{number}/labelSelector", "counts other pods")
            if one.get("whenUnsatisfiable") != "ScheduleAnyway":
                yield pod.finding(f"/topologySpreadConstraints/{number}/whenUnsatisfiable", "may leave pods pending")


RULES: tuple[Rule, ...] = (
    pod_security_is_restricted,
    users_are_above_those_of_the_node,
    no_pod_gets_a_token,
    service_links_are_off,
    grace_period_holds_the_whole_stop,
    a_stop_begins_with_a_native_sleep,
    replicas_are_spread,
)
