"""The identity of the request that is running, for logs, spans, errors and outbound calls."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


@dataclass(slots=True)
class RequestContext:
    """The identity of a request; the edge middleware creates one for each."""

    request_id: str
    """The client's `X-Request-ID` if it is 1 to 128 visible ASCII characters, otherwise a new one."""
    trace_id: str
    """32 hexadecimal digits, those of a trusted caller where it sent a `traceparent` (W3C Trace Context)."""
    sampled: bool
    """The decision for the whole trace: a trusted caller's, otherwise ours; made before any span exists."""
    span_id: str = ""
    """Of the span that is recorded for this request; empty if none is."""
    principal: str = ""
    """Subject of the verified token, or empty."""
    feature: str = ""
    """The feature of the matched route; empty until it is routed, and for a route of the platform."""
    parent_id: str = ""
    """A trusted caller's span; empty if it sent none."""
    linked: tuple[str, str] | None = None
    """Trace and span of an untrusted caller, which the span of this request links to."""
    tracestate: str = ""
    """The state of other tracing vendors, passed on with the trace."""
    tracer: Tracer | None = None
    """Records spans below this request's; None if the request is not recorded."""


current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)
"""The running request's context; None outside of one."""
