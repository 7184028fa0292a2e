"""One served sample for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample behind the layer, without traces."""
    folder: Path = tmp_path_factory.mktemp("served")
    with serving(folder / "log") as running:
        yield running
