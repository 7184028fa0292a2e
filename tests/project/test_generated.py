"""Pages that are made from the code say what the code says."""

from pathlib import Path

import pytest

from app.development.reference import pages


@pytest.mark.parametrize("path", pages(), ids=lambda path: Path(path).name)
def test_a_generated_page_is_not_stale(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make generate`"
