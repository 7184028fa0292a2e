"""The program checkov, in an environment of its own: installed once into `.slipway/tools`, run without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.tools import not_run_here

ROOT = Path(__file__).parents[2]
_TOOLS = ROOT / ".slipway/tools"
_LOCK = ROOT / "requirements/checkov.txt"


def checkov(*manifests: Path) -> dict[str, Any]:
    """Its report on files of manifests, as it says it in JSON."""
    options = ("--framework", "kubernetes", "--skip-download", "--soft-fail", "--output", "json")
    with tempfile.TemporaryDirectory() as home:
        result = subprocess.run(
            [_environment() / "bin/python", "-m", "checkov.main", *options, "--file", *manifests],
            env={"PATH": os.environ["PATH"], "HOME": home, "LOG_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@cache
def _environment() -> Path:
    """Where checkov is installed; the test ends here if that cannot be done."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        not_run_here("checkov", f"no program uv beside {sys.executable} to install it with")
    content = _LOCK.read_bytes() + sysconfig.get_platform().encode() + sys.version.encode()
    environment = _TOOLS / f"checkov-{hashlib.sha256(content).hexdigest()[:16]}"
    if not environment.exists():
        _TOOLS.mkdir(parents=True, exist_ok=True)
        for old in _TOOLS.glob("checkov-*"):
            shutil.rmtree(old)
        with tempfile.TemporaryDirectory(dir=_TOOLS) as folder:
            fresh = Path(folder) / "environment"
            _run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, fresh)
            _run(uv, "pip", "sync", "--quiet", "--python", fresh / "bin/python", "--require-hashes", _LOCK)
            fresh.replace(environment)  # whole or not at all, also when the run is interrupted
    return environment


def _run(*command: str | Path) -> None:
    """Runs uv with the index that pip is told, as scripts/bootstrap does."""
    told = {"UV_DEFAULT_INDEX": index} if (index := os.environ.get("PIP_INDEX_URL")) else {}
    result = subprocess.run(
        command, env=told | dict(os.environ), capture_output=True, text=True, timeout=280, check=False
    )
    if result.returncode:
        not_run_here("checkov", f"it cannot be installed: {(result.stderr.strip().splitlines() or ['no reason'])[-1]}")
