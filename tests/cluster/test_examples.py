"""Every object of every example, judged by the API server: no unknown field, and pods that *restricted* admits."""

from __future__ import annotations

from functools import cache
from typing import cast

import pytest
import yaml

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.conftest import Figures
from tests.cluster.judge import Judge, Object, pods_of
from tests.support.helm import CHART, run_helm
from tests.support.tools import not_run_here

EXAMPLES = sorted(path.parent.name for path in (CHART / "examples").glob("*/values.yaml"))
GENERAL = {"rendered", "values"}
OF_OTHERS = {"ExternalSecret", "HTTPRoute", "ScaledObject", "ServiceMonitor"}
"""Kinds that Kubernetes itself does not know, and that an example shows."""


@pytest.fixture(scope="module")
def judge(cluster: Cluster, namespace: Namespace, definitions: frozenset[str]) -> Judge:
    return Judge(cluster, namespace.name)


@cache
def objects(example: str, namespace: str) -> list[Object]:
    """What the chart makes of an example, and the objects that lie beside its values."""
    folder = CHART / "examples" / example
    values = f"--values={folder / 'values.yaml'}"
    texts = [run_helm("template", "slipway", CHART, values, f"--namespace={namespace}").stdout]
    texts += [path.read_text(encoding="utf-8") for path in folder.glob("*.yaml") if path.stem not in GENERAL]
    made = [cast(Object, one) for text in texts for one in yaml.load_all(text, yaml.CSafeLoader) if one]
    for one in made:
        one["metadata"].pop("namespace", None)
    return made


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_api_server_takes_every_object_of_an_example(
    example: str, judge: Judge, namespace: Namespace, figures: Figures
) -> None:
    made = objects(example, namespace.name)
    judged = [one for one in [*made, *pods_of(made)] if judge.knows(one)]
    assert [refusal for one in judged if (refusal := judge.says(one))] == []
    figures.add(f"{example}: {len(judged)} objects, pods of workloads included")
    unknown = sorted({one["kind"] for one in made if not judge.knows(one)})
    if unknown:
        not_run_here(f"definitions of {', '.join(unknown)}", "SLIPWAY_TEST_CRDS names no folder of them")


def test_the_examples_show_every_kind_that_others_define(namespace: Namespace) -> None:
    shown = {one["kind"] for example in EXAMPLES for one in objects(example, namespace.name)}
    assert shown >= OF_OTHERS


def test_the_judge_refuses_what_is_wrong(judge: Judge, namespace: Namespace) -> None:
    made = objects("minimal", namespace.name)
    service = next(one for one in made if one["kind"] == "Service")
    assert "selektor" in judge.says(service | {"spec": service["spec"] | {"selektor": {}}})
    pod = next(pods_of(made))
    assert "restricted" in judge.says(pod | {"spec": pod["spec"] | {"hostNetwork": True}})
