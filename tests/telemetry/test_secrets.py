"""A canary in every place where a client puts secrets: it comes out nowhere."""

import json
from contextlib import suppress
from http.client import IncompleteRead
from pathlib import Path

from websockets.sync.client import connect

from tests.support.collector import collecting
from tests.support.served import eventually, openmetrics, serving

CANARY = "canary-7f3a"


def test_what_a_client_sends_in_confidence_is_in_no_log_metric_or_trace(tmp_path: Path) -> None:
    headers = {
        "Authorization": f"Bearer {CANARY}",
        "Cookie": f"session={CANARY}",
        "X-Api-Key": CANARY,
        "Content-Type": "application/json",
    }
    body = json.dumps({"name": "x", "password": CANARY}).encode()
    wrong = json.dumps({"name": [CANARY], "password": {"a": CANARY}}).encode()
    with collecting() as collector:
        telemetry = {"otlp_endpoint": collector.endpoint, "sample_ratio": 1, "log_level": "debug"}
        with serving(tmp_path / "log", settings={"telemetry": telemetry}) as served:
            asked = 0
            for method in ("GET", "POST"):
                for path in ("/api/items", "/api/observed", "/api/fails", "/api/fails/midway", "/below/x", "/x"):
                    for content in (body, wrong):
                        with suppress(IncompleteRead, ConnectionError):
                            served.request(method, f"{path}?q={CANARY}&password={CANARY}", headers, content)
                        asked += 1
            with connect(
                f"ws://127.0.0.1:{served.port}/api/sockets/1?q={CANARY}&token={CANARY}", additional_headers=headers
            ) as ws:
                ws.send(CANARY)
                ws.close()
            eventually(lambda: sum(line["event"] in ("request", "websocket") for line in served.lines()) == asked + 1)
            exposition = openmetrics(served.telemetry.registry)
    assert len(collector.spans) > asked
    assert CANARY not in exposition
    assert CANARY.encode() not in b"".join(collector.raw)
    assert CANARY not in (tmp_path / "log").read_text()
