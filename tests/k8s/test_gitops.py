"""The GitOps examples: their values are ones that the chart takes, and what they name is what the release makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.k8s.files import K8S, document, documents
from tests.support.helm import CHART, run_helm

APPLICATION = document(K8S / "gitops/argocd/application.yaml")
SOURCE, RELEASE = documents(K8S / "gitops/flux/helmrelease.yaml")
ARGO_VALUES: dict[str, Any] = APPLICATION["spec"]["source"]["helm"]["valuesObject"]
FLUX_VALUES: dict[str, Any] = RELEASE["spec"]["values"]
VERSION: str = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    flags = [word for name, value in values.items() for word in ("--set-json", f"{name}={json.dumps(value)}")]
    return [one for one in yaml.safe_load_all(run_helm("template", "slipway", CHART, *flags).stdout) if one]


@pytest.mark.parametrize("values", [ARGO_VALUES, FLUX_VALUES], ids=["argocd", "flux"])
def test_the_chart_takes_the_values(values: dict[str, Any]) -> None:
    objects = rendered(values)
    assert {"Deployment", "HorizontalPodAutoscaler", "Job"} <= {one["kind"] for one in objects}


def test_argo_cd_runs_the_migration_before_the_pods_and_never_as_a_hook_of_helm() -> None:
    assert ARGO_VALUES["gitops"] is True
    (job,) = (one for one in rendered(ARGO_VALUES) if one["kind"] == "Job")
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    assert int(annotations["argocd.argoproj.io/sync-wave"]) < 0
    assert not any(name.startswith("helm.sh/") for name in annotations)


def test_they_go_where_restricted_and_the_policies_are_enforced() -> None:
    known = {one["metadata"]["name"] for one in documents(K8S / "namespaces.yaml")}
    places = {
        APPLICATION["spec"]["destination"]["namespace"],
        SOURCE["metadata"]["namespace"],
        RELEASE["metadata"]["namespace"],
    }
    assert places == {"slipway-production"} <= known


def test_they_take_the_chart_from_where_the_release_workflow_puts_it() -> None:
    assert SOURCE["spec"]["url"] == "oci://ghcr.io/EXAMPLE-ORG/charts/slipway"
    source = APPLICATION["spec"]["source"]
    assert (f"oci://{source['repoURL']}/{source['chart']}", source["targetRevision"]) == (
        SOURCE["spec"]["url"],
        VERSION,
    )
    assert RELEASE["spec"]["chartRef"] == {"kind": SOURCE["kind"], "name": SOURCE["metadata"]["name"]}
    assert {values["image"]["repository"] for values in (ARGO_VALUES, FLUX_VALUES)} == {"ghcr.io/EXAMPLE-ORG/slipway"}


def test_flux_takes_only_what_the_release_workflow_signed() -> None:
    (identity,) = SOURCE["spec"]["verify"]["matchOIDCIdentity"]
    assert "/release\\.yaml@refs/tags/v" in identity["subject"]
    assert identity["issuer"] == "^https://token\\.actions\\.githubusercontent\\.com$"
