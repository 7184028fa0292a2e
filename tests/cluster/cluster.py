"""A namespace of the cluster under test: what is in it, and what a program in one of its pods says."""

# The Kubernetes client ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlencode

from kubernetes import config
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PASSING = {"Event", "PodMetrics", "EndpointSlice", "Endpoints", "Lease", "ControllerRevision"}
"""Kinds that nobody installs: the cluster makes them and takes them away in its own time."""


T = TypeVar("T")


class ClusterError(Exception):
    """The cluster refused a request; `status` is that of its answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"{status}: {message}")


class Exec(Protocol):
    """An open stream to a program in a pod (the client's `WSClient`, which has no types)."""

    returncode: int | None

    def write_stdin(self, data: str) -> None: ...
    def readline_stdout(self, timeout: float | None = None) -> str: ...
    def read_all(self) -> str: ...
    def run_forever(self, timeout: float | None = None) -> None: ...
    def close(self) -> None: ...

    @property
    def sock(self) -> Socket: ...


class Socket(Protocol):
    """The WebSocket under an `Exec`."""

    def shutdown(self) -> None: ...


@dataclass(frozen=True)
class Pod:
    """A pod, as far as the tests ask."""

    name: str
    component: str
    image: str
    address: str
    ready: bool
    leaving: bool
    restarts: int


class Cluster:
    """The API server of a context of the kubeconfig, asked for JSON."""

    def __init__(self, context: str) -> None:
        self.context = context
        self.api = config.new_client_from_config(context=context)

    def close(self) -> None:
        self.api.close()

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None, **query: str) -> dict[str, Any]:
        """What the API server answers.

        Raises:
            ClusterError: it refused.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return self._call(method, path, body, kind, query)

    def text(self, path: str) -> str:
        """What the API server passes on from a node or a pod, as it came. Raises `ClusterError` when it refused."""
        return self._answer("GET", path, None, "text/plain", {}).decode()

    def apply(self, path: str, body: Mapping[str, object]) -> None:
        """Make an object, or what it has of these fields, by server-side apply.

        Raises:
            ClusterError: it was refused.
        """
        owner = {"fieldManager": "slipway-tests", "force": "true"}
        self._call("PATCH", path, json.dumps(body), "application/apply-patch+yaml", owner)

    def _call(self, method: str, path: str, body: object, kind: str, query: Mapping[str, str]) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self._answer(method, path, body, kind, query)))

    def _answer(self, method: str, path: str, body: object, kind: str, query: Mapping[str, str]) -> bytes:
        headers = {"Accept": "*/*" if kind == "text/plain" else "application/json", "Content-Type": kind}
        where = f"{path}?{urlencode(query)}" if query else path
        call = self.api.param_serialize(method, where, header_params=headers, body=body, auth_settings=["BearerToken"])
        answer = self.api.call_api(*call, _request_timeout=30)
        content = cast(bytes, answer.read())
        if answer.status >= 400:
            raise ClusterError(answer.status, content.decode())
        return content

    @contextmanager
    def execute(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> Generator[Exec]:
        """A program in a pod, with its input open."""
        running = cast(
            Exec,
            stream(
                CoreV1Api(self.api).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                container=container,
                command=list(command),
                stdin=True,
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
            ),
        )
        try:
            yield running
        finally:
            running.close()
            running.sock.shutdown()  # which `close` leaves open when it was the program that ended


class Namespace:
    """One namespace that enforces PodSecurity *restricted*, made for a run of the tests."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self._core = f"/api/v1/namespaces/{name}"

    def create(self) -> None:
        metadata = {"name": self.name, "labels": RESTRICTED}
        self.cluster.ask("POST", "/api/v1/namespaces", {"metadata": metadata})
        # The account that pods get by default is made a moment later, and no pod is admitted before.
        until(lambda: bool(self.names("serviceaccounts")), "the default service account")

    def remove(self) -> None:
        """Delete it and wait until it is gone, so that the next run finds the cluster empty."""

        def gone() -> bool:
            try:
                self.cluster.ask("GET", self._core)
            except ClusterError as error:
                return error.status == 404
            return False

        self.cluster.ask("DELETE", self._core)
        # Nobody waits for what these pods would do in their grace period.
        self.cluster.ask("DELETE", f"{self._core}/pods", gracePeriodSeconds="1")
        until(gone, f"the namespace {self.name} to go", 120)

    def create_object(self, kind: str, body: Mapping[str, object], group: str = "", **query: str) -> None:
        """Create an object; `kind` is its plural in the API, and `group` as in `get`."""
        self.cluster.ask("POST", f"{self._path(group)}/{kind}", body, **query)

    def evict(self, pod: str) -> None:
        """Ask for a pod to leave, as draining a node does.

        Raises:
            ClusterError: with status 429 while a disruption budget does not allow it.
        """
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.name}}
        self.cluster.ask("POST", f"{self._core}/pods/{pod}/eviction", body)

    def get(self, kind: str, name: str, group: str = "") -> dict[str, Any]:
        """An object; `group` is its API group with the version, such as `apps/v1`."""
        return self.cluster.ask("GET", f"{self._path(group)}/{kind}/{name}")

    def names(self, kind: str, group: str = "", selector: str = "") -> list[str]:
        found = self.cluster.ask("GET", f"{self._path(group)}/{kind}", labelSelector=selector)
        return [one["metadata"]["name"] for one in found["items"]]

    def _path(self, group: str) -> str:
        return f"/apis/{group}/namespaces/{self.name}" if group else self._core

    def pods(self, release: str, component: str = "") -> list[Pod]:
        """The pods of a release, finished ones included."""
        selector = f"{INSTANCE}={release}" + (f",{COMPONENT}={component}" if component else "")
        found = self.cluster.ask("GET", f"{self._core}/pods", labelSelector=selector)
        return [_pod(one) for one in found["items"]]

    def delete(self, kind: str, name: str, group: str = "") -> None:
        """Delete an object and what it owns."""
        self.cluster.ask("DELETE", f"{self._path(group)}/{kind}/{name}", propagationPolicy="Background")

    def run(self, pod: str, container: str, *command: str) -> str:
        """What a program in a pod writes, once it has ended well."""
        with self.cluster.execute(self.name, pod, container, command) as running:
            running.run_forever(timeout=60)
            code = running.returncode  # before `read_all`, which empties the channel that it is read from
            output = running.read_all()
        assert code == 0, output
        return output

    def log(self, pod: str, lines: int = 40) -> str:
        path = f"{self._core}/pods/{pod}/log?{urlencode({'tailLines': lines})}"
        call = self.cluster.api.param_serialize("GET", path, auth_settings=["BearerToken"])
        return cast(bytes, self.cluster.api.call_api(*call).read()).decode(errors="replace")

    def not_admitted(self) -> list[str]:
        """What was said of pods that some object could not make, as when PodSecurity refuses them."""
        return [event for event in self.events() if "FailedCreate" in event]

    def events(self) -> list[str]:
        found = self.cluster.ask("GET", f"{self._core}/events")["items"]
        return [f"{one['involvedObject'].get('name')}: {one['reason']}: {one['message']}" for one in found]

    def objects(self) -> set[str]:
        """Everything in the namespace as `Kind/name`, whatever the API groups that the cluster knows."""
        return {
            f"{resource['kind']}/{one['metadata']['name']}"
            for path, resource in self._kinds()
            for one in self.cluster.ask("GET", f"{path}/namespaces/{self.name}/{resource['name']}")["items"]
            if not (resource["kind"] == "Pod" and "deletionTimestamp" in one["metadata"])
        }

    def _kinds(self) -> list[tuple[str, dict[str, Any]]]:
        groups = self.cluster.ask("GET", "/apis")["groups"]
        paths = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
        return [
            (path, resource)
            for path in paths
            for resource in self.cluster.ask("GET", path)["resources"]
            if resource["namespaced"] and "list" in resource["verbs"] and resource["kind"] not in PASSING
        ]

    def report(self) -> str:
        """What a person would look at when something does not come up: pods, warnings and the end of each log."""
        lines: list[str] = []
        for one in self.cluster.ask("GET", f"{self._core}/pods")["items"]:
            name = one["metadata"]["name"]
            lines.append(f"--- {name}: {one['status']['phase']}")
            lines += [json.dumps(state["state"]) for state in one["status"].get("containerStatuses", [])]
            try:
                lines.append(self.log(name, 15))
            except (ApiException, OSError) as error:
                lines.append(f"no log: {error}")
        return "\n".join([*lines, "--- events", *self.events()])


@contextmanager
def new_namespace(cluster: Cluster, name: str) -> Generator[Namespace]:
    """A namespace of this name, and something random, for as long as the block runs."""
    namespace = Namespace(cluster, f"{name}-{secrets.token_hex(4)}")
    try:
        namespace.create()
        yield namespace
    finally:
        namespace.remove()


def _pod(found: Mapping[str, Any]) -> Pod:
    metadata, status = found["metadata"], found["status"]
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    return Pod(
        name=metadata["name"],
        component=metadata["labels"].get(COMPONENT, ""),
        image=found["spec"]["containers"][0]["image"],
        address=status.get("podIP", ""),
        ready=conditions.get("Ready") == "True",
        leaving="deletionTimestamp" in metadata,
        restarts=sum(one["restartCount"] for one in status.get("containerStatuses", [])),
    )


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for a condition, and fail with its name when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.5)


def until_equal(read: Callable[[], T], wanted: T, seconds: float = 60) -> None:
    """Wait until what is read is what is wanted, and fail with the difference when it does not become so."""
    end = time.monotonic() + seconds
    while (value := read()) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    assert value == wanted
