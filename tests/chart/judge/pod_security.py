"""Pod Security Standards, level *restricted*, as Kubernetes 1.37 documents them: what is wrong with a pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
PROFILES = ("RuntimeDefault", "Localhost")
SELINUX_TYPES = (None, "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def violations(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A sentence for each control that the pod fails, with the path in its spec."""
    pod = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"/{name}", f"{name} is on"
    if pod.get("runAsUser") == 0:
        yield "/securityContext/runAsUser", "the pod runs as root"
    if pod.get("sysctls"):
        yield "/securityContext/sysctls", "sysctls are set"
    for path, sentence in _of_both(pod):
        yield f"/securityContext/{path}", f"the pod: {sentence}"
    for number, volume in enumerate(spec.get("volumes", [])):
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"/volumes/{number}/{kind}", f"volume {volume['name']} is of kind {kind}"
    for kind in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(kind, [])):
            start, name = f"/{kind}/{number}", container["name"]
            for path, sentence in _of_container(container.get("securityContext", {}), pod):
                yield f"{start}/securityContext/{path}", f"container {name}: {sentence}"
            for path, sentence in _of_network(container):
                yield f"{start}/{path}", f"container {name}: {sentence}"


def _of_both(context: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What pods and containers are asked alike."""
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "windowsOptions/hostProcess", "is a process of the node"
    if context.get("appArmorProfile", {"type": "RuntimeDefault"}).get("type") not in PROFILES:
        yield "appArmorProfile/type", "no AppArmor profile"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions", f"SELinux options {selinux}"


def _of_container(own: dict[str, Any], pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _of_both(own)
    if own.get("privileged"):
        yield "privileged", "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation", "allowPrivilegeEscalation is not false"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot", "runAsNonRoot is not true"
    if own.get("runAsUser") == 0:
        yield "runAsUser", "runs as root"
    if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in PROFILES:
        yield "seccompProfile/type", "no seccomp profile"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities/drop", "does not drop ALL capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities/add", f"adds {capabilities['add']}"
    if own.get("procMount", "Default") != "Default":
        yield "procMount", "procMount is not Default"


def _of_network(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for number, port in enumerate(container.get("ports", [])):
        if port.get("hostPort"):
            yield f"ports/{number}/hostPort", f"host port {port['hostPort']}"
    handlers = {name: container.get(name, {}) for name in PROBES}
    handlers |= {f"lifecycle/{name}": handler for name, handler in container.get("lifecycle", {}).items()}
    for name, handler in handlers.items():
        for kind in ("httpGet", "tcpSocket"):
            if host := handler.get(kind, {}).get("host"):
                yield f"{name}/{kind}/host", f"asks {host}, which may be anywhere"
