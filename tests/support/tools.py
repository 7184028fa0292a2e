"""Tools that a machine may lack: their tests are named at the end of the run, and fail where CI=true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

_PREFIX = "not run here: "


def require_tool(name: str, *other_names: str, demanded: bool = True) -> Path:
    """The program, or the end of the test: skipped, and where it is `demanded` failed if CI=true."""
    names = (name, *other_names)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        not_run_here(name, f"no program {' or '.join(names)} on PATH", demanded=demanded)
    return Path(found)


def not_run_here(tool: str, reason: str, *, demanded: bool = True) -> NoReturn:
    """End the test, since `tool` is missing; `demanded` is False where CI=true makes no failure of it."""
    if demanded and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{tool} is missing where CI=true demands it: {reason}", pytrace=False)
    pytest.skip(f"{_PREFIX}{tool}: {reason}")


def missing_tools(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> dict[str, list[str]]:
    """The tests that were not run, by the tool that they lacked."""
    missing: dict[str, list[str]] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        tool = reason.removeprefix("Skipped: ").removeprefix(_PREFIX).partition(":")[0]
        if _PREFIX in reason:
            missing.setdefault(tool, []).append(report.nodeid)
    return missing
