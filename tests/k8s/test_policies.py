"""The admission policies as files; what they refuse is seen in a cluster (`tests/cluster/test_policies.py`)."""

from __future__ import annotations

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] (it has its types in the code)
import pytest

from tests.support.manifests import K8S, POLICIES, documents, policies
from tests.support.rendering import NEWEST_KUBERNETES, OLDEST_KUBERNETES

RULES = [one for one in policies() if one["kind"] == "ValidatingAdmissionPolicy"]
BINDINGS = [one for one in policies() if one["kind"] == "ValidatingAdmissionPolicyBinding"]


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_the_schemas_of_kubernetes_take_them(version: str) -> None:
    for one in policies():
        assert kubernetes_validate.validate(one, version, strict=True) == version


def test_every_file_is_one_that_kustomize_applies() -> None:
    applied = {one["metadata"]["name"].partition(".")[0] for one in RULES}
    assert applied == {path.stem for path in POLICIES.glob("*.yaml")} - {"kustomization"}


def test_each_policy_is_bound_once_and_needs_no_parameters() -> None:
    assert sorted(one["spec"]["policyName"] for one in BINDINGS) == sorted(one["metadata"]["name"] for one in RULES)
    assert all("paramKind" not in one["spec"] for one in RULES)
    assert all("paramRef" not in one["spec"] for one in BINDINGS)


def test_a_policy_that_cannot_be_evaluated_refuses() -> None:
    assert {one["spec"]["failurePolicy"] for one in RULES} == {"Fail"}
    assert {tuple(one["spec"]["validationActions"]) for one in BINDINGS} == {("Deny",)}


def test_a_message_names_the_containers_and_there_is_one_when_that_fails() -> None:
    for one in RULES:
        (validation,) = one["spec"]["validations"]
        assert ".join(', ')" in validation["messageExpression"]
        assert f"'{validation['message']}: '" in validation["messageExpression"]


def test_they_bind_where_a_namespace_asks_for_it() -> None:
    (wanted,) = {tuple(one["spec"]["matchResources"]["namespaceSelector"]["matchLabels"].items()) for one in BINDINGS}
    asking = [
        one["metadata"]["name"]
        for one in documents(K8S / "namespaces.yaml")
        if set(wanted) <= one["metadata"]["labels"].items()
    ]
    assert asking == ["slipway-production"]
