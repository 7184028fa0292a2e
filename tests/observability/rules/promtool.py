"""Runs promtool over many small rule files and their tests at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from tests.observability.rules.cases import Case, Object, Scenario, written
from tests.support.tools import not_run_here, require_tool

_PROCESSES = 2
MAX_FILES_PER_PROCESS = 40
"""Files for one process: enough that its start costs nothing."""


@dataclass(frozen=True)
class Trial:
    """Rules of one group, and the cases that they have to pass."""

    rules: Sequence[Object]
    cases: Sequence[Case | Scenario]


@cache
def promtool() -> Path:
    """The program; the test ends here if it is nowhere."""
    if path := os.environ.get("SLIPWAY_TEST_PROMTOOL"):
        if not os.access(path, os.X_OK):
            not_run_here("promtool", "SLIPWAY_TEST_PROMTOOL names no program")
        return Path(path)
    return require_tool("promtool")


def failures(trials: Sequence[Trial], folder: Path) -> list[str]:
    """The output of promtool for each trial; empty if its cases pass."""
    program = promtool()
    for number, trial in enumerate(trials):
        group = {"name": "tried", "interval": "30s", "rules": list(trial.rules)}
        (folder / f"{number}.rules.json").write_text(json.dumps({"groups": [group]}))
        test = written(trial.cases, f"{number}.rules.json")
        (folder / f"{number}.test.json").write_text(json.dumps(test))
    numbers = range(len(trials))
    batches = [numbers[start : start + MAX_FILES_PER_PROCESS] for start in range(0, len(trials), MAX_FILES_PER_PROCESS)]
    with ThreadPoolExecutor(_PROCESSES) as pool:
        outputs = pool.map(partial(_run, program, folder), batches)
    messages: dict[int, str] = {}
    for output in outputs:
        messages |= output
    return [messages[number] for number in numbers]


def check_rules(files: Iterable[Path]) -> str:
    """What `promtool check rules` finds wrong, or nothing."""
    command: list[str | Path] = [promtool(), "check", "rules", "--lint=all", "--lint-fatal", *files]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout + result.stderr if result.returncode else ""


def _run(program: Path, folder: Path, batch: Iterable[int]) -> dict[int, str]:
    command: list[str | Path] = [program, "test", "rules", *(f"{number}.test.json" for number in batch)]
    result = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False
    )
    # 2.42 says "Unit Testing:  file", 3.x "Processing test file: file"; then come SUCCESS or the failures.
    parts = re.split(r"^(?:Unit Testing|Processing test file): +(\d+)\.test\.json$", result.stdout, flags=re.MULTILINE)
    messages = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    return {number: "" if text.strip() == "SUCCESS" else text.strip() or "nothing" for number, text in messages.items()}
