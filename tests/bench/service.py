"""The service as a candidate: as in production, with everything on, and asked by a user with a token."""

from __future__ import annotations

import json
import secrets
import urllib.parse
import urllib.request
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.platform.settings import Database
from tests.bench.candidates import BenchError, Candidate, Running
from tests.bench.database import ID
from tests.bench.sink import Sink
from tests.support.waiting import free_port

_SERVE = "from app.cli import main; import sys; sys.argv[1:] = ['serve', *{app}]; main()"
WITHOUT_FREEZE = "import gc; gc.freeze = gc.set_threshold = lambda *_: None; "
"""Python that makes the server's tuning of the garbage collector do nothing, so that its gain can be seen."""


def service(
    name: str, database: Database, otlp_endpoint: str, before: str = "", app: str = "", **more: str
) -> Candidate:
    """The service, or another `app` made from it, with `before` run in its process first and `more` settings."""
    settings = {
        "ENVIRONMENT": "production",
        "HTTP__PORT": "{port}",
        "METRICS__PORT": str(free_port()),
        "DATABASE__HOST": database.host,
        "DATABASE__PORT": str(database.port),
        "DATABASE__NAME": database.name,
        "DATABASE__USER": database.user,
        "DATABASE__PASSWORD": database.password.get_secret_value(),
        "DATABASE__SSL": database.ssl,
        "DATABASE__POOL_SIZE": "10",
        "AUTH__SIGNING_KEY": _signing_key(),
        "TELEMETRY__OTLP_ENDPOINT": otlp_endpoint,
        "TELEMETRY__SAMPLE_RATIO": "0.1",
        "SHUTDOWN__DRAIN_SECONDS": "0",
        **more,
    }
    return Candidate(
        name,
        command=("-c", before + _SERVE.format(app=[app] if app else [])),
        path=f"/api/v1/items/{ID}",
        ready_path="/readyz",
        environment={"MALLOC_MMAP_THRESHOLD_": "1048576"}
        | {f"SLIPWAY_{name}": value for name, value in settings.items()},
        headers=log_in,
    )


def log_in(port: int) -> dict[str, str]:
    """The headers of a new user with an access token, made by the API."""
    user = {"username": f"bench{secrets.token_hex(6)}", "password": secrets.token_urlsafe(24)}
    address = f"http://127.0.0.1:{port}/api/v1"
    email = f"{user['username']}@example.com"
    _post(f"{address}/users", json.dumps({**user, "email": email}), "application/json")
    form = urllib.parse.urlencode(user)
    token = _post(f"{address}/auth/token", form, "application/x-www-form-urlencoded")["access_token"]
    return {"Authorization": f"Bearer {token}"}


def require_telemetry(running: Running, sink: Sink, requests: int) -> None:
    """That the work behind the figures was done: a log line and a count for each request, and some spans.

    Raises:
        BenchError: something is off.
    """
    with running.log.open("rb") as log:
        lines = sum(b"/api/v1/items" in line for line in log)
    port = int(running.candidate.environment["SLIPWAY_METRICS__PORT"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        exposition = answer.read().decode()
    counted = sum(
        float(line.rpartition(" ")[2])
        for line in exposition.splitlines()
        if line.startswith("http_server_request_duration_seconds_count{") and 'http_route="/api/v1/items/{' in line
    )
    if lines < requests or counted < requests or not sink.received:
        raise BenchError(
            f"not everything is on: of {requests} requests, {lines} are in the access log "
            f"and {counted:.0f} in the metrics, and {sink.received} bytes of spans have arrived"
        )


def _post(address: str, body: str, content_type: str) -> dict[str, object]:
    request = urllib.request.Request(address, body.encode(), {"Content-Type": content_type})  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http
        return cast("dict[str, object]", json.loads(answer.read()))


def _signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
