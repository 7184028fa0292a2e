"""What Skaffold makes of skaffold.yaml: its profiles, its templates, and what Helm then renders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from tests.support.checkout import ROOT
from tests.support.helm import run_helm

TEXT = (ROOT / "skaffold.yaml").read_text()
CONFIGURATION: dict[str, Any] = yaml.safe_load(TEXT)
PROFILES: list[dict[str, Any]] = CONFIGURATION["profiles"]
VARIABLE = re.compile(r"\{\{ *\.(\w+) *\}\}")
DIGEST = f"sha256:{'d' * 64}"


@dataclass(frozen=True)
class Pipeline:
    """The configuration with one profile, or none."""

    name: str
    sections: dict[str, Any]

    @property
    def artifacts(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.sections["build"]["artifacts"])

    @property
    def releases(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.sections["deploy"]["helm"]["releases"])

    @property
    def ports(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.sections["portForward"])

    @property
    def checks(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.sections["verify"])


def pipelines() -> Iterator[Pipeline]:
    """The default and each profile; a profile replaces the parts of a section whole, as Skaffold's overlay does."""
    base: dict[str, Any] = {"verify": [], **{name: CONFIGURATION[name] for name in ("build", "deploy", "portForward")}}
    yield Pipeline("default", base)
    for profile in PROFILES:
        merged = {
            name: {**base[name], **profile.get(name, {})}
            if isinstance(base[name], dict)
            else profile.get(name, base[name])
            for name in base
        }
        yield Pipeline(profile["name"], merged)


def pipeline(name: str) -> Pipeline:
    (found,) = (one for one in pipelines() if one.name == name)
    return found


def built(pipeline: Pipeline, *, digest: str = "") -> dict[str, str]:
    """The variables that Skaffold gives templates after a build; an image that was not pushed has no digest."""
    variables: dict[str, str] = {}
    for artifact in pipeline.artifacts:
        suffix = re.sub(r"[/\-.:]", "_", artifact["image"])
        variables |= {
            f"IMAGE_REPO_{suffix}": artifact["image"],
            f"IMAGE_TAG_{suffix}": "0123abcd",
            f"IMAGE_DIGEST_{suffix}": digest,
        }
    return variables


def filled(template: str, variables: Mapping[str, str]) -> str:
    """A template as Skaffold expands it: an `@` before an empty digest is cut."""
    return VARIABLE.sub(lambda found: variables.get(found[1], "<no value>"), template).removesuffix("@")


def rendered(release: Mapping[str, Any], variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects that Helm makes of a release."""
    words: list[str | Path] = ["template", release["name"], ROOT / release["chartPath"]]
    for values in release.get("valuesFiles", []):
        words += ["--values", ROOT / values]
    for key, value in release.get("setValues", {}).items():
        words += ["--set", f"{key}={value}"]
    for key, template in release.get("setValueTemplates", {}).items():
        words += ["--set", f"{key}={filled(template, variables)}"]
    return [one for one in yaml.safe_load_all(run_helm(*words).stdout) if one]


def containers(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every container of every pod."""
    for one in objects:
        spec = one["spec"] if one["kind"] == "Pod" else one.get("spec", {}).get("template", {}).get("spec", {})
        yield from spec.get("initContainers", [])
        yield from spec.get("containers", [])
