"""What the recording rules make of requests, each rule alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.observability.rules.cases import Case, nan, others, requests, series, target

OBJECTIVES = {"availability": 0.999, "latency": 0.99, "availability-orders": 0.999, "latency-orders": 0.99}
_INCREASE = {"5m": 10, "1h": 120}
"""How many steps of 30 s a window has."""
_SUMMED = ("rate30m", "rate2h", "rate6h", "rate1d", "rate3d", "30d")
_OTHER_POD = "slipway-api-7c9d8f5b6-q8z2m"


def _with_others(samples: Mapping[str, str]) -> dict[str, str]:
    """The same of another release, another namespace and another objective: none of them may be counted."""
    return {
        **samples,
        **others(samples),
        **{re.sub(r'slo="[^"]+"', 'slo="freshness"', name): "7x130" for name in samples if "slo=" in name},
    }


def _case(rule: str, slo: str, says: str, samples: Mapping[str, str], **values: float | None) -> Case:
    times = {time.removeprefix("at_"): value for time, value in values.items()}
    return Case(rule, says, _with_others(samples), labels={"slo": slo}, values=times)


def _whole_service() -> dict[str, str]:
    """Per step: 22 requests that count for availability, 7 of which fail; 17 have a latency, 4 of them are late."""
    return {
        requests("200"): "0+9x130",
        requests("200", "/api/v1/feed"): "0+1x130",
        requests("200", "/api/v1/feed", le="0.25"): "0+1x130",
        requests("200", le="0.25"): "0+6x130",
        requests("200", le="0.5"): "0+9x130",
        requests("404", "/api/v1/items/{item_id}", pod=_OTHER_POD): "0+5x130",
        requests("404", "/api/v1/items/{item_id}", pod=_OTHER_POD, le="0.25"): "0+5x130",
        requests("499"): "0+3x130",
        requests("499", le="0.25"): "0+2x130",
        requests("408", "/api/v1/items", "POST"): "0+60x130",
        requests("408", "/api/v1/items", "POST", le="0.25"): "0+0x130",
        requests("429", "/api/v1/auth/token", "POST"): "0+200x130",
        requests("429", "/api/v1/auth/token", "POST", le="0.25"): "0+150x130",
        requests("500"): "0+4x130",
        requests("500", le="0.25"): "0+0x130",
        requests("503", "/api/v1/users", "POST"): "0+1x130",
        requests("503", "/api/v1/users", "POST", le="0.25"): "0+1x130",
        requests("500", "_unmatched"): "0+2x130",
        requests("500", "_unmatched", le="0.25"): "0+2x130",
        requests("404", "_unmatched"): "0+70x130",
        requests("404", "_unmatched", le="0.25"): "0+40x130",
        requests("200", "/livez"): "0+90x130",
        requests("200", "/livez", le="0.25"): "0+50x130",
        requests("503", "/readyz"): "0+80x130",
        requests("503", "/readyz", le="0.25"): "0+50x130",
    }


def _one_route() -> dict[str, str]:
    """Per step: 12 requests that count for availability, 2 of which fail; 13 have a latency, 4 of them are late."""
    post = {"route": "/api/v1/orders", "method": "POST"}
    return {
        requests("201", **post): "0+10x130",
        requests("201", **post, le="0.25"): "0+7x130",
        requests("201", **post, le="0.5"): "0+8x130",
        requests("499", **post): "0+3x130",
        requests("499", **post, le="0.25"): "0+2x130",
        requests("408", **post): "0+60x130",
        requests("408", **post, le="0.25"): "0+0x130",
        requests("429", **post): "0+200x130",
        requests("429", **post, le="0.25"): "0+150x130",
        requests("500", **post): "0+2x130",
        requests("500", **post, le="0.25"): "0+1x130",
        requests("200", "/api/v1/orders", "GET"): "0+50x130",
        requests("200", "/api/v1/orders", "GET", le="0.25"): "0+30x130",
        requests("500", "/api/v1/orders", "GET"): "0+20x130",
        requests("500", "/api/v1/orders", "GET", le="0.25"): "0+20x130",
        requests("201", "/api/v1/items", "POST"): "0+40x130",
        requests("201", "/api/v1/items", "POST", le="0.25"): "0+30x130",
        requests("500", "/api/v1/items", "POST"): "0+30x130",
        requests("500", "/api/v1/items", "POST", le="0.25"): "0+20x130",
    }


_COUNTED = {
    "availability": (_whole_service(), 22, 7),
    "latency": (_whole_service(), 17, 4),
    "availability-orders": (_one_route(), 12, 2),
    "latency-orders": (_one_route(), 13, 4),
}


def _restarted(values: str) -> str:
    """A counter that starts again after half an hour, without the loss of an increase."""
    each = values.removeprefix("0+").partition("x")[0]
    return f"0+{each}x60 {each}+{each}x130"


def _counts(slo: str) -> Iterator[Case]:
    samples, counted, missed = _COUNTED[slo]
    for window, steps in _INCREASE.items():
        # The rule of errors looks at the requests that were counted right before.
        known = {target(f"slipway:slo_requests:increase{window}", slo=slo): f"{counted * steps}x130"}
        for name, each, more in (("requests", counted, {}), ("errors", missed, known)):
            rule = f"slipway:slo_{name}:increase{window}"
            yield _case(rule, slo, "counts what the objective is about", {**samples, **more}, at_65m=each * steps)
            yield _case(rule, slo, "is nothing without series", {}, at_5m=None)
            numberless = dict.fromkeys({**samples, **more}, nan(130))
            yield _case(rule, slo, "is nothing while all is NaN", numberless, at_65m=None)
            if window == "5m":
                again = {one: _restarted(value) for one, value in samples.items()}
                yield _case(rule, slo, "goes on through a restart", {**again, **more}, at_32m=each * steps)
        yield from _zeros(slo, window, samples)


def _zeros(slo: str, window: str, samples: Mapping[str, str]) -> Iterator[Case]:
    requests_counted, errors = (f"slipway:slo_{name}:increase{window}" for name in ("requests", "errors"))
    idle = dict.fromkeys(samples, "7x130")
    yield _case(requests_counted, slo, "is zero while nothing is asked", idle, at_65m=0)
    nobody = {target(requests_counted, slo=slo): "0x130"}
    yield _case(errors, slo, "is zero while nothing is asked", {**idle, **nobody}, at_65m=0)
    some = {target(requests_counted, slo=slo): f"{_INCREASE[window]}x130"}
    if slo.startswith("availability"):
        yield _case(errors, slo, "is zero before the first error", some, at_10m=0)
    else:
        post = {"route": "/api/v1/orders", "method": "POST"}
        in_time = {requests("201", **post, le="0.25"): "0+1x130"}
        yield _case(errors, slo, "is zero while all are in time", {**some, **in_time}, at_65m=0)
        more = {requests("201", **post, le="0.25"): "0+1.1x130"}
        yield _case(errors, slo, "is zero where a rounding makes more of it", {**some, **more}, at_65m=0)


def _ratios(slo: str) -> Iterator[Case]:
    for window in _INCREASE:
        errors, total = (target(f"slipway:slo_{name}:increase{window}", slo=slo) for name in ("errors", "requests"))
        rule = f"slipway:slo_error_ratio:rate{window}"
        yield _case(rule, slo, "is the share of what missed", {errors: "3x9", total: "60x9"}, at_1m=0.05)
        yield _case(rule, slo, "is nothing where nothing is asked", {errors: "0x9", total: "0x9"}, at_1m=None)
        yield _case(rule, slo, "is one where the only one misses", {errors: "1x9", total: "1x9"}, at_1m=1)
        yield _case(rule, slo, "is nothing without series", {}, at_1m=None)
    errors, total = (target(f"slipway:slo_{name}:increase5m", slo=slo) for name in ("errors", "requests"))
    for window in _SUMMED:
        rule = f"slipway:slo_error_ratio:{window}"
        weighted = {errors: "0x9 2x9", total: "6000x9 2x9"}
        yield _case(rule, slo, "weighs each request the same", weighted, at_9m30s=20 / 60020)
        yield _case(rule, slo, "is one where the only one misses", {errors: "1", total: "1"}, at_0s=1)
        yield _case(rule, slo, "is nothing where nothing is asked", {errors: "0x9", total: "0x9"}, at_1m=None)
        yield _case(rule, slo, "is nothing without series", {}, at_1m=None)


def _budgets(slo: str, objective: float) -> Iterator[Case]:
    goal = target("slipway:slo_objective", slo=slo)
    ratio = target("slipway:slo_error_ratio:30d", slo=slo)
    for spent in (0.0, 0.5, 1.5):
        samples = {goal: f"{objective}x9", ratio: f"{spent * (1 - objective)}x9"}
        yield _case("slipway:slo_budget_left:30d", slo, f"knows {spent} to be spent", samples, at_1m=1 - spent)
    errors, total = (target(f"slipway:slo_{name}:increase5m", slo=slo) for name in ("errors", "requests"))
    samples = {goal: f"{objective}x9", errors: "5x9", total: "1000x9"}
    left = 1000 * (1 - objective) - 5
    yield _case("slipway:slo_errors_left:30d", slo, "counts each request once", samples, at_4m30s=left)
    active = series("http_server_active_requests")
    both = {active: "3x9", series("http_server_active_requests", pod=_OTHER_POD, instance="10.0.0.2:9464"): "0x9"}
    yield _case("slipway:slo_objective", slo, "is there once for all processes", both, at_1m=objective)
    yield _case("slipway:slo_objective", slo, "is nothing without a process", {}, at_1m=None)


CASES = [
    case for slo, objective in OBJECTIVES.items() for case in (*_counts(slo), *_ratios(slo), *_budgets(slo, objective))
]
