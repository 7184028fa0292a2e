"""The admission policies of k8s/policies, each refusing what it is there for and letting the chart's pods in."""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, ClusterError, Namespace, new_namespace, until
from tests.cluster.judge import Judge, pods_of
from tests.support.manifests import policies
from tests.support.tools import not_run_here
from tools.generate.manifests import OVERLAYS, manifests

API = "/apis/admissionregistration.k8s.io/v1"
LABEL = "slipway.dev/policies"
DIGEST = f"sha256:{'0' * 64}"

REQUESTS = {"cpu": "10m", "memory": "16Mi"}
ZEROS: dict[str, tuple[object, ...]] = {"cpu": (0, "0", "0m", "0.0", "0e3"), "memory": (0, "0", "0Ki", "0M")}
PROBE = {"httpGet": {"port": 8000}}
GOOD: dict[str, Any] = {
    "name": "good",
    "image": f"registry.example.com:5000/team/service:1.2@{DIGEST}",
    "resources": {"requests": REQUESTS},
    "readinessProbe": PROBE,
    "livenessProbe": PROBE,
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
IMAGES = "images must be named by digest or by a tag other than latest"
REQUESTED = "every container needs requests above 0 for cpu and memory"
PROBED = "every container of a Deployment needs a readinessProbe and a livenessProbe"


@pytest.fixture(scope="module")
def enforced(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace under the policies, which have names and a label of this run alone."""
    made: list[str] = []
    with new_namespace(cluster, "slipway-policies") as namespace:
        mark = namespace.name
        cluster.ask("PATCH", f"/api/v1/namespaces/{mark}", {"metadata": {"labels": {LABEL: mark}}})
        try:
            for one in policies():
                one["metadata"]["name"] = f"{mark}.{one['metadata']['name']}"
                kind = "validatingadmissionpolicies"
                if one["kind"].endswith("Binding"):
                    kind = "validatingadmissionpolicybindings"
                    one["spec"]["policyName"] = f"{mark}.{one['spec']['policyName']}"
                    one["spec"]["matchResources"]["namespaceSelector"]["matchLabels"] = {LABEL: mark}
                cluster.ask("POST", f"{API}/{kind}", one)
                made.append(f"{API}/{kind}/{one['metadata']['name']}")
            judge = Judge(cluster, mark)
            # The API server learns of new policies a moment later.
            until(lambda: all(judge.says(pod(changed(image="a"))) for _ in range(5)), "the policy of images")
            until(lambda: bool(judge.says(pod(changed(resources={})))), "the policy of requests")
            until(lambda: bool(judge.says(deployment(changed(livenessProbe=None)))), "the policy of probes")
            yield namespace
        finally:
            for path in made:
                cluster.ask("DELETE", path)


@pytest.fixture(scope="module")
def judge(enforced: Namespace) -> Judge:
    return Judge(enforced.cluster, enforced.name)


def changed(**fields: object) -> dict[str, Any]:
    """The good container with other fields, or without those that are None."""
    return {name: value for name, value in {**copy.deepcopy(GOOD), **fields}.items() if value is not None}


def first(**fields: object) -> dict[str, Any]:
    """An init container, which has no probes."""
    return changed(name="first", readinessProbe=None, livenessProbe=None, **fields)


def pod(*containers: dict[str, Any], init: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    spec = {
        "containers": list(containers),
        "initContainers": init or [],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}, "spec": spec}


def deployment(*containers: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": "tried"}
    template = {"metadata": {"labels": labels}, "spec": pod(*containers)["spec"]}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "tried"}, "spec": spec}


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        (pod(changed(image="nginx")), f"{IMAGES}: good (nginx)"),
        (pod(changed(image="nginx:latest")), f"{IMAGES}: good (nginx:latest)"),
        (pod(changed(image="host:5000/nginx")), f"{IMAGES}: good (host:5000/nginx)"),
        (pod(GOOD, changed(name="two", image="b")), f"{IMAGES}: two (b)"),
        (
            pod(GOOD, init=[first(image="c:latest")]),
            f"{IMAGES}: first",
        ),
        (pod(changed(resources={})), f"{REQUESTED}: good"),
        (pod(changed(resources=None)), f"{REQUESTED}: good"),
        (pod(changed(resources={"requests": {"cpu": "1"}})), f"{REQUESTED}: good"),
        (pod(changed(resources={"limits": {"memory": "1Gi"}})), f"{REQUESTED}: good"),
        (
            pod(GOOD, init=[first(resources={})]),
            f"{REQUESTED}: first",
        ),
        *(
            (pod(changed(resources={"requests": {**REQUESTS, name: zero}})), f"{REQUESTED}: good")
            for name, zeros in ZEROS.items()
            for zero in zeros
        ),
        (pod(changed(resources={"limits": {"cpu": "0", "memory": "16Mi"}})), f"{REQUESTED}: good"),
        (pod(GOOD, init=[first(resources={"requests": {**REQUESTS, "memory": 0}})]), f"{REQUESTED}: first"),
        (deployment(changed(readinessProbe=None)), f"{PROBED}: good"),
        (deployment(changed(livenessProbe=None)), f"{PROBED}: good"),
        (deployment(GOOD, changed(name="sidecar", livenessProbe=None)), f"{PROBED}: sidecar"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_a_sentence_that_names_it(
    judge: Judge, tried: dict[str, Any], message: str
) -> None:
    assert message in judge.says(tried)


def test_a_running_pod_cannot_be_resized_to_nothing(enforced: Namespace) -> None:
    cluster, path = enforced.cluster, f"/api/v1/namespaces/{enforced.name}/pods"

    def resize(cpu: str) -> None:
        stored = cluster.ask("GET", f"{path}/resized")
        del stored["metadata"]["resourceVersion"]  # its status changes while it starts
        stored["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu
        cluster.ask("PUT", f"{path}/resized/resize", stored, dryRun="All")

    resources = cluster.ask("GET", "/api/v1")["resources"]
    if "pods/resize" not in {resource["name"] for resource in resources}:
        not_run_here("the resizing of pods", "this Kubernetes has no pods/resize", demanded=False)
    started = pod(GOOD)
    started["metadata"]["name"] = "resized"  # other tests try a name that must be free
    cluster.ask("POST", path, started)
    try:
        resize("20m")
        with pytest.raises(ClusterError, match=f"{REQUESTED}: good"):
            resize("0")
    finally:
        cluster.ask("DELETE", f"{path}/resized", gracePeriodSeconds="0")


@pytest.mark.parametrize(
    "tried",
    [
        pod(GOOD),
        pod(changed(image="nginx:1.29")),
        pod(changed(image=f"nginx@{DIGEST}")),
        pod(changed(image=f"nginx:latest@{DIGEST}")),
        pod(changed(image="host:5000/nginx:latest-but-one")),
        pod(changed(resources={"requests": {"cpu": "1m", "memory": 1048576}})),
        pod(changed(resources={"requests": {"cpu": 0.5, "memory": "1e6"}})),
        pod(changed(resources={"limits": REQUESTS})),  # which the API server takes for the requests, too
        pod(changed(readinessProbe=None, livenessProbe=None)),
        deployment(GOOD),
    ],
)
def test_what_keeps_the_rules_is_let_in(judge: Judge, tried: dict[str, Any]) -> None:
    assert judge.says(tried) == ""


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_all_that_the_chart_renders_is_let_in(judge: Judge, overlay: Path) -> None:
    objects = manifests(overlay)
    tried = [*(one for one in objects if one["kind"] == "Deployment"), *pods_of(objects)]
    assert len(tried) >= 3
    assert [why for one in tried if (why := judge.says(one))] == []


def test_a_namespace_without_the_label_is_left_alone(enforced: Namespace, judge: Judge) -> None:
    unlabelled = {"metadata": {"labels": {LABEL: None}}}
    labels = enforced.cluster.ask("GET", f"/api/v1/namespaces/{enforced.name}")["metadata"]["labels"]
    path = f"/api/v1/namespaces/{enforced.name}"
    enforced.cluster.ask("PATCH", path, unlabelled)
    try:
        until(lambda: not judge.says(pod(changed(image="nginx"))), "the policies to let go", 10)
    finally:
        enforced.cluster.ask("PATCH", path, {"metadata": {"labels": {LABEL: labels[LABEL]}}})
