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


def write() -> None:
    """Writes stale files, and removes files without a dashboard."""
    wanted = pages()
    for path in set(FOLDER.glob("*.json")) - wanted.keys():
        path.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
