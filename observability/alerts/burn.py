"""Alerts on error budgets that burn too fast. Each uses a long window as evidence, and a short one so that it ends.

Google's "The Site Reliability Workbook", chapter 5, table 5-8, with one addition: a minimum number of errors, since
in a quiet hour a single failed request is a large share.
"""

from dataclasses import dataclass
from typing import Literal

from observability.rules import OURS, Alert, Severity, indented
from observability.slo.recording import OVERLAP

MIN_ERRORS = 10
"""Minimum in the long window. One failure per hour makes 6 in six hours."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A pair of windows, and how many times faster than allowed the budget burns in both."""

    long: str
    short: str
    factor: float


FAST = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6))
"""2 % of the budget of 30 days in one hour, or 5 % in six."""
SLOW = (Burn("1d", "2h", 3), Burn("3d", "6h", 1))
"""10 % of it in one day, or in three."""


def _burns(kind: str, burn: Burn) -> str:
    selected = f'{{slo=~"{kind}(-.+)?",{OURS}}}'

    def too_fast(window: str) -> str:
        return f"slipway:slo_error_ratio:rate{window}{selected} > {burn.factor} * (1 - slipway:slo_objective{selected})"

    errors = (
        f"slipway:slo_errors:increase1h{selected}"
        if burn.long == "1h"
        else f"sum_over_time(slipway:slo_errors:increase5m{selected}[{burn.long}]) / {OVERLAP}"
    )
    return f"{too_fast(burn.long)}\nand\n{too_fast(burn.short)}\nand\n{errors} >= {MIN_ERRORS}"


def burns(kind: str, pairs: tuple[Burn, ...]) -> str:
    """True while one of the pairs burns; its value is the share of requests that miss the objective."""
    return "\nor\n".join(f"(\n{indented(_burns(kind, pair))}\n)" for pair in pairs)


def _alert(kind: Literal["availability", "latency"], speed: Literal["Fast", "Slow"], missed: str) -> Alert:
    severity: Severity = "page" if speed == "Fast" else "ticket"
    spent = "within days" if speed == "Fast" else "before the 30 days are over"
    return Alert(
        f"Slipway{kind.capitalize()}Burn{speed}",
        burns(kind, FAST if speed == "Fast" else SLOW),
        severity,
        f"{{{{ $labels.job }}}} {missed} too many requests for its {{{{ $labels.slo }}}} objective",
        f"{{{{ $value | humanizePercentage }}}} of the requests to {{{{ $labels.job }}}} in "
        f"{{{{ $labels.namespace }}}} missed the {{{{ $labels.slo }}}} objective. At this rate its error budget is "
        f"spent {spent}.",
        "slo",
        keep="5m",
    )


ALERTS = (
    _alert("availability", "Fast", "fails"),
    _alert("availability", "Slow", "fails"),
    _alert("latency", "Fast", "delays"),
    _alert("latency", "Slow", "delays"),
)
