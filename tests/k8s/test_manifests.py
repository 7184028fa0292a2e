"""The plain manifests are what the chart renders, and kustomize builds them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] (it has its types in the code)
import pytest
import yaml

from tests.support.manifests import K8S, document, documents
from tests.support.rendering import NEWEST_KUBERNETES, OLDEST_KUBERNETES, name_of
from tests.support.tools import require_tool
from tools.generate.manifests import OVERLAYS, manifests, pages

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(K8S)))
def test_a_generated_manifest_is_not_stale(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make generate`"


@every_overlay
def test_kustomize_builds_what_the_chart_renders(overlay: Path) -> None:
    kubectl = require_tool("kubectl", demanded=False)
    text = subprocess.run([kubectl, "kustomize", overlay], capture_output=True, text=True, check=True).stdout
    namespace = document(overlay / "kustomization.yaml")["namespace"]
    wanted = manifests(overlay)
    for one in wanted:
        one["metadata"]["namespace"] = namespace
    assert {name_of(one): one for one in yaml.safe_load_all(text)} == {name_of(one): one for one in wanted}


@every_overlay
def test_an_overlay_has_its_own_namespace(overlay: Path) -> None:
    known = {one["metadata"]["name"] for one in documents(K8S / "namespaces.yaml")}
    namespace = document(overlay / "kustomization.yaml")["namespace"]
    assert namespace == f"slipway-{overlay.name}"
    assert namespace in known


@every_overlay
def test_an_overlay_holds_no_secret_and_nothing_that_only_helm_understands(overlay: Path) -> None:
    objects = documents(overlay / "manifests.yaml")
    assert "Secret" not in {one["kind"] for one in objects}
    assert "helm.sh" not in yaml.safe_dump(objects)


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
@every_overlay
def test_the_schemas_of_kubernetes_take_every_object(overlay: Path, version: str) -> None:
    for one in documents(overlay / "manifests.yaml"):
        assert kubernetes_validate.validate(one, version, strict=True) == version


def test_every_namespace_enforces_restricted_and_warns_of_what_comes() -> None:
    label = "pod-security.kubernetes.io"
    for one in documents(K8S / "namespaces.yaml"):
        labels = one["metadata"]["labels"]
        assert {labels[f"{label}/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}
        assert labels[f"{label}/enforce-version"] != "latest"
        assert labels[f"{label}/audit-version"] == labels[f"{label}/warn-version"] == "latest"


def test_the_kind_cluster_has_two_zones_to_spread_over() -> None:
    kind = document(K8S / "kind.yaml")
    assert (kind["kind"], kind["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    zones = [node["labels"]["topology.kubernetes.io/zone"] for node in kind["nodes"] if node["role"] == "worker"]
    assert len(set(zones)) == 2
