"""`kubectl apply --kustomize k8s/overlays/dev`, after the two commands that docs/shipping.md gives for it."""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import yaml

from tests.cluster.cluster import Namespace, until
from tests.cluster.conftest import Images
from tests.support.checkout import ROOT
from tests.support.tools import require_tool

PAGE = ROOT / "docs/shipping.md"
OVERLAY = "k8s/overlays/dev"


def overlay_here(folder: Path, namespace: Namespace, image: str) -> Path:
    """The overlay in this namespace, with the images that this cluster has."""
    images = [renamed("slipway", image)]
    if postgres := os.environ.get("SLIPWAY_TEST_POSTGRES_IMAGE"):
        images.append(renamed("docker.io/library/postgres", postgres))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace.name,
        "resources": [os.path.relpath(ROOT / OVERLAY, folder.resolve())],
        "images": images,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def renamed(name: str, image: str) -> dict[str, str]:
    repository, _, tag = image.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def test_the_commands_of_the_documentation_bring_it_up(namespace: Namespace, images: Images, tmp_path: Path) -> None:
    kubectl = require_tool("kubectl")
    (secret, apply) = re.findall(
        rf"^(kubectl create secret .*?|kubectl apply --kustomize {OVERLAY})\n(?=kubectl|```)",
        PAGE.read_text(),
        re.MULTILINE | re.DOTALL,
    )
    here = f"--context {namespace.cluster.context} --namespace {namespace.name}"
    place = shlex.quote(str(overlay_here(tmp_path, namespace, images.first)))
    for command in (
        f"{secret.replace('--namespace slipway-dev', '')} {here}",
        f"{apply.replace(OVERLAY, place)} {here}",
    ):
        told = command.replace("kubectl", shlex.quote(str(kubectl)), 1)
        done = subprocess.run(["bash", "-c", told], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def up() -> bool:
        served = namespace.get("deployments", "slipway-api", "apps/v1")["status"].get("readyReplicas")
        jobs = namespace.cluster.ask("GET", f"/apis/batch/v1/namespaces/{namespace.name}/jobs")["items"]
        return bool(served == 1 and [one["status"].get("succeeded") for one in jobs] == [1])

    until(up, "the pod and the migration", 120)
