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
    """Sets the variable that prometheus_client reads during import to an empty folder.

    A folder that the environment names is emptied and kept; otherwise a private one is created and later removed.

    Raises:
        RuntimeError: prometheus_client is already imported, and would count in its own process only.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported too early: pass the target as text, not as an object")
    owner = os.getpid()
    configured = os.environ.get(FOLDER)
    folder = Path(configured or tempfile.mkdtemp(prefix="slipway-metrics-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for stale in folder.glob("*.db"):
        stale.unlink()
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        if not configured and os.getpid() == owner:  # a forked worker gets here too
            shutil.rmtree(folder, ignore_errors=True)
            del os.environ[FOLDER]
