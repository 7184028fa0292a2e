"""Releases of the chart's examples on a PostgreSQL that was there before them, with a Secret of somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import yaml

from tests.cluster.cluster import Namespace
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release
from tests.support.helm import CHART

SMALL: Mapping[str, str] = {"cpu": "100m", "memory": "256Mi"}
"""What a pod asks for here: the cluster of a test may have two cores."""


def example_values(name: str) -> dict[str, Any]:
    """The values of an example, as they stand in the chart."""
    text = (CHART / "examples" / name / "values.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def install_example(
    example: str, namespace: Namespace, postgres: Postgres, values: Mapping[str, object], name: str = "shop"
) -> Release:
    """The example as it stands, but for the address of its database and `values`; ready when this returns."""
    release = Release(name, namespace, example=example)
    postgres.create_database(name)
    postgres.create_secret(example_values(example)["secrets"]["existingSecret"])
    here = {"host": postgres.host, "port": 5432, "name": name, "user": name, "ssl": "disable"}
    release.install({"database": here, **values})
    return release
