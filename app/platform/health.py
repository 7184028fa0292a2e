"""Health: `/livez` touches nothing, `/readyz` lists each dependency, `/startupz` waits for the schema."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .drain import Drain

CHECK_SECONDS = 1.0
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
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
        await asyncio.wait_for(check.probe(), CHECK_SECONDS)
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
    """

    def __init__(self, drain: Drain, checks: Sequence[Check] = (), started: Sequence[Check] = ()) -> None:
        self._drain = drain
        self._checks = tuple(checks)
        self._waiting = list(started)

    def endpoints(self) -> dict[str, Endpoint]:
        """The answer of each path; `/health` and `/ready` are old names of the first two."""
        return {
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/startupz": self.startupz,
            "/health": self.livez,
            "/ready": self.readyz,
        }

    async def livez(self, request: Request) -> Response:
        """200 while the process can answer at all: a dependency that is down is no reason to restart it."""
        return _answer(200, {"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """200 if requests should come here: not draining, started, and every required dependency works."""
        started, findings = await asyncio.gather(
            self._start_up(), asyncio.gather(*(run_check(check) for check in self._checks))
        )
        failed = any(finding.error and finding.required for finding in (*started, *findings))
        status = "draining" if self._drain.draining else "unavailable" if failed else "ok"
        # What start-up still waits for is listed last, so that its name says why this is no 200 yet.
        return _answer(200 if status == "ok" else 503, {"status": status, "checks": _listed((*findings, *started))})

    async def startupz(self, request: Request) -> Response:
        """200 once everything that start-up waits for has been there."""
        findings = await self._start_up()
        failed = any(finding.error for finding in findings)
        return _answer(503 if failed else 200, {"status": "starting" if failed else "ok", "checks": _listed(findings)})

    async def _start_up(self) -> list[Finding]:
        findings = await asyncio.gather(*(run_check(check) for check in self._waiting))
        passed = {finding.name for finding in findings if not finding.error}
        self._waiting = [check for check in self._waiting if check.name not in passed]
        return findings


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


def _answer(status: int, body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), status, _NEVER_STORED, "application/json")
