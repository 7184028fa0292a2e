"""`make run`: PostgreSQL, the service with reload, and what to try next; Ctrl-C stops all of it.

This process imports little, so that the service's own process, which migrates and seeds, starts at once.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from app.platform.process.listen import ListenError, bind
from app.platform.server.reload import serve_with_reload
from app.platform.settings import EXIT_CONFIG, Settings, SettingsError, load_settings
from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.server import PostgresServer, running_postgres
from tools.run.greeting import greet_when_ready

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".slipway"
INTERRUPTED = 130


def main() -> int:
    """Run until Ctrl-C; what prevents it is printed as one sentence."""
    started = time.monotonic()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = development_settings()
        _refuse_taken_ports(settings)
        with running_postgres(STATE / "postgres") as server:
            settings = with_server(settings, server)
            greet_when_ready(settings, started)
            return serve_with_reload("tools.run.service:create_app", settings, [ROOT / "app"])
    except (EmbeddedPostgresError, ListenError) as error:
        print(error, file=sys.stderr)
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return INTERRUPTED


def development_settings() -> Settings:
    """What is configured, but for development, readable logs, and the ports of `PORT` and `METRICS_PORT`.

    Raises:
        SettingsError: a value that cannot be used.
    """
    configured = load_settings()
    http, metrics, telemetry = configured.http, configured.metrics, configured.telemetry
    if "log_format" not in telemetry.model_fields_set:
        telemetry = telemetry.model_copy(update={"log_format": "console"})
    return configured.model_copy(
        update={
            "environment": "development",
            "http": http.model_copy(update={"port": _port("PORT", http.port)}),
            "metrics": metrics.model_copy(update={"port": _port("METRICS_PORT", metrics.port)}),
            "telemetry": telemetry,
        }
    )


def with_server(settings: Settings, server: PostgresServer) -> Settings:
    """`settings` with the embedded database; one that is configured is left alone, since this migrates and seeds."""
    address = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "ssl": "disable",
    }
    return settings.model_copy(update={"database": type(settings.database).model_validate(address)})


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable, "")
    if not value:
        return default
    if value.isascii() and value.isdigit() and 0 < int(value[:6]) <= 65535:
        return int(value)
    raise SettingsError([f"{variable} must be a number from 1 to 65535"])


def _refuse_taken_ports(settings: Settings) -> None:
    """Before PostgreSQL is set up, and by the names that `make run` gives them."""
    http, metrics = settings.http, settings.metrics
    bind(http.host, http.port, variable="PORT").close()
    if metrics.enabled:
        bind(metrics.host, metrics.port, variable="METRICS_PORT").close()
        if http.port == metrics.port:
            raise ListenError(f"PORT and METRICS_PORT are both {http.port}: set one of them to another port")
