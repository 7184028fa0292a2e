"""The configuration of uvicorn, from the settings."""

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from ..settings import Settings, Shutdown
from .guard import GuardedProtocol
from .limits import LimitedConfig, Limits
from .websocket import GuardedWebSocket

if TYPE_CHECKING:
    from ..telemetry.metrics.instruments import Metrics

_DEVELOPMENT_SHUTDOWN = Shutdown(pre_stop_seconds=0, drain_seconds=0, request_seconds=0.15)


class ServerConfig(LimitedConfig):
    """uvicorn's configuration with our limits: no access log, no `server` header, httptools, uvloop if installed.

    uvicorn logs warnings and errors only: its other lines repeat ours and contain query strings of WebSockets.
    `notify` is awaited about once a second (the heartbeat of a gunicorn worker). `metrics` counts the requests that
    are refused or cut before the application reads them, and the open connections.
    """

    def __init__(
        self,
        application: ASGIApp,
        settings: Settings,
        *,
        notify: Callable[[], Awaitable[None]] | None = None,
        metrics: "Metrics | None" = None,
    ) -> None:
        self.settings = settings
        http = settings.http
        self.limits = Limits(http)
        if metrics is not None:
            self.limits.count_shed = metrics.count_shed
            self.limits.connections = metrics.connections
            self.limits.active_requests = metrics.active_requests
        super().__init__(
            application,
            host=http.host,
            port=http.port,
            loop="auto",
            http=GuardedProtocol,
            ws=GuardedWebSocket,
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the edge middleware reads them, strictly
            timeout_keep_alive=max(1, math.ceil(http.keep_alive_seconds)),
            ws_max_size=http.max_body_bytes,
            callback_notify=notify,
            timeout_notify=0,
        )

    @property
    def shutdown(self) -> Shutdown:
        """The times of a shutdown; in development they are close to zero."""
        return _DEVELOPMENT_SHUTDOWN if self.settings.environment == "development" else self.settings.shutdown
