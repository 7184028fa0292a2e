"""What the chart says of itself: its README, its metadata, and what an upgrade needs."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.support.helm import CHART
from tests.support.rendering import PROFILES
from tools.generate.chart_readme import README, table, text

METADATA: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())
UPGRADING = (CHART / "UPGRADING.md").read_text()
KINDS = {"added", "changed", "deprecated", "removed", "fixed", "security"}


def test_the_table_of_values_is_what_the_comments_say() -> None:
    assert README.read_text() == text(), "run `make generate`"


def test_every_value_has_a_row_with_a_meaning() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| (.*) \|$", README.read_text(), re.MULTILINE)
    named = {path: meaning for path, _, meaning in rows}
    assert [path for path, meaning in named.items() if not meaning and path not in LIKE_DEFAULTS] == []
    assert {"database.host", "defaults.autoscaling.keda.triggers", "networkPolicy.dns.ports"} <= named.keys()
    assert len(named) > 120


LIKE_DEFAULTS = {
    "components.api",
    *(f"migration.{name}" for name in ("resources", "settings", "env", "volumes", "podSpec", "containerSpec")),
}
"""Values that are explained where they are described first."""


def test_a_default_and_a_comment_make_a_row() -> None:
    words = '# @schema {"additionalProperties": true}'
    values = f"# One.\na: 1\n# Both.\nb:\n  # A word | two.\n  c: x\n  # Free.\n  {words}\n  d: {{e: 1}}\n"
    assert table(values).splitlines()[2:] == [
        "| `a` | `1` | One. |",
        "| `b` |  | Both. |",
        '| `b.c` | `"x"` | A word \\| two. |',
        "| `b.d` | `{e}` | Free. |",
    ]


def test_every_example_is_in_the_readme() -> None:
    linked = set(re.findall(r"\]\(examples/([\w-]+)/values\.yaml\)", README.read_text()))
    assert linked == set(PROFILES)


def test_every_value_that_the_pages_name_exists() -> None:
    tops = "|".join(yaml.safe_load((CHART / "values.yaml").read_text()))
    rows = set(re.findall(r"^\| `([\w.]+)` \|", README.read_text(), re.MULTILINE))
    prose = README.read_text().partition("## Values")[0] + UPGRADING.replace("networkPolicy.dnsPorts", "")
    named = set(re.findall(rf"`((?:{tops})(?:\.[a-zA-Z]+)+)[`=:]", prose))
    assert len(named) > 8
    assert named - rows - {"settings.SLIPWAY"} == set()


def test_artifact_hub_finds_its_annotations() -> None:
    annotations = METADATA["annotations"]
    assert annotations["artifacthub.io/license"] == "Apache-2.0"
    assert annotations["artifacthub.io/category"] == "skip-prediction"  # a service is none of its categories
    assert {change["kind"] for change in yaml.safe_load(annotations["artifacthub.io/changes"])} <= KINDS
    for name in ("images", "links"):
        entries = yaml.safe_load(annotations[f"artifacthub.io/{name}"])
        assert entries
        assert all(entry["name"] and len(entry) == 2 for entry in entries)


def test_the_images_that_are_told_are_those_of_the_values() -> None:
    (image,) = yaml.safe_load(METADATA["annotations"]["artifacthub.io/images"])
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert image["image"] == values["dev"]["postgres"]["image"]


def test_this_version_says_what_an_upgrade_to_it_needs() -> None:
    assert f"\n## {METADATA['version']}\n" in UPGRADING
