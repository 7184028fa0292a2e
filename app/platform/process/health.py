"""Health: `/livez` touches nothing, `/readyz` lists each dependency, `/startupz` waits for the schema."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .drain import Drain
from .operations_http import Answer

CHECK_TIMEOUT_SECONDS = 1.0
LOOP_TIMEOUT_SECONDS = 1.0
"""How long the metrics port waits for the event loop."""
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Report: TypeAlias = dict[str, object]
"""`status`, and with details the `checks`."""
_NEVER_STORED = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Check:
    """A dependency. `probe` raises when it does not work; one that is not `required` never fails readiness."""

    name: str
    probe: Callable[[], Awaitable[object]]
    required: bool = True


@dataclass(frozen=True)
class Finding:
    """What a check found: milliseconds it took, and the kind of error or an empty string."""

    name: str
    required: bool
    milliseconds: float
    error: str = ""


async def run_check(check: Check) -> Finding:
    """Runs a check within a second; never raises. The finding names the error's type only: its text may be secret."""
    begun = time.perf_counter()
    error = ""
    try:
        await asyncio.wait_for(check.probe(), CHECK_TIMEOUT_SECONDS)
    except TimeoutError:
        error = "timeout"
    except Exception as failure:  # noqa: BLE001 - a check may fail in any way
        error = type(failure).__name__
    return Finding(check.name, check.required, round((time.perf_counter() - begun) * 1000, 1), error)


class Health:
    """The health of one application.

    Args:
        drain: while it drains, readiness is 503.
        checks: dependencies that `/readyz` lists.
        started: checks that `/startupz` waits for; each is asked until it has passed once.
        details: whether anybody may see the names of the checks, and what became of them.
    """

    def __init__(
        self, drain: Drain, checks: Sequence[Check] = (), started: Sequence[Check] = (), *, details: bool = True
    ) -> None:
        self._drain = drain
        self._checks = tuple(checks)
        self._waiting = list(started)
        self._details = details
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[str, asyncio.Task[list[Finding]]] = {}

    def endpoints(self) -> dict[str, Endpoint]:
        """The answer of each path; `/health` and `/ready` are old names of the first two."""
        return {
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/startupz": self.startupz,
            "/health": self.livez,
            "/ready": self.readyz,
        }

    def operations(self) -> dict[str, Callable[[], Answer]]:
        """The same for the metrics port, with all details, called in its threads."""
        return {
            "/readyz": partial(self._from_thread, self._readiness),
            "/startupz": partial(self._from_thread, self._start),
        }

    def watch_loop(self) -> None:
        """Names the running event loop, in which the checks of `operations` run."""
        self._loop = asyncio.get_running_loop()

    async def livez(self, request: Request) -> Response:
        """200 while the process can answer at all: a dependency that is down is no reason to restart it."""
        return _answer({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """200 if requests should come here: not draining, started, and every required dependency works."""
        return _answer(self._shown(await self._readiness()))

    async def startupz(self, request: Request) -> Response:
        """200 once everything that start-up waits for has been there."""
        return _answer(self._shown(await self._start()))

    def _shown(self, report: Report) -> Report:
        return report if self._details else {"status": report["status"]}

    async def _readiness(self) -> Report:
        started, findings = await asyncio.gather(
            self._shared("start-up", self._start_up), self._shared("readiness", self._run_checks)
        )
        failed = any(finding.error and finding.required for finding in (*started, *findings))
        status = "draining" if self._drain.draining else "unavailable" if failed else "ok"
        # What start-up still waits for is listed last, so that its name says why this is no 200 yet.
        return {"status": status, "checks": _listed((*findings, *started))}

    async def _start(self) -> Report:
        findings = await self._shared("start-up", self._start_up)
        failed = any(finding.error for finding in findings)
        return {"status": "starting" if failed else "ok", "checks": _listed(findings)}

    async def _shared(self, name: str, run: Callable[[], Coroutine[None, None, list[Finding]]]) -> list[Finding]:
        """The findings of a run that callers at the same time share: a flood of probes costs one check."""
        task = self._running.get(name)
        if task is None or task.done():
            task = self._running[name] = asyncio.create_task(run())
        return await asyncio.shield(task)

    async def _run_checks(self) -> list[Finding]:
        return list(await asyncio.gather(*(run_check(check) for check in self._checks)))

    async def _start_up(self) -> list[Finding]:
        findings = await asyncio.gather(*(run_check(check) for check in self._waiting))
        passed = {finding.name for finding in findings if not finding.error}
        self._waiting = [check for check in self._waiting if check.name not in passed]
        return findings

    def _from_thread(self, report: Callable[[], Coroutine[None, None, Report]]) -> Answer:
        """A report that is made in the event loop; 503 while the loop is blocked."""
        result: Report = {"status": "starting"}
        if self._loop is not None and self._loop.is_running():
            future = asyncio.run_coroutine_threadsafe(report(), self._loop)
            try:
                result = future.result(CHECK_TIMEOUT_SECONDS + LOOP_TIMEOUT_SECONDS)
            except TimeoutError:
                future.cancel()
                blocked = Finding(
                    "event-loop", required=True, milliseconds=LOOP_TIMEOUT_SECONDS * 1000, error="blocked"
                )
                result = {"status": "unavailable", "checks": _listed([blocked])}
        return Answer(_status(result), orjson.dumps(result), "application/json")


def _listed(findings: Sequence[Finding]) -> dict[str, dict[str, object]]:
    return {
        finding.name: {
            "status": "failed" if finding.error else "ok",
            "required": finding.required,
            "latency_ms": finding.milliseconds,
            **({"error": finding.error} if finding.error else {}),
        }
        for finding in findings
    }


def _status(report: Report) -> int:
    return 200 if report["status"] == "ok" else 503


def _answer(report: Report) -> Response:
    return Response(orjson.dumps(report), _status(report), _NEVER_STORED, "application/json")
