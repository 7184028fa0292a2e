"""Settings that were removed. If one is set, the error says what to do instead."""

from .base import variable

REMOVED = {
    variable("telemetry", "push_seconds"): "metrics are no longer pushed: let the collector scrape the metrics port",
    variable(
        "telemetry", "profiles_endpoint"
    ): "the built-in profiler was removed: use one that needs no code, such as an eBPF profiler",
}
"""What to do instead, by variable."""
