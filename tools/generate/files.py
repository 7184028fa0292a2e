"""Every generated file of the repository and its text."""

from collections.abc import Iterator
from pathlib import Path

from observability.alerts import files as alerts
from observability.catalogue import page as metrics
from observability.dashboards import files as dashboards

from . import chart_examples, chart_readme, chart_schema, manifests, reference

FOLDERS = (dashboards.FOLDER, alerts.FOLDER)
"""Folders that hold generated files only: others in them are stale."""


def generated_files() -> Iterator[dict[Path, str]]:
    """The text of each generated file by its path, in two stages: what Helm renders depends on the chart's files.

    Raises:
        HelmError: the chart does not render; it is rendered with the files of the first stage that are on disk.
    """
    yield {
        **reference.pages(),
        chart_schema.SCHEMA: chart_schema.text(),
        **alerts.pages(),
        **dashboards.pages(),
        chart_readme.README: chart_readme.text(),
        metrics.PAGE: metrics.page(),
    }
    yield {**chart_examples.pages(), **manifests.pages()}


def stale_files(files: dict[Path, str]) -> list[Path]:
    """The paths whose content differs from `files`, and those beside them in `FOLDERS` that are not generated."""
    changed = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    folders = {path.parent for path in files} & set(FOLDERS)
    left_over = [path for folder in folders for path in folder.iterdir() if path not in files]
    return changed + left_over
