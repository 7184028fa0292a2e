"""Alertmanager itself sends our alerts on as the example says: routed, in groups, and silent behind a worse one."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from observability.alerts.files import alerts
from tests.support.tools import require_tool

EXAMPLE = Path(__file__).parents[3] / "observability/alerts/alertmanager.yaml"
API = {"namespace": "shop", "job": "slipway-api"}
OTHER = {"namespace": "shop", "job": "slipway-worker"}


class Inbox:
    """A webhook: what Alertmanager has sent to each receiver."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, list[dict[str, str]]]] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                labels = [alert["labels"] for alert in body["alerts"] if alert["status"] == "firing"]
                inbox.messages.append((self.path, labels))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def names(self, receiver: str) -> set[tuple[str, str]]:
        """The alerts that a receiver was told of, by name and job."""
        told = [labels for path, all_labels in self.messages if path == receiver for labels in all_labels]
        return {(labels["alertname"], labels["job"]) for labels in told}


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
        wait_for(lambda: ("SlipwayCannotScale", "slipway-worker") in inbox.names("/tickets"))
        wait_for(lambda: len(inbox.names("/pages")) == 2)
    assert inbox.names("/pages") == {
        ("SlipwayServiceDown", "slipway-api"),
        ("SlipwayLatencyBurnFast", "slipway-worker"),
    }
    tickets = [labels for path, all_labels in inbox.messages if path == "/tickets" for labels in all_labels]
    assert {(labels["alertname"], labels.get("slo")) for labels in tickets} == {
        ("SlipwayLatencyBurnSlow", "latency-orders"),
        ("SlipwayAvailabilityBurnSlow", "latency"),
        ("SlipwayCannotScale", None),
    }
    assert {labels["job"] for labels in tickets} == {"slipway-worker"}


def test_one_fault_of_many_pods_is_one_message(tmp_path: Path) -> None:
    pods = [f"slipway-api-7c9d8f5b6-{number:05}" for number in range(20)]
    with running(tmp_path) as (address, inbox):
        crashes = {"alertname": "SlipwayCrashLooping", "severity": "ticket", **API}
        send(address, *({**crashes, "pod": pod} for pod in pods))
        wait_for(lambda: inbox.messages)
        time.sleep(1.5)  # as long as a second message would take
    ((receiver, labels),) = inbox.messages
    assert receiver == "/tickets"
    assert sorted(one["pod"] for one in labels) == pods


@contextmanager
def running(folder: Path) -> Generator[tuple[str, Inbox]]:
    """Alertmanager with the example's routes, waiting times a hundredth of theirs."""
    program = require_tool("alertmanager", "prometheus-alertmanager")
    inbox = Inbox()
    text = EXAMPLE.read_text().replace("http://127.0.0.1:9099", f"http://127.0.0.1:{inbox.port}")
    config = cast(dict[str, Any], yaml.safe_load(text))
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config))
    address = f"http://127.0.0.1:{_free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    threading.Thread(target=inbox.server.serve_forever, daemon=True).start()
    with (folder / "alertmanager.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(lambda: process.poll() is not None or _is_ready(address))
            assert process.poll() is None, (folder / "alertmanager.log").read_text()
            yield address, inbox
        finally:
            process.terminate()
            process.wait(timeout=20)
            inbox.server.shutdown()
            inbox.server.server_close()


def send(address: str, *labels: dict[str, str]) -> None:
    body = json.dumps([{"labels": one} for one in labels]).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{address}/api/v2/alerts", data=body, headers=headers)  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (loopback)
        assert answer.status == 200


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=2) as answer:  # noqa: S310 (loopback)
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port
