"""Helm for tests: one that is missing ends the test with its name."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.tools import not_run_here
from tools import helm
from tools.helm import CHART, ROOT

__all__ = ["CHART", "ROOT", "helm3_program", "helm_program", "run_helm"]


@cache
def helm_program() -> Path:
    """The path of helm; the test ends here if there is none."""
    try:
        return helm.helm_program()
    except helm.HelmMissingError as error:
        not_run_here("helm", str(error))


@cache
def helm3_program() -> Path:
    """Helm's version before this one, if the machine has it: `SLIPWAY_TEST_HELM3`, or `helm3` on PATH."""
    program = os.environ.get("SLIPWAY_TEST_HELM3") or shutil.which("helm3")
    if not program:
        not_run_here("helm 3", "SLIPWAY_TEST_HELM3 names no program, and no helm3 is on PATH", demanded=False)
    return Path(program)


def run_helm(
    *arguments: str | Path, check: bool = True, program: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs helm, or the `program` that is another one; with `check`, an error of it fails the test with its words."""
    result = subprocess.run([program or helm_program(), *arguments], capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise AssertionError(f"helm {' '.join(map(str, arguments))}:\n{result.stderr}")
    return result
