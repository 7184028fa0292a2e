"""Each control of the Pod Security Standard *restricted* is seen to fail, at its place."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.chart.judge.pod_security import violations
from tests.support.rendering import rendered

OWN = "/containers/0/securityContext"
STOP = "/containers/0/lifecycle/preStop"


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("/hostNetwork", True, ""),
        ("/hostPID", True, ""),
        ("/hostIPC", True, ""),
        ("/securityContext/runAsUser", 0, ""),
        ("/securityContext/sysctls", [{"name": "net.core.somaxconn", "value": "1024"}], ""),
        ("/securityContext/runAsNonRoot", False, f"{OWN}/runAsNonRoot"),
        ("/securityContext/seccompProfile", {"type": "Unconfined"}, f"{OWN}/seccompProfile/type"),
        ("/securityContext/appArmorProfile", {"type": "Unconfined"}, "/securityContext/appArmorProfile/type"),
        ("/securityContext/seLinuxOptions", {"role": "sysadm_r"}, ""),
        ("/securityContext/windowsOptions", {"hostProcess": True}, "/securityContext/windowsOptions/hostProcess"),
        ("/volumes/0", {"name": "host", "hostPath": {"path": "/"}}, "/volumes/0/hostPath"),
        (f"{OWN}/runAsUser", 0, ""),
        (f"{OWN}/runAsNonRoot", False, ""),
        (f"{OWN}/capabilities", {"drop": ["all"]}, f"{OWN}/capabilities/drop"),
        (f"{OWN}/capabilities/add", ["NET_ADMIN"], ""),
        (f"{OWN}/allowPrivilegeEscalation", True, ""),
        (f"{OWN}/privileged", True, ""),
        (f"{OWN}/procMount", "Unmasked", ""),
        (f"{OWN}/seccompProfile", {"type": "Unconfined"}, f"{OWN}/seccompProfile/type"),
        (f"{OWN}/seLinuxOptions", {"type": "spc_t"}, ""),
        ("/containers/0/ports/0/hostPort", 80, ""),
        ("/containers/0/livenessProbe/httpGet/host", "10.0.0.1", ""),
        (STOP, {"tcpSocket": {"host": "10.0.0.1"}}, f"{STOP}/tcpSocket/host"),
    ],
)
def test_a_pod_that_is_not_restricted_is_seen(path: str, value: object, place: str) -> None:
    spec: Any = deepcopy(rendered("minimal").pod("Deployment/slipway-api").spec)
    assert list(violations(spec)) == []
    *way, last = [int(part) if part.isdecimal() else part for part in path.split("/")[1:]]
    inner = spec
    for part in way:
        inner = inner[part]
    inner[last] = value
    assert [found for found, _ in violations(spec)] == [place or path]


def test_a_container_without_a_security_context_fails_every_control_that_wants_one() -> None:
    spec = deepcopy(rendered("minimal").pod("Deployment/slipway-api").spec)
    spec["securityContext"] = {}
    spec["containers"][0]["securityContext"] = {}
    assert {found.removeprefix(OWN) for found, _ in violations(spec)} == {
        "/allowPrivilegeEscalation",
        "/runAsNonRoot",
        "/seccompProfile/type",
        "/capabilities/drop",
    }
