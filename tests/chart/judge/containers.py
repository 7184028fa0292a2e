"""Rules for each container: what it may use, as whom it runs, what it is told, and how it is asked for its health."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.chart.judge.release import Container, Finding, Release, Rule

SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE|CREDENTIAL|DSN|_KEY$")
NO_SECRET = re.compile(r"(_FILE|_DIR|_PATH|_URL)$")
SECRET_TEXT = re.compile(r"://[^/\s:@]+:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")
PLAIN = re.compile(r"[0-9.]*|true|false|null")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def containers(release: Release) -> Iterator[Container]:
    for pod in release.pods():
        yield from pod.containers()


def cpu_and_memory_are_requested(release: Release) -> Iterator[Finding]:
    """Without requests the scheduler guesses, and the autoscaler has nothing to take a share of."""
    for one in containers(release):
        for resource in ("cpu", "memory"):
            if not one.value.get("resources", {}).get("requests", {}).get(resource):
                yield one.finding(f"/resources/requests/{resource}", "is not set")


def memory_limit_is_its_request(release: Release) -> Iterator[Finding]:
    """Memory cannot be taken back: a pod that may use more than it asked for is killed when others need theirs."""
    for one in containers(release):
        resources = one.value.get("resources", {})
        request = resources.get("requests", {}).get("memory")
        if request and resources.get("limits", {}).get("memory") != request:
            yield one.finding("/resources/limits/memory", f"is not {request}, the request")


def cpu_has_no_limit(release: Release) -> Iterator[Finding]:
    """A limit throttles start-up and every burst, also on a node that is idle."""
    for one in containers(release):
        if "cpu" in one.value.get("resources", {}).get("limits", {}):
            yield one.finding("/resources/limits/cpu", "throttles")


def root_file_system_is_read_only(release: Release) -> Iterator[Finding]:
    """What breaks in cannot leave anything behind; what must be written has a volume."""
    for one in containers(release):
        if one.value.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield one.finding("/securityContext/readOnlyRootFilesystem", "is not true")


def image_is_named_for_good(release: Release) -> Iterator[Finding]:
    """A tag that moves, or none, makes two pods of one Deployment run different code."""
    for one in containers(release):
        name, _, digest = str(one.value.get("image", "")).partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not name or tag == "latest" or not (tag or digest):
            yield one.finding("/image", f"{one.value.get('image')} has no tag that stays")


def image_pull_policy_is_said(release: Release) -> Iterator[Finding]:
    """Its default depends on the tag, so that a changed tag would change it too."""
    for one in containers(release):
        if "imagePullPolicy" not in one.value:
            yield one.finding("/imagePullPolicy", "is left to the default")


def no_variable_holds_a_secret(release: Release) -> Iterator[Finding]:
    """Variables show in `kubectl describe`, in dumps and in child processes; secrets are files."""
    for one in containers(release):
        for number, variable in enumerate(one.value.get("env", [])):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield one.finding(f"/env/{number}/valueFrom", f"{variable['name']} comes from a Secret")
        for number, source in enumerate(one.value.get("envFrom", [])):
            if "secretRef" in source:
                yield one.finding(f"/envFrom/{number}", "are variables from a Secret")
        for name, value in release.variables(one).items():
            if _is_secret(name, value):
                yield one.finding("/env", f"{name} looks like a secret")
        for kind in ("command", "args"):
            for number, word in enumerate(one.value.get(kind, [])):
                if SECRET_TEXT.search(str(word)):
                    yield one.finding(f"/{kind}/{number}", "looks like a secret")


def _is_secret(name: str, value: str) -> bool:
    named = SECRET_NAME.search(name) and not NO_SECRET.search(name) and not PLAIN.fullmatch(value)
    return bool(named or SECRET_TEXT.search(value))


def variables_are_named_once(release: Release) -> Iterator[Finding]:
    """Server-side apply, which is Helm 4's way, refuses a list whose key repeats."""
    for one in containers(release):
        for name, count in Counter(variable["name"] for variable in one.value.get("env", [])).items():
            if count > 1:
                yield one.finding("/env", f"{name} is there {count} times")


def servers_have_all_three_probes(release: Release) -> Iterator[Finding]:
    """A slow start is no death, a pod that cannot work gets no requests, and one that hangs is restarted."""
    for pod in release.pods():
        for one in pod.containers():
            if not pod.runs_once and not one.is_init:
                yield from (one.finding(f"/{probe}", "is missing") for probe in PROBES if probe not in one.value)


def what_runs_once_has_no_probes(release: Release) -> Iterator[Finding]:
    """A Job has nobody to answer to, and a liveness probe would kill it in the middle."""
    for pod in release.pods():
        for one in pod.containers():
            if pod.runs_once or one.is_init:
                yield from (one.finding(f"/{probe}", "is of no use") for probe in PROBES if probe in one.value)


def liveness_is_not_readiness(release: Release) -> Iterator[Finding]:
    """A database that is down must take pods out of the Service, not restart all of them."""
    for one in containers(release):
        ready, alive = (one.value.get(probe, {}).get("httpGet") for probe in PROBES[1:])
        if ready and ready == alive:
            yield one.finding("/livenessProbe/httpGet", "asks what the readiness probe asks")


def probe_ports_exist(release: Release) -> Iterator[Finding]:
    """A probe of a port that no container names fails for ever."""
    for one in containers(release):
        for probe in PROBES:
            for kind in ("httpGet", "tcpSocket"):
                port = one.value.get(probe, {}).get(kind, {}).get("port")
                if port is not None and port not in one.ports and port not in one.ports.values():
                    yield one.finding(f"/{probe}/{kind}/port", f"{port} is no port of the container")


def mounts_have_volumes(release: Release) -> Iterator[Finding]:
    """The API server refuses a mount without a volume, a path twice, and says so only at the upgrade."""
    for pod in release.pods():
        there = {volume["name"] for volume in pod.spec.get("volumes", [])}
        there |= {claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])}
        for one in pod.containers():
            paths: set[str] = set()
            for number, mount in enumerate(one.value.get("volumeMounts", [])):
                if mount["name"] not in there:
                    yield one.finding(f"/volumeMounts/{number}/name", f"no volume is called {mount['name']}")
                if mount["mountPath"] in paths:
                    yield one.finding(f"/volumeMounts/{number}/mountPath", "is taken")
                paths.add(mount["mountPath"])


RULES: tuple[Rule, ...] = (
    cpu_and_memory_are_requested,
    memory_limit_is_its_request,
    cpu_has_no_limit,
    root_file_system_is_read_only,
    image_is_named_for_good,
    image_pull_policy_is_said,
    no_variable_holds_a_secret,
    variables_are_named_once,
    servers_have_all_three_probes,
    what_runs_once_has_no_probes,
    liveness_is_not_readiness,
    probe_ports_exist,
    mounts_have_volumes,
)
