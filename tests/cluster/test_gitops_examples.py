"""The GitOps examples, as the API server sees them under the custom resources of Argo CD and Flux."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, ClusterError, Namespace
from tests.k8s.files import K8S, documents
from tests.support.tools import not_run_here

EXAMPLES = [
    one
    for path in ("gitops/argocd/application.yaml", "gitops/flux/helmrelease.yaml")
    for one in documents(K8S / path)
    if one["kind"] != "OCIRepository"  # whose definition is not at hand
]
PLURALS = {"Application": "applications", "HelmRelease": "helmreleases"}


def created(namespace: Namespace, example: dict[str, Any]) -> dict[str, Any]:
    """What the API server would keep of it; a field that it does not know is an error."""
    one = copy.deepcopy(example)
    one["metadata"]["namespace"] = namespace.name
    path = f"/apis/{one['apiVersion']}/namespaces/{namespace.name}/{PLURALS[one['kind']]}"
    return namespace.cluster.ask("POST", path, one, dryRun="All", fieldValidation="Strict")


@pytest.fixture(params=EXAMPLES, ids=lambda one: one["kind"])
def example(request: pytest.FixtureRequest, cluster: Cluster) -> dict[str, Any]:
    one: dict[str, Any] = request.param
    group, _, version = one["apiVersion"].partition("/")
    groups = {found["name"]: found for found in cluster.ask("GET", "/apis")["groups"]}
    served = [found["version"] for found in groups.get(group, {}).get("versions", [])]
    kinds: list[str] = []
    if version in served:
        kinds = [found["kind"] for found in cluster.ask("GET", f"/apis/{group}/{version}")["resources"]]
    if one["kind"] not in kinds:
        not_run_here(f"the custom resource {one['kind']}", "this cluster does not know it", demanded=False)
    return one


def test_the_api_server_takes_it_as_it_stands(namespace: Namespace, example: dict[str, Any]) -> None:
    kept = created(namespace, example)
    assert {name: kept["spec"].get(name) for name in example["spec"]}.keys() == example["spec"].keys()
    values = kept["spec"].get("values") or kept["spec"]["source"]["helm"]["valuesObject"]
    assert values == (example["spec"].get("values") or example["spec"]["source"]["helm"]["valuesObject"])


def test_the_api_server_sees_a_field_that_does_not_exist(namespace: Namespace, example: dict[str, Any]) -> None:
    wrong = copy.deepcopy(example)
    wrong["spec"]["retires"] = 1
    with pytest.raises(ClusterError, match="retires"):
        created(namespace, wrong)
