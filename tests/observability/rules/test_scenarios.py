"""All rules of the chart together, over hours of requests: which alerts fire, and how much budget is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.observability.rules.cases import Scenario, nan, requests, series
from tests.observability.rules.chart import every_rule
from tests.observability.rules.promtool import Trial, failures

PAGES = 'count(ALERTS{severity="page",alertstate="firing"})'
ANY = 'count(ALERTS{alertstate="firing"})'
EVER_A_PAGE = 'count(count_over_time(ALERTS{severity="page",alertstate="firing"}[1d]))'
RECORDED = sorted({rule["record"] for rule in every_rule() if "record" in rule})


def _firing(alert: str) -> str:
    return f'count(ALERTS{{alertname="Slipway{alert}",alertstate="firing"}})'


def _there(**more: str) -> dict[str, str]:
    """The other metrics of a process, for hours."""
    return {
        series("up"): "1x300",
        series("app_build_info", version="1", revision="a"): "1x300",
        series("http_server_active_requests"): "1x300",
        **more,
    }


def _requests(fine: str, in_time: str = "", failed: str = "0x300") -> dict[str, str]:
    return {requests("200"): fine, requests("200", le="0.25"): in_time or fine, requests("500"): failed}


def _not_a_number(*times: str) -> dict[tuple[str, str], float | None]:
    """Nothing but NaN differs from itself."""
    return {(time, f"count({name} != {name})"): None for name in RECORDED for time in times}


SCENARIOS = [
    Scenario(
        "A full outage pages within three minutes",
        {**_there(), **_requests("0+300x120 36000x20", failed="0x120 0+300x20")},
        {("60m", ANY): None, ("63m", _firing("AvailabilityBurnFast")): 1, ("63m", PAGES): 1},
    ),
    Scenario(
        "A full outage with a request every five seconds pages within three minutes",
        {**_there(), **_requests("0+6x120 720x20", failed="0x120 0+6x20")},
        {("60m", ANY): None, ("63m", _firing("AvailabilityBurnFast")): 1},
    ),
    Scenario(
        "One request in ten that fails pages within ten minutes",
        {**_there(), **_requests("0+300x120 36000+270x40", failed="0x120 0+30x40")},
        {("60m", ANY): None, ("70m", _firing("AvailabilityBurnFast")): 1, ("70m", PAGES): 1},
    ),
    Scenario(
        "Requests that are all late page within twelve minutes, since the hour may have 14.4 % of them",
        {**_there(), **_requests("0+300x160", in_time="0+300x120 36000x40")},
        {("60m", ANY): None, ("72m", _firing("LatencyBurnFast")): 1, ("72m", PAGES): 1},
    ),
    Scenario(
        "A page for an outage of five minutes ends when half an hour was fine",
        {**_there(), **_requests("0+300x120 36000x10 36000+300x80", failed="0x120 0+300x10 3000x80")},
        {("64m", _firing("AvailabilityBurnFast")): 1, ("105m", PAGES): None},
    ),
    Scenario(
        "A process that no longer answers pages within three minutes",
        {**_there(), **_requests("0+300x40"), series("up"): "1x20 0x20"},
        {("10m", ANY): None, ("13m", _firing("ServiceDown")): 1},
    ),
    Scenario(
        "A process that is gone pages within three minutes",
        dict.fromkeys(_there(), "1x20 stale"),
        {("10m", ANY): None, ("13m", _firing("ServiceDown")): 1},
    ),
    Scenario(
        "One failure an hour among sixty requests pages nobody",
        {**_there(), **_requests("0+2x240", failed=" ".join(f"{hour}x29" for hour in range(8)))},
        {
            ("7h50m", EVER_A_PAGE): None,
            ("7h50m", 'count(slipway:slo_error_ratio:rate1h{slo="availability"} > 0.0144)'): 1,
        },
        step="2m",
    ),
    Scenario(
        "A busy hour without a fault weighs more than a quiet one with nothing else",
        {**_there(), **_requests("0+6000x60 360000x80", failed="0x60 0+2x60 120x20")},
        {
            ("2h10m", 'count(abs(slipway:slo_error_ratio:30d{slo="availability"} / (120 / 360120) - 1) < 0.01)'): 1,
            ("2h10m", 'count(slipway:slo_budget_left:30d{slo="availability"} > 0.66 < 0.67)'): 1,
        },
        step="1m",
    ),
    Scenario(
        "Forty minutes without a request leave no NaN behind, and the budget as it was",
        {**_there(), **_requests("0+5997x30 179910x40 179910+5997x60", failed="0+3x30 90x40 90+3x60")},
        {
            **_not_a_number("50m", "2h"),
            ("50m", 'count(slipway:slo_error_ratio:rate5m{slo="availability"})'): None,
            ("50m", 'count(abs(slipway:slo_error_ratio:30d{slo="availability"} - 0.0005) < 0.00001)'): 1,
            ("2h", 'count(abs(slipway:slo_error_ratio:30d{slo="availability"} - 0.0005) < 0.00001)'): 1,
            ("2h", EVER_A_PAGE): None,
        },
        step="1m",
    ),
    Scenario(
        "Counters that are no numbers for a while leave no NaN behind",
        {**_there(), **{name: f"{nan(30)} {values}" for name, values in _requests("0+60x90", failed="0x90").items()}},
        {
            **_not_a_number("20m", "32m", "2h"),
            ("2h", 'count(slipway:slo_error_ratio:30d{slo="availability"} == 0)'): 1,
        },
        step="1m",
    ),
    Scenario(
        "A healthy service calls nobody, also when it is restarted and another version comes",
        {
            **_there(),
            **_requests("0+300x60 0+300x60"),
            series("app_build_info", version="1", revision="a"): "1x60 stale",
            series("app_build_info", version="2", revision="b"): "_x55 1x80",
        },
        {(time, "count(ALERTS)"): None for time in ("10m", "31m", "45m", "60m")},
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.sentence)
def test_the_rules_do_in_hours_what_they_are_for(scenario: Scenario, tmp_path: Path) -> None:
    assert failures([Trial(every_rule(), [scenario])], tmp_path) == [""]
