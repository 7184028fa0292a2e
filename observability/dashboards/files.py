"""`make generate`: the files that the chart hands to Grafana."""

from pathlib import Path

from .boards import DASHBOARDS
from .grafana import text

FOLDER = Path(__file__).parents[2] / "charts/slipway/files/dashboards"


def pages() -> dict[Path, str]:
    """Each file and what belongs into it."""
    return {
        FOLDER / f"{dashboard.uid.removeprefix('slipway-')}.json": text(dashboard, DASHBOARDS)
        for dashboard in DASHBOARDS
    }
