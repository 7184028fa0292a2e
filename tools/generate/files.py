"""Every generated file of the repository and its text."""

from pathlib import Path

from observability.alerts import files as alerts
from observability.catalogue import page as metrics
from observability.dashboards import files as dashboards

from . import chart_examples, chart_readme, chart_schema, manifests, reference

FOLDERS = (dashboards.FOLDER, alerts.FOLDER)
"""Folders that hold generated files only: others in them are stale."""


def generated_files() -> dict[Path, str]:
    """The text of each generated file, by its path.

    Raises:
        HelmError: the chart does not render.
    """
    return {
        **reference.pages(),
        chart_schema.SCHEMA: chart_schema.text(),
        **alerts.pages(),
        **dashboards.pages(),
        chart_readme.README: chart_readme.text(),
        **chart_examples.pages(),
        **manifests.pages(),
        metrics.PAGE: metrics.page(),
    }


def stale_files(files: dict[Path, str]) -> list[Path]:
    """The paths whose content differs from `files`, and those in `FOLDERS` that are no longer generated."""
    changed = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    left_over = [path for folder in FOLDERS for path in folder.iterdir() if path not in files]
    return changed + left_over
