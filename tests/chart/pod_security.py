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


def violations(spec: dict[str, Any]) -> Iterator[str]:
    """A sentence for each rule that the pod breaks."""
    pod = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    if pod.get("runAsUser") == 0:
        yield "the pod runs as root"
    if pod.get("sysctls"):
        yield "sysctls are set"
    for volume in spec.get("volumes", []):
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is of kind {kind}"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        for violation in _of_container(container.get("securityContext", {}), pod):
            yield f"container {container['name']}: {violation}"
        for port in container.get("ports", []):
            if port.get("hostPort"):
                yield f"container {container['name']}: host port {port['hostPort']}"


def _of_container(own: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser") == 0:
        yield "runs as root"
    if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in PROFILES:
        yield "no seccomp profile"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "does not drop ALL capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"adds {capabilities['add']}"
    if own.get("procMount", "Default") != "Default":
        yield "procMount is not Default"
