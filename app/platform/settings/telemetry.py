"""Settings of traces and logs."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Group
from .networks import Networks
from .types import BaseUrl


class Telemetry(Group):
    """Traces and logs. Without an endpoint, nothing is traced."""

    otlp_endpoint: BaseUrl | None = None
    """Base URL of an OTLP/HTTP collector, such as `http://collector:4318`."""
    sample_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1
    """Share of new traces that are recorded, from 0 to 1."""
    trusted_callers: Networks | None = None
    """Comma-separated addresses or networks of proxies and services whose `traceparent` and sampling decision are
    continued. Unset means `SLIPWAY_HTTP__TRUSTED_PROXIES`. Requests of other callers start a new trace with a link to
    the caller's. Production refuses `*`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of log lines."""
    log_format: Literal["json", "console"] = "json"
    """`json` writes one JSON object per line; `console` writes text for people."""
