"""Settings of the listeners: the API and the metrics port."""

from typing import Annotated

from pydantic import Field

from .base import Group
from .types import Port, Positive, Seconds


class Http(Group):
    """The listener of the API and the limits of a request."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 8000
    """Port to listen on."""
    max_body_bytes: Positive = 1024 * 1024
    """A larger body is answered 413."""
    max_header_bytes: Positive = 32 * 1024
    """A larger head of a request is answered 431, and so is one with more than 100 header fields."""
    max_connections: Positive = 1000
    """Open connections of a process; beyond them, those that wait for a request are closed to make room."""
    header_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 10
    """How long a client may take to send the head of a request."""
    min_body_bytes_per_second: Positive = 256
    """A body that arrives, or an answer that is read, more slowly than this is cut (an attack, not a slow line)."""
    write_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 30
    """Over which time a client must read its answers at that rate."""
    keep_alive_seconds: Seconds = 20
    """How long an idle connection is kept."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose `X-Forwarded-For` and `-Proto` are believed, comma-separated."""
    docs: bool | None = None
    """`/docs`, `/redoc` and `/openapi.json`; unset means: everywhere but in production."""


class Metrics(Group):
    """Where `/metrics` is served: its own port, so that it is never on the public one."""

    enabled: bool = True
    """Whether there is a metrics port."""
    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 9464
    """Port to listen on."""
