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
    """A larger body is answered 413, unless its route declares another limit (`takes_bodies_of`)."""
    max_body_bytes_in_flight: Positive = 32 * 1024 * 1024
    """Bytes of bodies that a process holds for all running requests together; what would be more is answered 503."""
    max_json_values: Positive = 2000
    """A JSON body with more values, members and elements counted at every depth, is answered 400."""
    max_json_depth: Positive = 32
    """A JSON body with objects and arrays nested deeper is answered 400."""
    max_header_bytes: Positive = 32 * 1024
    """A larger head of a request is answered 431, and so is one with more than 100 header fields."""
    max_connections: Positive = 1000
    """Open connections of a process; beyond them, those that wait for a request are closed to make room. WebSockets
    have four fifths of them at most."""
    header_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 10
    """How long a client may take to send the head of a request."""
    min_body_bytes_per_second: Positive = 256
    """A body that arrives, or an answer that is read, more slowly than this is cut (an attack, not a slow line)."""
    write_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 30
    """Over which time a client must read its answers at that rate."""
    keep_alive_seconds: Seconds = 20
    """How long an idle connection is kept."""
    trusted_proxies: Networks = ""
    """Addresses or networks of proxies whose `X-Forwarded-For` and `-Proto` are believed, comma-separated; `*`, which
    is everybody, is refused in production."""
    expose_details: bool | None = None
    """Whether `/info` is served, and `/readyz` and `/startupz` list each dependency; unset means: everywhere but in
    production. The metrics port has both in any case."""
    docs: bool | None = None
    """`/docs`, `/redoc` and `/openapi.json`; unset means: everywhere but in production."""

    @model_validator(mode="after")
    def _hold_one_body(self) -> Self:
        if self.max_body_bytes > self.max_body_bytes_in_flight:
            raise ValueError("max_body_bytes must be at most max_body_bytes_in_flight")
        return self


class Metrics(Group):
    """Where `/metrics` is served: its own port, so that it is never on the public one."""

    enabled: bool = True
    """Whether there is a metrics port."""
    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 9464
    """Port to listen on."""
