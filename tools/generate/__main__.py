"""`make generate` writes stale files; `make generate ARGS=--check` names them and exits with 1."""

import sys
from pathlib import Path

from .files import generated_files, stale_files

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Writes what is stale and removes what is no longer generated, or only names it with `--check`."""
    for files in generated_files():
        stale = stale_files(files)
        if stale and "--check" in sys.argv[1:]:
            sys.exit("\n".join(f"{path.relative_to(ROOT)} is stale: run `make generate`" for path in stale))
        for path in stale:
            if path in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(files[path])
            else:
                path.unlink()
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
