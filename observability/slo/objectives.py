"""Which requests an objective counts, and which of them miss it. The numbers are values of the chart."""

from dataclasses import dataclass

from app.platform.telemetry.metrics.catalogue import REQUEST_DURATION, UNMATCHED_ROUTE
from observability.rules import OURS, indented

PROBES = ("/livez", "/readyz", "/startupz", "/health", "/ready", "/metrics", "/internal/revocations")
"""Requested by machines every few seconds: they would dilute the requests of users."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A target for a share of requests.

    Args:
        slo: the value of the label `slo`.
        target: the share of requests that is to meet it.
        requests: counts those of the last `%{window}` that the objective is about; `errors` those that missed it.
    """

    slo: str
    target: str
    requests: str
    errors: str


def _increase(suffix: str, *matchers: str) -> str:
    return f"increase({REQUEST_DURATION.name}_{suffix}{{{','.join((OURS, *matchers))}}}[%{{window}}])"


def _sum(*counts: str) -> str:
    inner = "\n  or\n".join(f"  {count}" for count in counts)
    return f"sum by (job, namespace) (\n{inner}\n)"


_FAILED = 'http_response_status_code=~"5.."'
_OUTSIDE = ("408", "429")
"""Only a client can cause them: it sends too slowly or too often. They count neither as failures, or any outsider could
burn the budget, nor as successes, or a flood of them would hide an outage."""
_REFUSED = "|".join(_OUTSIDE)
_ANSWERED = f'http_response_status_code!~"{_REFUSED}|499"'
_HAS_LATENCY = f'http_response_status_code!~"{_REFUSED}|5.."'
_NO_PROBE = f'http_route!~"{"|".join(PROBES)}"'
_SERVED = f'http_route!~"{"|".join((*PROBES, UNMATCHED_ROUTE))}"'
_UNMATCHED = f'http_route="{UNMATCHED_ROUTE}"'
_ONE_ROUTE = ('http_route="%{route}"', 'http_request_method=~"%{methods}"')


def _counted(slo: str) -> str:
    """The requests, which are recorded right before the errors."""
    return f'slipway:slo_requests:increase%{{window}}{{slo="{slo}",{OURS}}}'


def _availability(slo: str, requests: str, errors: str) -> Objective:
    """A request fails with a 5xx. One whose client disconnected (499), or was refused for its rate, does not count."""
    # Before the first 5xx there may be no such series: that is no error, and not an unknown number of them.
    return Objective(slo, "%{availability}", requests, f"{errors}\nor on (job, namespace)\n0 * {_counted(slo)}")


def _latency(slo: str, *matchers: str) -> Objective:
    """A request is late past the threshold. One whose client disconnected counts with the time until then.

    A 5xx does not count here, and a request that was refused for what its client did does not either.
    """
    requests = _sum(_increase("count", *matchers, _HAS_LATENCY))
    in_time = _sum(_increase("bucket", *matchers, _HAS_LATENCY, 'le="%{latencySeconds}"'))
    # The same requests, added up in another order, can differ by a rounding.
    late = f"clamp_min(\n  {_counted(slo)}\n  - on (job, namespace)\n{indented(in_time)},\n  0\n)"
    return Objective(slo, "%{latency}", requests, late)


OBJECTIVES = (
    _availability(
        "availability",
        # Requests that match no route come from scanners, unless they failed before routing.
        _sum(_increase("count", _SERVED, _ANSWERED), _increase("count", _UNMATCHED, _FAILED)),
        _sum(_increase("count", _NO_PROBE, _FAILED)),
    ),
    _latency("latency", _SERVED, 'http_route!~"%{slowRoutes}"'),
)
"""Of the whole service. One that is added here gets its recording rules, and its burn alerts by its kind."""

ROUTE_OBJECTIVES = (
    _availability(
        "availability-%{name}",
        _sum(_increase("count", *_ONE_ROUTE, _ANSWERED)),
        _sum(_increase("count", *_ONE_ROUTE, _FAILED)),
    ),
    _latency("latency-%{name}", *_ONE_ROUTE),
)
"""Of one route, for each entry of `monitoring.rules.objectives.routes`."""
