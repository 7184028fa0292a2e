"""The YAML below `k8s`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import yaml

from tests.support.checkout import ROOT
from tools.generate.manifests import Object

K8S = ROOT / "k8s"
POLICIES = K8S / "policies"


def documents(path: Path) -> list[Object]:
    return [cast(Object, one) for one in yaml.safe_load_all(path.read_text()) if one]


def document(path: Path) -> Object:
    (found,) = documents(path)
    return found


def policies() -> list[Object]:
    """The admission policies and their bindings."""
    return [
        one for path in document(POLICIES / "kustomization.yaml")["resources"] for one in documents(POLICIES / path)
    ]
