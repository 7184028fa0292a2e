"""Serves in one process, as in a pod."""

import socket

from ..process.exit import run_until_exit
from ..process.listen import bind, listen_error
from ..settings import Settings, variable
from ..telemetry.logging.logs import configure_logging
from .config import ServerConfig
from .draining import DrainingServer
from .target import Target, load_application
from .wrap import operations_served, served

PORT = variable("http", "port")


def serve_uvicorn(target: Target, settings: Settings) -> int:
    """Serves in this process; see `serve`."""
    with bind(settings.http.host, settings.http.port, variable=PORT) as listener:
        return run_uvicorn(target, settings, listener)


def run_uvicorn(target: Target, settings: Settings, listener: socket.socket) -> int:
    """Serves on a bound socket; returns the exit code."""
    service = served(load_application(target, settings), settings)
    configure_logging(settings, service.telemetry.writer)
    config = ServerConfig(service.application, settings, metrics=service.telemetry.metrics)
    server = DrainingServer(config, service.drain)
    with operations_served(service, settings):
        try:
            run_until_exit(
                server.serve([listener]),
                loop_factory=config.get_loop_factory(),
                flush=service.telemetry.writer.flush,
            )
        except OSError as error:
            raise listen_error(error, settings.http.host, settings.http.port, variable=PORT) from error
        except SystemExit:
            return 1  # startup failed; uvicorn has logged why
    return 0
