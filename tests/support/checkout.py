"""The files of this checkout, as a reader of the repository sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = {".git", ".venv", ".slipway", "dist", "__pycache__", ".hypothesis"}


def text_files() -> Iterator[tuple[Path, str]]:
    """Every text file that is kept, with its content."""
    for path in _walk(ROOT):
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def modules(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python module below a folder of the checkout, parsed."""
    for path in _walk(ROOT / folder):
        if path.suffix == ".py":
            yield path, ast.parse(path.read_text(), path)


def imports(module: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports absolutely, wherever in it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in GENERATED or path.name.endswith("_cache"):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path
