"""The GitOps examples, as the API server sees them under the custom resources of Argo CD and Flux."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, ClusterError, Namespace
from tests.cluster.judge import Judge
from tests.support.manifests import K8S, documents
from tests.support.tools import not_run_here

EXAMPLES = [
    one
    for path in ("gitops/argocd/application.yaml", "gitops/flux/helmrelease.yaml")
    for one in documents(K8S / path)
    if one["kind"] != "OCIRepository"  # whose definition is not at hand
]


@pytest.fixture(scope="module")
def judge(cluster: Cluster, namespace: Namespace, definitions: frozenset[str]) -> Judge:
    return Judge(cluster, namespace.name)


@pytest.fixture(params=EXAMPLES, ids=lambda one: one["kind"])
def example(request: pytest.FixtureRequest, judge: Judge, namespace: Namespace) -> dict[str, Any]:
    one: dict[str, Any] = copy.deepcopy(request.param)
    if not judge.knows(one):
        not_run_here(f"the custom resource {one['kind']}", "this cluster does not know it", demanded=False)
    one["metadata"]["namespace"] = namespace.name
    return one


def test_the_api_server_takes_it_as_it_stands(judge: Judge, example: dict[str, Any]) -> None:
    kept = judge.would_keep(example)
    assert {name: kept["spec"].get(name) for name in example["spec"]}.keys() == example["spec"].keys()
    values = kept["spec"].get("values") or kept["spec"]["source"]["helm"]["valuesObject"]
    assert values == (example["spec"].get("values") or example["spec"]["source"]["helm"]["valuesObject"])


def test_the_api_server_sees_a_field_that_does_not_exist(judge: Judge, example: dict[str, Any]) -> None:
    example["spec"]["retires"] = 1
    with pytest.raises(ClusterError, match="retires"):
        judge.would_keep(example)
