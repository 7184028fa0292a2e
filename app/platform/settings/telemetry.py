"""Settings of traces, logs and metrics that are pushed."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from .base import Group, variable
from .networks import Networks
from .types import BaseUrl


class Telemetry(Group):
    """Traces, logs and profiles, and metrics where they are pushed. No endpoint, no traces."""

    otlp_endpoint: BaseUrl | None = None
    """Base URL of an OTLP/HTTP collector, such as `http://collector:4318`."""
    sample_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1
    """Share of the traces that begin here."""
    trusted_callers: Networks | None = None
    """Addresses or networks, comma-separated, of proxies and services whose `traceparent` is continued with its
    decision to sample; unset means `SLIPWAY_HTTP__TRUSTED_PROXIES`. Requests of others begin a trace of their own, with
    a link to theirs; `*` is refused in production."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or text for a person."""
    push_seconds: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """Time between two pushes of the metrics to the collector; unset, they are only scraped."""
    profiles_endpoint: BaseUrl | None = None
    """Base URL of a Pyroscope server that gets CPU profiles, such as `http://pyroscope:4040`; needs the extra
    `profiles`. Unset, there are none."""

    @field_validator("push_seconds")
    @classmethod
    def _pushed_somewhere(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("otlp_endpoint") is None:
            raise ValueError(f"metrics are pushed to a collector: set {variable('telemetry', 'otlp_endpoint')} as well")
        return value
