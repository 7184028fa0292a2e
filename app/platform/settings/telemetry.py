"""Settings of traces and logs."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Group
from .networks import Networks
from .types import BaseUrl


class Telemetry(Group):
    """Traces and logs. Without an endpoint there are no traces."""

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
