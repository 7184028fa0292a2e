"""skaffold.yaml against the chart and the Dockerfile: what Skaffold itself would only show by doing nothing."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.support.checkout import ROOT
from tests.support.dockerfile import stages
from tests.support.skaffold import (
    CONFIGURATION,
    DIGEST,
    VARIABLE,
    Pipeline,
    built,
    containers,
    pipelines,
    rendered,
)
from tests.support.tools import not_run_here

SCHEMA = "SLIPWAY_TEST_SKAFFOLD_SCHEMA"
ALL = [pytest.param(one, id=one.name) for one in pipelines()]


def test_it_is_what_the_schema_of_skaffold_allows() -> None:
    path = os.environ.get(SCHEMA)
    if not path:
        not_run_here("Skaffold's JSON schema", f"{SCHEMA} names no file", demanded=False)
    validator = jsonschema_rs.Draft7Validator(json.loads(Path(path).read_text()))
    assert [error.message for error in validator.iter_errors(CONFIGURATION)] == []


@pytest.mark.parametrize("pipeline", ALL)
def test_templates_ask_for_artifacts_that_are_built(pipeline: Pipeline) -> None:
    known = built(pipeline).keys()
    for release in pipeline.releases:
        asked = {name for value in release["setValueTemplates"].values() for name in VARIABLE.findall(value)}
        assert asked
        assert asked <= known


@pytest.mark.parametrize("pipeline", ALL)
def test_every_value_that_is_set_is_one_of_the_chart(pipeline: Pipeline) -> None:
    for release in pipeline.releases:
        schema = json.loads((ROOT / release["chartPath"] / "values.schema.json").read_text())
        for key in (*release.get("setValues", {}), *release["setValueTemplates"]):
            place = schema
            for part in key.split("."):
                assert part in place.get("properties", {}), f"the chart has no value {key}"
                place = place["properties"][part]


@pytest.mark.parametrize("pipeline", ALL)
def test_synced_files_exist_and_land_where_the_image_runs_them(pipeline: Pipeline) -> None:
    for artifact, rule in sync_rules(pipeline):
        assert list(ROOT.glob(rule["src"])), f"{rule['src']} matches no file"
        (stage,) = (one for one in stages() if one.name == artifact["docker"]["target"])
        assert rule["dest"] == stage.workdir
        assert rule["dest"] in stage.variables["PYTHONPATH"].split(":")
        assert "strip" not in rule  # the path below the checkout is the path below the folder


@pytest.mark.parametrize("pipeline", ALL)
def test_forwarded_ports_are_those_of_rendered_objects(pipeline: Pipeline) -> None:
    objects = [one for release in pipeline.releases for one in rendered(release, built(pipeline))]
    assert pipeline.ports
    for forward in pipeline.ports:
        (found,) = (
            one
            for one in objects
            if (one["kind"].lower(), one["metadata"]["name"]) == (forward["resourceType"], forward["resourceName"])
        )
        ports = [value for port in found["spec"].get("ports", []) for value in (port["name"], port["port"])]
        if found["kind"] == "Deployment":
            ports += [int(word.rpartition(":")[2]) for one in containers([found]) for word in listens(one)]
        assert forward["port"] in ports


@pytest.mark.parametrize("digest", ["", DIGEST], ids=["loaded", "pushed"])
@pytest.mark.parametrize("pipeline", ALL)
def test_pods_run_the_image_as_it_was_built(pipeline: Pipeline, digest: str) -> None:
    """Skaffold compares the strings: one character apart and no edit is ever copied."""
    variables = built(pipeline, digest=digest)
    expected = f"slipway:{variables['IMAGE_TAG_slipway']}{f'@{digest}' if digest else ''}"
    for release in pipeline.releases:
        images = [one["image"] for one in containers(rendered(release, variables)) if "slipway" in one["image"]]
        assert set(images) == {expected}


def test_a_debugger_listens_on_the_loopback_of_its_pod_alone() -> None:
    started = [
        container
        for pipeline in pipelines()
        for release in pipeline.releases
        for container in containers(rendered(release, built(pipeline)))
    ]
    assert {address for container in started for address in listens(container)} == {"127.0.0.1:5678"}


def listens(container: dict[str, Any]) -> Iterator[str]:
    """Where the command of a container says that it listens."""
    words = container.get("command", [])
    yield from (value for word, value in itertools.pairwise(words) if word == "--listen")


def sync_rules(pipeline: Pipeline) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for artifact in pipeline.artifacts:
        for rule in artifact.get("sync", {}).get("manual", []):
            yield artifact, rule
