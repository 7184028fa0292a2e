"""When the alerts on error budgets fire, and when not."""

from __future__ import annotations

from collections.abc import Iterator

from tests.observability.rules.cases import JOB, OURS, Case, target, variants
from tests.support.rendering import NAMESPACE

OBJECTIVE = {"availability": 0.999, "latency": 0.99}
_SPENT = {"Fast": "within days", "Slow": "before the 30 days are over"}
_VERB = {"availability": "fails", "latency": "delays"}


def _burn(slo: str, objective: float, windows: dict[str, str], errors: str, long: str) -> dict[str, str]:
    recorded = "slipway:slo_errors:increase1h" if long == "1h" else "slipway:slo_errors:increase5m"
    return {
        target("slipway:slo_objective", slo=slo): f"{objective}x90",
        target(recorded, slo=slo): errors,
        **{target(f"slipway:slo_error_ratio:rate{window}", slo=slo): values for window, values in windows.items()},
    }


def _cases(kind: str, speed: str, factors: dict[tuple[str, str], float]) -> Iterator[Case]:
    rule = f"Slipway{kind.capitalize()}Burn{speed}"
    objective = OBJECTIVE[kind]
    labels = {**OURS, "slo": kind, "severity": "page" if speed == "Fast" else "ticket"}
    for (long, short), factor in factors.items():
        limit = factor * (1 - objective)
        above, far_below = f"{limit * 1.05}x90", f"{limit / 10}x90"
        # The sum of what is recorded counts each error ten times.
        enough = "10x90" if long == "1h" else "100 0x90"
        few = "9x90" if long == "1h" else "99 0x90"

        def burn(
            first: str,
            second: str,
            errors: str = enough,
            slo: str = kind,
            pair: tuple[str, str] = (long, short),
            promised: float = objective,
        ) -> dict[str, str]:
            return _burn(slo, promised, {pair[0]: first, pair[1]: second}, errors, pair[0])

        yield Case(
            rule,
            f"fires at once when {long} and {short} burn, for five minutes more",
            burn(above, f"{limit * 1.05}x10 0x80"),
            fires=("0s", "5m", "9m30s"),
            silent=("10m30s",),
            labels=labels,
            summary=f"{JOB} {_VERB[kind]} too many requests for its {kind} objective",
            description=f"{limit * 105:.4g}% of the requests to {JOB} in {NAMESPACE} missed the {kind} objective. "
            f"At this rate its error budget is spent {_SPENT[speed]}.",
        )
        yield Case(
            rule,
            f"knows the objective of a route ({long})",
            burn(above, above, slo=f"{kind}-orders"),
            fires=("1m",),
            labels={**labels, "slo": f"{kind}-orders"},
        )
        exact = repr(limit)
        yield Case(rule, f"is silent at {long} exactly", burn(f"{exact}x90", above), silent=("1m", "20m"))
        yield Case(rule, f"is silent at {short} exactly", burn(above, f"{exact}x90"), silent=("1m", "20m"))
        yield Case(rule, f"is silent when {long} does not burn", burn(far_below, above), silent=("1m", "20m"))
        yield Case(rule, f"is silent when {short} does not burn", burn(above, far_below), silent=("1m", "20m"))
        yield Case(rule, f"is silent about nine errors in {long}", burn(above, above, few), silent=("1m", "20m"))
        yield Case(
            rule, f"is silent about other objectives ({long})", burn(above, above, slo="freshness"), silent=("1m",)
        )
        yield Case(
            rule,
            f"is silent where nothing is asked ({long})",
            {name: v for name, v in burn(above, above).items() if "error_ratio" not in name},
            silent=("1m",),
        )
        yield Case(
            rule,
            f"does not compare with the objective of another ({long})",
            {
                **burn(far_below, far_below),
                **{n.replace(NAMESPACE, "elsewhere"): v for n, v in burn(above, above).items()},
                **{n.replace(JOB, "billing-api"): v for n, v in burn(above, above).items()},
            },
            silent=("1m",),
        )
        for strict in (long, short):
            yield Case(
                rule,
                f"takes {strict} by the objective in force",
                burn(f"{limit * 1.5}x90", f"{limit * 1.5}x90", promised=1 - 2 * (1 - objective)),
                silent=("1m",),
            )
        yield from variants(Case(rule, "fires", burn(above, above), fires=("1m",), labels=labels))


CASES = [
    case
    for kind in OBJECTIVE
    for speed, factors in (
        ("Fast", {("1h", "5m"): 14.4, ("6h", "30m"): 6.0}),
        ("Slow", {("1d", "2h"): 3.0, ("3d", "6h"): 1.0}),
    )
    for case in _cases(kind, speed, factors)
]
