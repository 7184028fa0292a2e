"""Every rule of the chart alone: its results, and when it fires."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from observability.alerts.files import alerts
from tests.observability.rules.cases import Case, seconds
from tests.observability.rules.cases_burn import CASES as BURN
from tests.observability.rules.cases_dependencies import CASES as DEPENDENCIES
from tests.observability.rules.cases_kubernetes import CASES as KUBERNETES
from tests.observability.rules.cases_pods import CASES as PODS
from tests.observability.rules.cases_recording import CASES as RECORDING
from tests.observability.rules.cases_service import CASES as SERVICE
from tests.observability.rules.cases_telemetry import CASES as TELEMETRY
from tests.observability.rules.chart import every_rule, rules_called
from tests.observability.rules.promtool import Trial, failures

CASES = [*BURN, *SERVICE, *DEPENDENCIES, *KUBERNETES, *PODS, *TELEMETRY, *RECORDING]


def by_rule() -> dict[tuple[str, str], list[Case]]:
    """The cases of each rule, by its name and, if it is recorded, its objective."""
    sorted_cases = defaultdict[tuple[str, str], list[Case]](list)
    for case in CASES:
        sorted_cases[case.rule, case.labels.get("slo", "") if case.values else ""].append(case)
    return dict(sorted_cases)


def test_every_rule_does_what_its_cases_say(tmp_path: Path) -> None:
    named = by_rule()
    messages = failures([Trial(rules_called(*name), cases) for name, cases in named.items()], tmp_path)
    assert not "\n".join(f"{name}: {text}" for name, text in zip(named, messages, strict=True) if text)


def test_every_alert_has_cases_in_both_directions() -> None:
    for alert in alerts():
        cases = [case for case in CASES if case.rule == alert.name]
        severity = [case for case in cases if case.fires and case.labels["severity"] == alert.severity]
        assert any(case.description for case in severity), alert
        assert any(case.silent for case in cases), alert
        assert any(_ends(case) for case in cases), f"{alert.name} never ends"


def _ends(case: Case) -> bool:
    return bool(case.fires) and any(seconds(time) > seconds(case.fires[-1]) for time in case.silent)


def test_every_recorded_series_has_cases() -> None:
    recorded = {rule["record"] for rule in every_rule() if "record" in rule}
    assert recorded == {case.rule for case in CASES if case.values}
