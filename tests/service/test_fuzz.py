"""Requests made from the OpenAPI document: none is answered 5xx, and the document keeps its word."""

import subprocess
import sys
from pathlib import Path

import httpx2

from app.platform.settings import Database
from tests.support.live import live_service

SEED = "1"
EXAMPLES = "5"
"""A few for each commit; `make fuzz` sends many, with a new seed."""


def new_user(url: str) -> str:
    """Registers somebody, and logs them in."""
    user = {"username": "fuzzer", "email": "fuzzer@example.org", "password": "long enough for this"}
    with httpx2.Client(base_url=url) as client:
        client.post("/api/v1/users", json=user).raise_for_status()
        return str(client.post("/api/v1/auth/token", data=user).raise_for_status().json()["access_token"])


def test_the_service_keeps_what_its_document_says(new_database: Database, tmp_path: Path) -> None:
    with live_service(tmp_path, new_database, SLIPWAY_TELEMETRY__LOG_LEVEL="error") as service:
        token = new_user(f"http://127.0.0.1:{service.port}")
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                "--config-file",
                str(Path(__file__).with_name("schemathesis.toml")),
                "run",
                f"http://127.0.0.1:{service.port}/openapi.json",
                f"--header=Authorization: Bearer {token}",
                "--suppress-health-check=all",
                f"--seed={SEED}",
                f"--max-examples={EXAMPLES}",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:]
    assert '"status":500' not in service.log()
