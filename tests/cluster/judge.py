"""The API server as judge: it is asked whether it would take an object, and makes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import yaml

from tests.cluster.cluster import Cluster, ClusterError, until

Object = dict[str, Any]
ELSEWHERE = {"serviceAccountName", "priorityClassName"}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Judge:
    """Of objects that are to be in one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._known: dict[str, dict[str, Object]] = {}

    def knows(self, one: Object) -> bool:
        return one["kind"] in self._resources(one["apiVersion"])

    def would_keep(self, one: Object) -> Object:
        """The object as it would be in the cluster.

        Raises:
            ClusterError: it refuses the object; a field that it does not know is a reason.
        """
        resource = self._resources(one["apiVersion"])[one["kind"]]
        scope = f"/namespaces/{self._namespace}" if resource["namespaced"] else ""
        path = f"{_root(one['apiVersion'])}{scope}/{resource['name']}"
        return self._cluster.ask("POST", path, one, dryRun="All", fieldValidation="Strict")

    def says(self, one: Object) -> str:
        """Why it refuses the object; empty when it takes it."""
        try:
            self.would_keep(one)
        except ClusterError as error:
            return f"{one['kind']}/{one['metadata']['name']}: {error}"
        return ""

    def _resources(self, version: str) -> dict[str, Object]:
        """The kinds of a version of an API, each with what its resource is called."""
        if version not in self._known:
            try:
                found = cast("list[Object]", self._cluster.ask("GET", _root(version))["resources"])
            except ClusterError as error:
                if error.status != 404:
                    raise
                found = []
            self._known[version] = {one["kind"]: one for one in found if "/" not in one["name"]}
        return self._known[version]


def pods_of(objects: Iterable[Object]) -> Iterator[Object]:
    """A pod as each workload would make it, since a template is not judged before there are pods."""
    for one in objects:
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            template = one["spec"]["template"]
            metadata = {"name": one["metadata"]["name"], "labels": template["metadata"]["labels"]}
            # What must be in the cluster first, and is not when nothing is made.
            spec = {key: value for key, value in template["spec"].items() if key not in ELSEWHERE}
            claims = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])]
            claimed = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
            spec["volumes"] = spec.get("volumes", []) + claimed
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def install_definitions(cluster: Cluster, folder: Path) -> None:
    """Put custom resource definitions into the cluster, and wait until it serves them."""
    for path in sorted(folder.glob("*.yaml")):
        for definition in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            name = definition["metadata"]["name"]
            cluster.apply(f"{DEFINITIONS}/{name}", cast("Mapping[str, object]", definition))
            until(partial(_served, cluster, name), f"the definition {name}")
    time.sleep(1)  # the list of kinds follows


def _served(cluster: Cluster, name: str) -> bool:
    status = cluster.ask("GET", f"{DEFINITIONS}/{name}").get("status", {})
    # Null until the API server has looked at it.
    conditions = cast("list[Object]", status.get("conditions") or [])
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
