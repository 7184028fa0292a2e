"""The folder through which several workers share their metrics."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_metrics() -> Generator[None]:
    """Names an empty folder in the variable that prometheus_client reads when it is imported.

    A folder that the environment names is emptied and kept; else a private one is made, and later removed.

    Raises:
        RuntimeError: prometheus_client is imported already, and would count for its own process alone.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported too early: give the target as text, not as it is")
    owner = os.getpid()
    given = os.environ.get(FOLDER)
    folder = Path(given or tempfile.mkdtemp(prefix="slipway-metrics-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        if not given and os.getpid() == owner:  # a worker comes here as well, by its fork
            shutil.rmtree(folder, ignore_errors=True)
            del os.environ[FOLDER]
