"""Settings of the process: what it is called and how it stops."""

from .base import Group
from .types import Seconds


class Service(Group):
    """What the process says of itself in `/info`, metrics, spans and logs."""

    name: str = "slipway"
    """Title of the API, and `service.name` of its spans."""
    version: str = "0.2.0"
    """Release that runs; the image sets it."""
    revision: str = "unknown"
    """Commit that it was built from; the image sets it."""


class Shutdown(Group):
    """The numbers of a clean stop; the chart's grace period is their sum plus five seconds."""

    pre_stop_seconds: Seconds = 5
    """How long Kubernetes waits before SIGTERM; for the chart, the process does not read it."""
    drain_seconds: Seconds = 5
    """How long the listener stays open after SIGTERM, while readiness is already 503."""
    request_seconds: Seconds = 15
    """How long a running request may take after the drain before it is answered 503."""
