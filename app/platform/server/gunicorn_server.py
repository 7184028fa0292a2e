"""gunicorn with several workers, for a VM or a compose host: each worker runs our uvicorn server.

Workers share their metrics through files, so there are no exemplars and no `process_*` metrics here.
"""

import math
import os
import signal
import sys
import time
import traceback
from typing import cast

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import BaseSocket
from gunicorn.workers.base import Worker
from prometheus_client import multiprocess
from uvicorn_worker import UvicornWorker  # pyright: ignore[reportMissingTypeStubs] - it has none

from ..process.exit import run_until_exit
from ..process.listen import bind
from ..settings import EXIT_CONFIG, Settings, SettingsError, variable
from ..telemetry import STDOUT
from ..telemetry.logging.lines import LineWriter
from ..telemetry.logging.logs import configure_logging
from .config import ServerConfig
from .draining import ACCEPT_GRACE_SECONDS, CANCEL_TIMEOUT_SECONDS, LIFESPAN_TIMEOUT_SECONDS, DrainingServer
from .target import Target, TargetError, load_application
from .wrap import Served, operations_served, served


def serve_gunicorn(target: Target, settings: Settings, workers: int) -> int:
    """Serves with several worker processes, inside `shared_metrics`; see `serve`."""
    http, metrics = settings.http, settings.metrics
    listener = bind(http.host, http.port, variable=variable("http", "port"))
    if metrics.enabled:
        bind(metrics.host, metrics.port, variable=variable("metrics", "port")).close()
    configure_logging(settings, LineWriter(STDOUT))
    owner = os.getpid()
    try:
        _Application(target, settings, workers, listener.detach()).run()
    except SystemExit as stop:
        if os.getpid() != owner:
            raise  # a worker, which came here by its fork
        return EXIT_CONFIG if stop.code == Arbiter.APP_LOAD_ERROR else 1 if stop.code else 0
    return 0


class _Application(BaseApplication):
    """gunicorn's view of the service."""

    def __init__(self, target: Target, settings: Settings, workers: int, listener: int) -> None:
        self.target = target
        self.settings = settings
        self._workers = workers
        self._listener = listener
        self.word, giver = os.pipe()
        os.set_blocking(self.word, False)
        os.write(giver, b"!")
        super().__init__()

    def load_config(self) -> None:
        stop = self.settings.shutdown
        whole_stop = (
            stop.drain_seconds
            + stop.request_seconds
            + ACCEPT_GRACE_SECONDS
            + CANCEL_TIMEOUT_SECONDS
            + LIFESPAN_TIMEOUT_SECONDS
        )
        chosen: dict[str, object] = {
            "bind": f"fd://{self._listener}",
            "workers": self._workers,
            "worker_class": _Worker,
            "graceful_timeout": math.ceil(whole_stop) + 2,
            "logger_class": _Logger,
            "control_socket_disable": True,
            "proc_name": self.settings.service.name,
            "child_exit": _forget_gauges,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)


class _Logger(Logger):
    """Leaves the lines of gunicorn to the root logger."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Worker(UvicornWorker):
    service: Served

    @property
    def settings(self) -> Settings:
        return cast(_Application, self.app).settings

    def load_wsgi(self) -> None:
        """Loads the service; of the workers, which all fail alike, one says why."""
        try:
            application = load_application(cast(_Application, self.app).target, self.settings)
            self.service = served(application, self.settings)
        except (TargetError, SettingsError) as error:
            if self._speaks():
                print(error, file=sys.stderr)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        except Exception:  # noqa: BLE001 - the application's module may raise anything
            if self._speaks():
                traceback.print_exc()
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _speaks(self) -> bool:
        """Whether no other worker has said it; one that has none to say waits, since its end is the end of all."""
        try:
            return bool(os.read(cast(_Application, self.app).word, 1))
        except BlockingIOError:
            time.sleep(0.5)
            return False

    def run(self) -> None:
        configure_logging(self.settings, self.service.telemetry.writer)
        run_until_exit(
            self._serve(),
            loop_factory=self.config.get_loop_factory(),
            flush=self.service.telemetry.writer.flush,
        )

    async def _serve(self) -> None:
        service = self.service
        config = ServerConfig(
            service.application,
            self.settings,
            notify=self.callback_notify,
            metrics=service.telemetry.metrics,
        )
        self.server = DrainingServer(config, service.drain)
        signal.signal(signal.SIGQUIT, self.server.handle_exit)
        # gunicorn's own sockets complain when the loop has closed them.
        sockets = [cast(BaseSocket, listener).sock for listener in self.sockets]
        with operations_served(service, self.settings, multiprocess=True):
            await self.server.serve(sockets=sockets)
        if not self.server.started and not self.server.should_exit:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def callback_notify(self) -> None:
        """The heartbeat; a worker whose arbiter was killed stops."""
        self.notify()
        if os.getppid() != self.ppid:
            self.server.handle_exit(signal.SIGTERM, None)


def _forget_gauges(arbiter: Arbiter, worker: Worker) -> None:
    """Takes the gauges of a worker that ended out of the metrics; its counters stay, since they happened."""
    multiprocess.mark_process_dead(worker.pid)  # pyright: ignore[reportUnknownMemberType] - it has no types
