"""Settings that no longer exist: one that is still set is refused with what to do instead."""

from .base import variable

REMOVED = {
    variable("telemetry", "push_seconds"): "metrics are no longer pushed; let the collector scrape the metrics port",
    variable(
        "telemetry", "profiles_endpoint"
    ): "there is no built-in profiler; use one that needs no code, such as eBPF",
}
"""What to do instead, by the variable."""
