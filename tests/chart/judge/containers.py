"""Rules for each container: what it may use, what it must not show, and that its parts fit together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.chart.judge.release import Container, Finding, Object, Release, Rule

SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE|CREDENTIAL|DSN|_KEY$")
NO_SECRET = re.compile(r"(_FILE|_DIR|_PATH|_URL)$")
SECRET_TEXT = re.compile(r"://[^/\s:@]+:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")
PLAIN = re.compile(r"[0-9.]*|true|false|null")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def containers(release: Release) -> Iterator[Container]:
    for pod in release.pods():
        yield from pod.containers()


def cpu_is_requested_and_memory_limited(release: Release) -> Iterator[Finding]:
    """Both are requested, so that the scheduler knows; memory is limited to its request, and CPU is not limited."""
    for one in containers(release):
        requests: Object = one.value.get("resources", {}).get("requests", {})
        limits: Object = one.value.get("resources", {}).get("limits", {})
        if requests.keys() != {"cpu", "memory"}:
            yield one.finding("/resources/requests", "is not CPU and memory")
        if limits != {"memory": requests.get("memory")}:
            yield one.finding("/resources/limits", "is not the requested memory alone")


def root_file_system_is_read_only(release: Release) -> Iterator[Finding]:
    """An intruder cannot leave anything behind; what must be written has a volume."""
    for one in containers(release):
        if one.value.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield one.finding("/securityContext/readOnlyRootFilesystem", "is not true")


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
    cpu_is_requested_and_memory_limited,
    root_file_system_is_read_only,
    no_variable_holds_a_secret,
    variables_are_named_once,
    probe_ports_exist,
    mounts_have_volumes,
)
