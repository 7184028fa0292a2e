"""The plain manifests are what the chart renders, and kustomize builds them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs] (it has its types in the code)
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manifests import K8S, built, document, documents, patched
from tests.support.rendering import NEWEST_KUBERNETES, OLDEST_KUBERNETES
from tests.support.tools import require_tool
from tools.generate.manifests import BASE, OVERLAYS, differences, key_of, manifests, pages

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)

NAMES = st.sampled_from(["a", "b", "a/b", "a~1", "~"])
SCALARS = st.sampled_from([None, True, 1, "text"])
LISTS = st.lists(SCALARS | st.dictionaries(NAMES, SCALARS, max_size=2), max_size=2)
OBJECTS = st.dictionaries(NAMES, SCALARS | LISTS | st.dictionaries(NAMES, LISTS, max_size=2), max_size=3)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(K8S)))
def test_a_generated_manifest_is_not_stale(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make generate`"


def test_nothing_lies_beside_what_is_generated() -> None:
    folders = {path.parent for path in pages()} - {BASE}
    assert {path for folder in folders for path in folder.iterdir()} == pages().keys() - {BASE / "from-chart.yaml"}


@every_overlay
def test_an_overlay_is_what_the_chart_renders_with_its_values(overlay: Path) -> None:
    assert built(overlay) == manifests(BASE / "values.yaml", overlay / "values.yaml")


@every_overlay
def test_kustomize_builds_the_same(overlay: Path) -> None:
    kubectl = require_tool("kubectl", demanded=False)
    text = subprocess.run([kubectl, "kustomize", overlay], capture_output=True, text=True, check=True).stdout
    namespace = document(overlay / "kustomization.yaml")["namespace"]
    wanted = manifests(BASE / "values.yaml", overlay / "values.yaml")
    for one in wanted.values():
        one["metadata"]["namespace"] = namespace
    assert {key_of(one): one for one in yaml.safe_load_all(text)} == wanted


@given(OBJECTS, OBJECTS)
def test_a_patch_turns_one_object_into_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert patched(old, list(differences(old, new))) == new


@every_overlay
def test_an_overlay_has_its_own_namespace(overlay: Path) -> None:
    known = {one["metadata"]["name"] for one in documents(K8S / "namespaces.yaml")}
    namespace = document(overlay / "kustomization.yaml")["namespace"]
    assert namespace == f"slipway-{overlay.name}"
    assert namespace in known


@every_overlay
def test_an_overlay_holds_no_secret_and_nothing_that_only_helm_understands(overlay: Path) -> None:
    objects = built(overlay)
    assert "Secret" not in {kind for _, kind, _ in objects}
    assert "helm.sh" not in yaml.safe_dump(list(objects.values()))
    assert len([kind for _, kind, _ in objects if kind == "Job"]) == 1  # the migration of this overlay, not the base's


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
@every_overlay
def test_the_schemas_of_kubernetes_take_every_object(overlay: Path, version: str) -> None:
    for one in built(overlay).values():
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
