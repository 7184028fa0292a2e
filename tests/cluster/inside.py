"""The visitor's pod, and its answers as Python objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from tests.cluster.cluster import Exec, Namespace, until
from tests.cluster.visitor import ENOUGH_SECONDS, PATIENCE_SECONDS, Load, Outcome

NAME = "visitor"
VISITORS: Mapping[str, object] = {"podSelector": {"matchLabels": {"app": NAME}}}
"""The visitors of a release's namespace, as its NetworkPolicies name them."""
PROGRAM = Path(__file__).with_name("visitor.py")
HARDENED: Mapping[str, object] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True)
class Answer:
    """What came back: status 0 means that nothing did, and `body` says why."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))


class Visitor:
    """Calls the service from its own pod."""

    def __init__(self, program: Exec) -> None:
        self._program = program

    def request(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = None
        if body is not None:
            content, headers["Content-Type"] = json.dumps(body), "application/json"
        elif form is not None:
            content, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        asked = {"method": method, "url": url, "headers": headers, "body": content}
        return Answer(**self._tell({"request": asked}))

    def get(self, url: str, token: str = "") -> Answer:
        return self.request("GET", url, token=token)

    def reaches(self, host: str, port: int) -> bool:
        """Whether somebody answers there; a name that is not known counts as a failure of the test."""
        told = self._tell({"connect": {"host": host, "port": port}})
        assert "gaierror" not in told["why"], told
        return bool(told["connected"])

    @contextmanager
    def load(self, load: Load, *, at_least: int = 0) -> Generator[Outcome]:
        """Send this load while the block runs, and go on until so many requests are answered.

        What is yielded is filled in at the end.
        """
        self._tell({"load": asdict(load)})
        outcome = Outcome()
        try:
            yield outcome
        except BaseException:
            self._tell({"end": {"at_least": 0}})
            raise
        told = self._tell({"end": {"at_least": at_least}})
        lost: dict[str, Counter[str]] = {name: Counter(told[name]) for name in ("failed", "unknown")}
        vars(outcome).update(told | lost)

    def _tell(self, command: Mapping[str, object]) -> dict[str, Any]:
        self._program.write_stdin(json.dumps(command) + "\n")
        line = self._program.readline_stdout(timeout=ENOUGH_SECONDS + 2 * PATIENCE_SECONDS)
        assert line, f"no answer of the visitor: {self._program.read_all()}"
        return cast("dict[str, Any]", json.loads(line))


def lost_nothing(outcome: Outcome) -> bool:
    return not outcome.failed and not outcome.unknown


def described(outcome: Outcome) -> str:
    lost = f"{outcome.failed.total()} failed, {outcome.unknown.total()} unknown"
    answered = f"{outcome.posts + outcome.gets} answered ({outcome.posts} of them POST), {outcome.opened} connections"
    return f"{answered}, {lost}, slowest {outcome.slowest * 1000:.0f} ms, {outcome.seconds:.0f} s"


@contextmanager
def visitor_in(
    namespace: Namespace, image: str, name: str = NAME, labels: Mapping[str, str] | None = None
) -> Generator[Visitor]:
    """A visitor in a pod of its own, which no Service selects."""
    namespace.create_object("configmaps", {"metadata": {"name": name}, "data": {PROGRAM.name: PROGRAM.read_text()}})
    metadata = {"name": name, "labels": {"app": NAME, **(labels or {})}}
    namespace.create_object("pods", {"metadata": metadata, "spec": _pod(image, name)})
    until(lambda: _runs(namespace, name), "the visitor's pod")
    command = ["python", f"/visitor/{PROGRAM.name}"]
    with namespace.cluster.execute(namespace.name, name, NAME, command) as program:
        yield Visitor(program)


def _runs(namespace: Namespace, name: str) -> bool:
    status = namespace.get("pods", name)["status"]
    return bool(status["phase"] == "Running")


def _pod(image: str, program: str) -> Mapping[str, object]:
    container = {
        "name": NAME,
        "image": image,
        "command": ["python", "-c", "import time; time.sleep(3600)"],
        "securityContext": HARDENED,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "program", "mountPath": "/visitor", "readOnly": True}],
    }
    return {
        "containers": [container],
        "volumes": [{"name": "program", "configMap": {"name": program}}],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
