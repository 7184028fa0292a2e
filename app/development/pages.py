"""Files that are made from others and committed: written by `make generate`, held up to date by tests."""

import sys
from collections.abc import Mapping
from pathlib import Path


def write(pages: Mapping[Path, str]) -> None:
    """Writes those that are stale; with `--check` it only names them, and exits 1 if there is any."""
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit("\n".join(f"{path} is stale: run `make generate`" for path in stale))
        return
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path])
