"""Rules for names: every object, key and port that something refers to is rendered, or named in the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.chart.judge.release import COMPONENT, Finding, Object, Pod, Release, Rule, component_of

GIVEN = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
"""What Kubernetes makes in every namespace."""


@dataclass(frozen=True)
class Reference:
    """A pod's need of another object, with the keys in it that it must have."""

    pod: Pod
    path: str
    kind: str
    name: str
    keys: tuple[str, ...] = ()


def references(pod: Pod) -> Iterator[Reference]:
    """Everything that must exist before the pod starts; what is `optional` need not."""
    spec = pod.spec
    if name := spec.get("serviceAccountName"):
        yield Reference(pod, "/serviceAccountName", "ServiceAccount", name)
    for number, one in enumerate(spec.get("imagePullSecrets", [])):
        yield Reference(pod, f"/imagePullSecrets/{number}", "Secret", one["name"])
    for number, volume in enumerate(spec.get("volumes", [])):
        yield from _of_volume(pod, f"/volumes/{number}", volume)
    for one in pod.containers():
        start = one.path.removeprefix(f"{pod.path}/spec")
        yield from _of_variables(pod, start, one.value)


def _of_volume(pod: Pod, path: str, volume: Object) -> Iterator[Reference]:
    sources = [(path, volume)]
    sources += [
        (f"{path}/projected/sources/{number}", one)
        for number, one in enumerate(volume.get("projected", {}).get("sources", []))
    ]
    for place, source in sources:
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            if (wanted := source.get(field)) and not wanted.get("optional"):
                keys = tuple(item["key"] for item in wanted.get("items", []))
                yield Reference(pod, f"{place}/{field}", kind, wanted.get("secretName") or wanted["name"], keys)
    if claim := volume.get("persistentVolumeClaim"):
        yield Reference(pod, f"{path}/persistentVolumeClaim", "PersistentVolumeClaim", claim["claimName"])


def _of_variables(pod: Pod, start: str, container: Object) -> Iterator[Reference]:
    for number, source in enumerate(container.get("envFrom", [])):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if (wanted := source.get(field)) and not wanted.get("optional"):
                yield Reference(pod, f"{start}/envFrom/{number}", kind, wanted["name"])
    for number, variable in enumerate(container.get("env", [])):
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if (wanted := variable.get("valueFrom", {}).get(field)) and not wanted.get("optional"):
                yield Reference(pod, f"{start}/env/{number}", kind, wanted["name"], (wanted["key"],))


def made_secret(release: Release, name: str) -> Object | None:
    """The ExternalSecret whose operator makes this Secret."""
    for one in release.kind("ExternalSecret"):
        if one["spec"].get("target", {}).get("name", one["metadata"]["name"]) == name:
            return one
    return None


def _keys(release: Release, kind: str, name: str) -> set[str] | None:
    """The keys of a ConfigMap or Secret; None if they cannot be known."""
    if found := release.find(kind, name):
        return {*found.get("data", {}), *found.get("stringData", {}), *found.get("binaryData", {})}
    if kind == "Secret" and (made := made_secret(release, name)) and "dataFrom" not in made["spec"]:
        return {one["secretKey"] for one in made["spec"].get("data", [])}
    return None


def what_a_pod_needs_is_there(release: Release) -> Iterator[Finding]:
    """Else the pod waits for ever, as `CreateContainerConfigError` or with a volume that cannot be mounted."""
    for pod in release.pods():
        for one in references(pod):
            rendered = release.find(one.kind, one.name) or (one.kind == "Secret" and made_secret(release, one.name))
            if not rendered and one.name not in release.foreign and (one.kind, one.name) not in GIVEN:
                yield pod.finding(one.path, f"{one.kind} {one.name} is neither rendered nor named in the values")


def keys_that_a_pod_needs_are_there(release: Release) -> Iterator[Finding]:
    """A Secret without the key is as good as no Secret."""
    for pod in release.pods():
        for one in references(pod):
            there = _keys(release, one.kind, one.name)
            for key in one.keys:
                if there is not None and key not in there:
                    yield pod.finding(one.path, f"{one.kind} {one.name} has no key {key}")


def servers(release: Release, one: Object, labels: Mapping[str, str]) -> Iterator[Pod]:
    """The pods that an object selects with right; the others are for the rules about selectors."""
    for pod in release.selected(labels):
        if component_of(one) == pod.labels.get(COMPONENT) and not pod.runs_once:
            yield pod


def service_ports_lead_to_pods(release: Release) -> Iterator[Finding]:
    """A Service takes any name for a target port, and sends nothing where no container has it."""
    for service in release.kind("Service"):
        for pod in servers(release, service, service["spec"].get("selector", {"": ""})):
            for number, port in enumerate(service["spec"]["ports"]):
                target = port.get("targetPort", port["port"])
                if target not in pod.ports and target not in pod.ports.values():
                    yield Finding(service, f"/spec/ports/{number}/targetPort", f"{target} is no port of its pods")


RULES: tuple[Rule, ...] = (
    what_a_pod_needs_is_there,
    keys_that_a_pod_needs_are_there,
    service_ports_lead_to_pods,
)
