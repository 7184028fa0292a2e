"""The GitOps examples: their values are ones that the chart takes, and what they name is what the release makes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.support.helm import CHART, run_helm
from tests.support.manifests import K8S, document, documents

APPLICATION = document(K8S / "gitops/argocd/application.yaml")
SOURCE, RELEASE = documents(K8S / "gitops/flux/helmrelease.yaml")
ARGO_VALUES: dict[str, Any] = APPLICATION["spec"]["source"]["helm"]["valuesObject"]
FLUX_VALUES: dict[str, Any] = RELEASE["spec"]["values"]
VERSION: str = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
TAG = "v1.2.3"


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


def test_flux_takes_versions_of_this_chart() -> None:
    assert SOURCE["spec"]["ref"] == {"semver": f"{VERSION.rpartition('.')[0]}.x"}


ISSUER = "https://token.actions.githubusercontent.com"
REPOSITORY = "https://github.com/EXAMPLE-ORG/slipway"
RELEASE_WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yaml"


@pytest.mark.parametrize("tag", ["v0.2.0", "v1.2.3", "v10.20.30"])
def test_flux_takes_what_the_release_workflow_signed(tag: str) -> None:
    assert signed_by(f"{RELEASE_WORKFLOW}@refs/tags/{tag}")


@pytest.mark.parametrize(
    ("subject", "issuer"),
    [
        (f"https://github.com/EXAMPLE-ORG/other/.github/workflows/release.yaml@refs/tags/{TAG}", ISSUER),
        (f"https://github.com/EXAMPLE-ORG/slipway-fork/.github/workflows/release.yaml@refs/tags/{TAG}", ISSUER),
        (f"https://github.com/EXAMPLE-ORG-2/slipway/.github/workflows/release.yaml@refs/tags/{TAG}", ISSUER),
        (f"https://github-com/EXAMPLE-ORG/slipway/.github/workflows/release.yaml@refs/tags/{TAG}", ISSUER),
        (f"https://evil.example/{RELEASE_WORKFLOW}@refs/tags/{TAG}", ISSUER),
        (f"{REPOSITORY}/.github/workflows/ci.yaml@refs/tags/{TAG}", ISSUER),
        (f"{REPOSITORY}/.github/workflows/releaseXyaml@refs/tags/{TAG}", ISSUER),
        (f"{RELEASE_WORKFLOW}@refs/heads/main", ISSUER),
        (f"{RELEASE_WORKFLOW}@refs/heads/{TAG}", ISSUER),
        (f"{RELEASE_WORKFLOW}@refs/tags/{TAG}-rc.1", ISSUER),
        (f"{RELEASE_WORKFLOW}@refs/tags/vnext", ISSUER),
        (f"{RELEASE_WORKFLOW}@refs/tags/{TAG}", "https://token.actions.githubusercontent.com.evil.example"),
        (f"{RELEASE_WORKFLOW}@refs/tags/{TAG}", "https://token-actions.githubusercontent.com"),
    ],
)
def test_flux_takes_nothing_that_another_identity_signed(subject: str, issuer: str) -> None:
    assert not signed_by(subject, issuer)


def signed_by(subject: str, issuer: str = ISSUER) -> bool:
    """Whether Flux takes a signature; cosign looks for its expressions anywhere in both texts."""
    identities = SOURCE["spec"]["verify"]["matchOIDCIdentity"]
    return any(re.search(one["subject"], subject) and re.search(one["issuer"], issuer) for one in identities)
