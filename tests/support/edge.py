"""What the tests of attacks on connections share: a served target, and what it counts."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support.process import Service, running, scrape

TARGET = "tests.attacks.target:app"
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
"""The fields that open a WebSocket."""


@contextmanager
def target(folder: Path, **variables: str) -> Generator[Service]:
    """The target, with these variables of the environment."""
    with running(folder, TARGET, **variables) as service:
        yield service


def value_of(service: Service, series: str) -> float:
    """The value of one series; 0 if there is none."""
    lines = (line.rpartition(" ") for line in scrape(service.metrics_port).splitlines())
    return sum(float(value) for name, _, value in lines if name == series)


def shed(service: Service, reason: str) -> int:
    """How many requests or connections were refused for this reason."""
    return int(value_of(service, f'http_server_requests_shed_total{{reason="{reason}"}}'))


def resident_bytes(service: Service) -> int:
    """The memory of the process now."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
