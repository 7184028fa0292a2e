"""Settings of the process: its name, its version and its shutdown."""

from .base import Group
from .types import Seconds


class Service(Group):
    """The identity of the process in `/info`, metrics, spans and logs."""

    name: str = "slipway"
    """Title of the API, and `service.name` of spans."""
    version: str = "0.2.0"
    """Version of the release. The image sets it."""
    revision: str = "unknown"
    """Commit of the build. The image sets it."""


class Shutdown(Group):
    """Phases of the shutdown. The chart's grace period is their sum plus five seconds."""

    pre_stop_seconds: Seconds = 5
    """How long Kubernetes waits before SIGTERM. Only the chart uses it; the process does not read it."""
    drain_seconds: Seconds = 5
    """How long the listener stays open after SIGTERM. Readiness is already 503."""
    request_seconds: Seconds = 15
    """How long running requests may take after the drain before they get 503."""
