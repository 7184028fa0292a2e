"""A real Alertmanager routes, groups and inhibits the alerts as the example configures it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from observability.alerts.files import alerts
from tests.observability.alertmanager import EXAMPLE, Inbox, receiving, running_alertmanager, send
from tests.support.tools import require_tool
from tests.support.waiting import until

API = {"namespace": "shop", "job": "slipway-api"}
OTHER = {"namespace": "shop", "job": "slipway-worker"}


def test_amtool_accepts_the_example() -> None:
    amtool = require_tool("amtool")
    subprocess.run([amtool, "check-config", EXAMPLE], check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_every_alert_goes_where_its_severity_says(severity: str) -> None:
    amtool = require_tool("amtool")
    for name in {alert.name for alert in alerts() if alert.severity == severity}:
        command: list[str | Path] = [amtool, "config", "routes", "test", f"--config.file={EXAMPLE}"]
        labels = [f"alertname={name}", f"severity={severity}", "namespace=shop", "job=slipway-api"]
        verify = f"--verify.receivers={severity}s"
        subprocess.run([*command, verify, *labels], check=True, capture_output=True, timeout=30)


def test_a_page_keeps_the_ticket_of_the_same_budget_silent_and_a_dead_service_all_the_rest(tmp_path: Path) -> None:
    with running(tmp_path) as (address, inbox):
        send(
            address,
            {"alertname": "SlipwayServiceDown", "severity": "page", **API},
            {"alertname": "SlipwayAvailabilityBurnFast", "severity": "page", "slo": "availability", **API},
            {"alertname": "SlipwayTrafficDropped", "severity": "ticket", **API},
            {"alertname": "SlipwayLatencyBurnFast", "severity": "page", "slo": "latency", **OTHER},
            {"alertname": "SlipwayLatencyBurnSlow", "severity": "ticket", "slo": "latency", **OTHER},
            {"alertname": "SlipwayLatencyBurnSlow", "severity": "ticket", "slo": "latency-orders", **OTHER},
            {"alertname": "SlipwayAvailabilityBurnSlow", "severity": "ticket", "slo": "latency", **OTHER},
            {"alertname": "SlipwayCannotScale", "severity": "ticket", **OTHER},
        )
        until(lambda: inbox.firing("tickets", alertname="SlipwayCannotScale"), "the ticket")
        until(lambda: len(inbox.firing("pages")) == 2, "both pages")
    assert {(message.labels["alertname"], message.labels["job"]) for message in inbox.firing("pages")} == {
        ("SlipwayServiceDown", "slipway-api"),
        ("SlipwayLatencyBurnFast", "slipway-worker"),
    }
    tickets = inbox.firing("tickets")
    assert {(message.labels["alertname"], message.labels.get("slo")) for message in tickets} == {
        ("SlipwayLatencyBurnSlow", "latency-orders"),
        ("SlipwayAvailabilityBurnSlow", "latency"),
        ("SlipwayCannotScale", None),
    }
    assert {message.labels["job"] for message in tickets} == {"slipway-worker"}


def test_one_fault_of_many_pods_is_one_message(tmp_path: Path) -> None:
    pods = [f"slipway-api-7c9d8f5b6-{number:05}" for number in range(20)]
    with running(tmp_path) as (address, inbox):
        crashes = {"alertname": "SlipwayCrashLooping", "severity": "ticket", **API}
        send(address, *({**crashes, "pod": pod} for pod in pods))
        until(lambda: inbox.messages, "the first message")
        time.sleep(1.5)  # as long as a second message would take
    assert {(message.receiver, message.group) for message in inbox.messages} == {("tickets", 0)}
    assert sorted(message.labels["pod"] for message in inbox.messages) == pods


@contextmanager
def running(folder: Path) -> Generator[tuple[str, Inbox]]:
    with receiving() as inbox, running_alertmanager(folder, inbox) as address:
        yield address, inbox
