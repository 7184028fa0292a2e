"""A real Alertmanager with the example's routes, and a webhook that keeps what it sends."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import yaml

from tests.support.answering import answering
from tests.support.tools import require_tool
from tests.support.waiting import free_port, until

EXAMPLE = Path(__file__).parents[2] / "observability/alerts/alertmanager.yaml"


@dataclass(frozen=True)
class Message:
    """One alert in a notification, and when it came. What came together has the same number as its `group`."""

    receiver: str
    at: float
    group: int
    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass
class Inbox:
    """The messages of Alertmanager to each receiver, in their order."""

    port: int
    messages: list[Message] = field(default_factory=list[Message])

    def firing(self, receiver: str, **labels: str) -> list[Message]:
        """The firing alerts with these labels that a receiver got."""
        return [
            message
            for message in self.messages
            if message.receiver == receiver and message.firing and labels.items() <= message.labels.items()
        ]


@contextmanager
def receiving() -> Generator[Inbox]:
    """A webhook for the receivers of the example."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            group = len({message.group for message in inbox.messages})
            inbox.messages += [
                Message(
                    self.path.strip("/"),
                    time.time(),
                    group,
                    alert["status"] == "firing",
                    alert["labels"],
                    alert["annotations"],
                )
                for alert in body["alerts"]
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with answering(Handler) as port:
        inbox = Inbox(port)
        yield inbox


@contextmanager
def running_alertmanager(folder: Path, inbox: Inbox) -> Generator[str]:
    """Its address. It has the example's routes, but waits a second where they wait longer."""
    program = require_tool("alertmanager", "prometheus-alertmanager")
    text = EXAMPLE.read_text().replace("http://127.0.0.1:9099", f"http://127.0.0.1:{inbox.port}")
    config = cast(dict[str, Any], yaml.safe_load(text))
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config))
    address = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: process.poll() is not None or _is_ready(address), "Alertmanager to start")
            assert process.poll() is None, (folder / "alertmanager.log").read_text()
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def send(address: str, *labels: dict[str, str]) -> None:
    """Sends alerts to Alertmanager, as Prometheus does."""
    body = json.dumps([{"labels": alert} for alert in labels]).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{address}/api/v2/alerts", data=body, headers=headers)  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (loopback)
        assert answer.status == 200


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=2) as answer:  # noqa: S310 (loopback)
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False
