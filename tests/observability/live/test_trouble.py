"""Each fault moves its panels and fires its alerts, which are heard of and end with it; all others stay silent."""

from __future__ import annotations

import math
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from observability.alerts.files import alerts
from observability.dashboards.live import Span
from tests.observability.live.chart import SCRAPE_SECONDS, labels_of
from tests.observability.live.components import HEALTHY
from tests.observability.live.conftest import Health, Trouble
from tests.observability.live.faults import FAULTS, NOT_PROVOKED, Fault
from tests.observability.live.stage import Stage, last
from tests.support.checkout import ROOT

RELATIVE_TOLERANCE = 0.02
SEVERITIES = {"page": "pages", "ticket": "tickets"}
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.part.name)


def test_every_alert_is_provoked_or_it_is_said_why_not() -> None:
    provoked = {name for fault in FAULTS for name in fault.fires}
    assert provoked | NOT_PROVOKED.keys() == {alert.name for alert in alerts()}
    assert not provoked & NOT_PROVOKED.keys()


@each_fault
def test_a_fault_fires_its_alerts_and_no_other(fault: Fault, stage: Stage, trouble: Trouble) -> None:
    fired = stage.fired(trouble.all, fault.part.name)
    assert fault.fires <= fired, f"{fault.description}: {stage.components[fault.part.name].processes[0].log()[-2000:]}"
    assert fired <= fault.fires | fault.may_fire, fault.description


@each_fault
def test_a_fault_moves_its_panels(fault: Fault, stage: Stage, trouble: Trouble) -> None:
    for title, shows in fault.shows.items():
        values = stage.values(title, trouble.faults, fault.part.name)
        assert shows(values), (fault.description, title, sorted(values)[:3], sorted(values)[-3:])


@each_fault
def test_its_alerts_end_with_the_fault(fault: Fault, stage: Stage, trouble: Trouble) -> None:
    assert not fault.fires & stage.fired(last(0), fault.part.name), fault.description


@each_fault
def test_its_alerts_are_sent_with_what_somebody_needs(fault: Fault, stage: Stage, trouble: Trouble) -> None:
    for name in fault.fires:
        ours = {"alertname": name, **labels_of(fault.part.name)}
        messages = [message for receiver in SEVERITIES.values() for message in stage.inbox.firing(receiver, **ours)]
        assert messages, (fault.description, name)
        for message in messages:
            assert message.receiver == SEVERITIES[message.labels["severity"]]
            assert not re.search(r"{{|%{|<no value>|<error", message.annotations["description"]), message.annotations
            assert labels_of(fault.part.name)["job"] in message.annotations["description"]
            assert (ROOT / "observability/runbooks" / Path(message.annotations["runbook_url"]).name).is_file()
            link = urlsplit(message.annotations["dashboard_url"])
            assert link.path.rpartition("/")[2] in {dashboard["uid"] for dashboard in stage.dashboards}
            variables = parse_qs(link.query)
            assert variables == {f"var-{label}": [value] for label, value in labels_of(fault.part.name).items()}
        ended = [
            message for message in stage.inbox.messages if not message.firing and ours.items() <= message.labels.items()
        ]
        assert ended, f"nobody was told of the end of {name}"


def test_what_is_well_stays_silent(stage: Stage, trouble: Trouble) -> None:
    assert stage.fired(trouble.all, HEALTHY) == set()


def test_a_release_another_configuration_and_a_process_that_ended_are_marked(
    stage: Stage, health: Health, trouble: Trouble
) -> None:
    assert "99.0.0" in {mark["version"] for mark in stage.marked("Deployments", trouble.all, "half-rolled-out")}
    assert stage.marked("Configuration", trouble.all, "half-rolled-out") == []
    before, after = (
        {mark["hash"] for mark in stage.marked("Configuration", span, "killed")} for span in (health.all, trouble.all)
    )
    assert len(after) == 1
    assert not before & after
    for name in ("Deployments", "Configuration"):
        known = stage.marked(name, health.all, HEALTHY)
        assert [mark for mark in stage.marked(name, trouble.all, HEALTHY) if mark not in known] == []
    assert stage.marked("Scaling", health.all, HEALTHY)


def test_a_page_keeps_the_ticket_about_the_same_budget_silent(stage: Stage, trouble: Trouble) -> None:
    page, ticket = "SlipwayAvailabilityBurnFast", "SlipwayAvailabilityBurnSlow"
    assert {page, ticket} <= stage.fired(trouble.faults, "no-table")
    query = f'ALERTS{{alertname="{page}",alertstate="firing",job="{labels_of("no-table")["job"]}"}}'
    (series,) = stage.prometheus.range(query, trouble.all)
    page_ended = series["values"][-1][0]
    assert all(
        message.at > page_ended for message in stage.inbox.firing("tickets", alertname=ticket, **labels_of("no-table"))
    )


def test_ten_thousand_odd_requests_add_at_most_twenty_series(stage: Stage, health: Health, trouble: Trouble) -> None:
    query = f'count(http_server_request_duration_seconds_count{{job="{labels_of("attacked")["job"]}"}})'
    ((before, *_), *_), ((*_, after), *_) = (
        [[float(value) for _, value in line["values"]] for line in stage.prometheus.range(query, span)]
        for span in (health.span, trouble.faults)
    )
    assert after - before <= 20


def test_failures_and_clients_that_left_are_counted_as_the_clients_counted_them(stage: Stage, trouble: Trouble) -> None:
    failed = _answers(stage, "no-table", 500)
    shown = sum(stage.values("Failing routes", trouble.all, "no-table"))
    assert failed > 100
    assert math.isclose(shown, failed, rel_tol=RELATIVE_TOLERANCE), (shown, failed)
    left = _answers(stage, "impatience", 499)
    whole = Span(trouble.over, trouble.over, step=int(trouble.over - trouble.began), scrape=SCRAPE_SECONDS)
    *_, share = stage.values("Client errors and disconnects", whole, "impatience")  # those that left are the last
    (rate,) = stage.values("Requests", whole, "impatience")
    shown = share * rate * whole.rate_interval
    assert left > 100
    assert math.isclose(shown, left, rel_tol=RELATIVE_TOLERANCE), (shown, left)


def _answers(stage: Stage, component: str, status: int) -> int:
    answers = stage.components[component].clients.answers
    return sum(number for (_, got), number in answers.items() if got == status)
