"""Settings of the listeners: the API and the metrics port."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Group
from .networks import Networks
from .types import Port, Positive, Seconds


class Http(Group):
    """The listener of the API and the limits of a request."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 8000
    """Port to listen on."""
    max_body_bytes: Positive = 64 * 1024
    """Maximum size of a request body, unless the route declares another limit (`takes_bodies_of`). A larger body gets
    413."""
    max_body_bytes_in_flight: Positive = 32 * 1024 * 1024
    """Maximum size of all request bodies that a process holds at the same time. A request beyond it gets 503."""
    max_json_values: Positive = 2000
    """Maximum number of values in a JSON body, with members and elements at every depth. A larger body gets 400."""
    max_json_depth: Positive = 32
    """Maximum depth of objects and arrays in a JSON body. A deeper body gets 400."""
    max_header_bytes: Positive = 32 * 1024
    """Maximum size of the request line and header fields. A larger head, or more than 100 fields, gets 431."""
    max_connections: Positive = 1000
    """Maximum number of open connections of a process. Beyond it, idle connections are closed. WebSockets have at most
    four fifths of it."""
    header_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 10
    """Timeout for a client to send the head of a request."""
    min_body_bytes_per_second: Positive = 256
    """Minimum rate at which a client must send a body and read a response. A slower connection is closed."""
    write_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 30
    """Window over which the rate of reading a response is measured."""
    keep_alive_seconds: Seconds = 20
    """How long an idle connection stays open."""
    trusted_proxies: Networks = ""
    """Comma-separated addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
    Production refuses `*`, which trusts every address."""
    expose_details: bool | None = None
    """Whether `/info` is served and `/readyz` and `/startupz` list each dependency. Unset means true except in
    production. The metrics port always has both."""
    docs: bool | None = None
    """Whether `/docs`, `/redoc` and `/openapi.json` are served. Unset means true except in production."""

    @model_validator(mode="after")
    def _hold_one_body(self) -> Self:
        if self.max_body_bytes > self.max_body_bytes_in_flight:
            raise ValueError("max_body_bytes must be at most max_body_bytes_in_flight")
        return self


class Metrics(Group):
    """The metrics port, which serves `/metrics`, so that it is never on the public port."""

    enabled: bool = True
    """Whether the metrics port is open."""
    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 9464
    """Port to listen on."""
