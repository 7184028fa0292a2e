"""What uvicorn is told, from the settings."""

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from ..settings import Settings, Shutdown
from .guard import GuardedProtocol

if TYPE_CHECKING:
    from ..telemetry.labels import ShedReason

_AT_ONCE = Shutdown(pre_stop_seconds=0, drain_seconds=0, request_seconds=0.15)


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with our limits: no access log, no `server` header, httptools, uvloop if there is one.

    Log lines of uvicorn below a warning are off: they would repeat ours, and hold query strings of WebSockets.
    `notify` is awaited about once a second (the heartbeat of a gunicorn worker). `count_shed` is told why a request
    was refused or cut before the application saw it, or all of it.
    """

    def __init__(
        self,
        application: ASGIApp,
        settings: Settings,
        *,
        notify: Callable[[], Awaitable[None]] | None = None,
        count_shed: "Callable[[ShedReason], None]" = lambda _: None,
    ) -> None:
        self.settings = settings
        self.count_shed = count_shed
        http = settings.http
        super().__init__(
            application,
            host=http.host,
            port=http.port,
            loop="auto",
            http=GuardedProtocol,
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
        """The seconds of a stop; in development nobody waits."""
        return _AT_ONCE if self.settings.environment == "development" else self.settings.shutdown
