"""A test case of a rule: input series, and what is recorded or fires at which time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tests.support.rendering import NAMESPACE

Object: TypeAlias = dict[str, Any]
Labels: TypeAlias = Mapping[str, str]

JOB = "slipway-api"
POD = "slipway-api-7c9d8f5b6-x2kvp"
INSTANCE = "10.0.0.1:9464"
OURS = {"job": JOB, "namespace": NAMESPACE}


@dataclass(frozen=True)
class Case:
    """A scenario for the rules of one name.

    Args:
        rule: name of an alert or of a recorded series.
        sentence: what this shows, as the end of "it …".
        series: the samples of each series, in promtool's notation.
        fires: times at which the alert fires, with `labels`; at the times of `silent` it does not.
        labels: labels of the alert, or those that choose one of several rules of a name.
        values: what is recorded at a time; None is nothing.
        summary, description: the texts of the alert at the first time of `fires`.
    """

    rule: str
    sentence: str
    series: Mapping[str, str]
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    labels: Labels = field(default_factory=dict[str, str])
    values: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    summary: str = ""
    description: str = ""
    step: str = "30s"
    """Between two samples and between two evaluations; the same for all cases of a rule."""

    @property
    def title(self) -> str:
        chosen = self.labels.get("slo", "")
        return f"{self.rule}{{{chosen}}} {self.sentence}" if chosen else f"{self.rule} {self.sentence}"


@dataclass(frozen=True)
class Scenario:
    """A scenario for many rules together.

    Args:
        sentence: what it shows, as a sentence.
        series: the samples of each series, in promtool's notation.
        queries: a time and a query without labels, with its result; None if there is none.
    """

    sentence: str
    series: Mapping[str, str]
    queries: Mapping[tuple[str, str], float | None]
    step: str = "30s"

    @property
    def title(self) -> str:
        return self.sentence


def series(name: str, /, **labels: str) -> str:
    """A series of our process."""
    return _written(name, {**OURS, "pod": POD, "instance": INSTANCE, **labels})


def target(name: str, /, **labels: str) -> str:
    """A series with the labels of our job and no others."""
    return _written(name, {**OURS, **labels})


def foreign(name: str, /, **labels: str) -> str:
    """A series of another program about our objects, with its own `job`."""
    return _written(name, {"job": "kube-state-metrics", "namespace": NAMESPACE, "instance": "10.0.0.9:8080", **labels})


def requests(
    status: str = "200", route: str = "/api/v1/items", method: str = "GET", pod: str = POD, **labels: str
) -> str:
    """The counter of requests that ended so."""
    return series(
        "http_server_request_duration_seconds_" + ("bucket" if "le" in labels else "count"),
        pod=pod,
        http_request_method=method,
        http_route=route,
        http_response_status_code=status,
        **labels,
    )


def variants(case: Case) -> Iterator[Case]:
    """What must be silent where a case fires: no series, NaN in all of them, those of others."""
    quiet = replace(case, fires=(), silent=case.fires, summary="", description="")
    if case.rule != "SlipwayServiceDown":  # it is about absent series
        yield replace(quiet, sentence="is silent without series", series={})
    yield replace(
        quiet,
        sentence="is silent while all is NaN",
        series=dict.fromkeys(case.series, nan(90)),
    )
    if case.rule != "SlipwayServiceDown":
        yield replace(
            quiet, sentence="is silent about another namespace", series=_instead(case, NAMESPACE, "elsewhere")
        )
        yield replace(quiet, sentence="is silent about another release", series=_instead(case, JOB, "billing-api"))


def nan(samples: int) -> str:
    """A number of samples that are NaN."""
    return " ".join(["NaN"] * samples)


def seconds(time: str) -> int:
    """A time of a case, such as `15m30s`."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", time))


def others(samples: Mapping[str, str]) -> dict[str, str]:
    """The same of another release, and in another namespace."""
    return {
        name.replace(*change): values
        for name, values in samples.items()
        for change in ((JOB, "billing-api"), (NAMESPACE, "elsewhere"))
    }


def written(cases: Sequence[Case | Scenario], rule_file: str) -> Object:
    """A file for `promtool test rules`."""
    (step,) = {case.step for case in cases}
    return {"rule_files": [rule_file], "evaluation_interval": step, "tests": [_test(case) for case in cases]}


def _test(case: Case | Scenario) -> Object:
    return {
        "interval": case.step,
        "name": case.title,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": list(
            _requested(case) if isinstance(case, Scenario) else (*_firing(case), *_recorded(case))
        ),
        "alert_rule_test": list(_texts(case)) if isinstance(case, Case) else [],
    }


def _requested(scenario: Scenario) -> Iterator[Object]:
    for (time, query), value in scenario.queries.items():
        samples = [] if value is None else [{"labels": "{}", "value": value}]
        yield {"expr": query, "eval_time": time, "exp_samples": samples}


def _firing(case: Case) -> Iterator[Object]:
    query = f'ALERTS{{alertname="{case.rule}",alertstate="firing"}}'
    labels = {"alertname": case.rule, "alertstate": "firing", **case.labels}
    for time in case.silent:
        yield {"expr": query, "eval_time": time, "exp_samples": []}
    for time in case.fires:
        yield {"expr": query, "eval_time": time, "exp_samples": [{"labels": _written("ALERTS", labels), "value": 1}]}


def _recorded(case: Case) -> Iterator[Object]:
    for time, value in case.values.items():
        query = _written(case.rule, case.labels)
        labels = _written("", {**OURS, **case.labels})
        if value is None:
            yield {"expr": query, "eval_time": time, "exp_samples": []}
        else:  # versions of Prometheus differ in the last digits
            near = f"abs({query} - {value}) < bool 1e-9"
            yield {"expr": near, "eval_time": time, "exp_samples": [{"labels": labels, "value": 1}]}


def _texts(case: Case) -> Iterator[Object]:
    if not case.summary:
        return
    dashboard = f"?var-namespace={NAMESPACE}&var-job={JOB}"
    annotations = {
        "summary": case.summary,
        "description": case.description,
        "runbook_url": f"https://runbooks.example.com/{case.rule}.md",
        "dashboard_url": f"https://grafana.example.com/d/{DASHBOARDS[case.rule]}{dashboard}",
    }
    alert = {"exp_labels": dict(case.labels), "exp_annotations": annotations}
    yield {"alertname": case.rule, "eval_time": case.fires[0], "exp_alerts": [alert]}


def _written(name: str, labels: Labels) -> str:
    return f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in sorted(labels.items()))}}}"


def _instead(case: Case, old: str, new: str) -> dict[str, str]:
    return {re.sub(re.escape(old), new, name): values for name, values in case.series.items()}


DASHBOARDS = {
    "SlipwayAvailabilityBurnFast": "slipway-slo",
    "SlipwayAvailabilityBurnSlow": "slipway-slo",
    "SlipwayLatencyBurnFast": "slipway-slo",
    "SlipwayLatencyBurnSlow": "slipway-slo",
    "SlipwayServiceDown": "slipway-overview",
    "SlipwayTrafficDropped": "slipway-overview",
    "SlipwayClientsLeaving": "slipway-overview",
    "SlipwayAuthFailureSurge": "slipway-overview",
    "SlipwayEventLoopBlocked": "slipway-runtime",
    "SlipwayThrottlingHurts": "slipway-runtime",
    "SlipwayMemoryNearLimit": "slipway-runtime",
    "SlipwayDbPoolExhausted": "slipway-dependencies",
    "SlipwayDependencyErrors": "slipway-dependencies",
    "SlipwayHpaMaxedOut": "slipway-kubernetes",
    "SlipwayCannotScale": "slipway-kubernetes",
    "SlipwayCrashLooping": "slipway-kubernetes",
    "SlipwayOOMKilled": "slipway-kubernetes",
    "SlipwayRolloutStuck": "slipway-kubernetes",
    "SlipwayVersionSkew": "slipway-kubernetes",
    "SlipwayMetricsAbsent": "slipway-telemetry",
    "SlipwayCardinalityOverflow": "slipway-telemetry",
    "SlipwayScrapeSlow": "slipway-telemetry",
    "SlipwayTelemetryDropping": "slipway-telemetry",
}
"""Where the panel of an alert is."""
