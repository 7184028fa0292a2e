"""W3C Trace Context: what callers say of their trace, and what is said to those we call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import getrandbits

from opentelemetry import trace

from ...context import RequestContext, current_request

MAX_TRACESTATE_LENGTH = 512
"""Characters that are passed on; W3C Trace Context §3.3.1.5 asks for at least as many."""
MAX_TRACESTATE_MEMBERS = 32
"""Vendors in a `tracestate` (W3C Trace Context §3.3.1.1)."""

_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACESTATE = re.compile(r"[\x20-\x7e]+")


def continue_trace(context: RequestContext, headers: Iterable[tuple[bytes, bytes]], *, trusted: bool) -> None:
    """Makes the request part of its caller's trace, or links it to that of a caller that is not trusted.

    Whoever decides that a trace is sampled has us record and export it, and whoever chooses its id can add to the
    trace of somebody else: both are for proxies and services that are ours. After a bad `traceparent` the request
    stays in its own trace.
    """
    parents = [value for name, value in headers if name == b"traceparent"]
    found = _TRACEPARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    if found is None:
        return
    version, trace_id, parent_id, flags, rest = found.groups()
    if rest is not None and version == b"00":
        return
    if not trusted:
        context.linked = trace_id.decode(), parent_id.decode()
        return
    context.trace_id = trace_id.decode()
    context.parent_id = parent_id.decode()
    context.sampled = bool(int(flags, 16) & 1)
    if context.sampled:
        states = b",".join(value for name, value in headers if name == b"tracestate").decode("latin-1")
        if (
            len(states) <= MAX_TRACESTATE_LENGTH
            and states.count(",") < MAX_TRACESTATE_MEMBERS
            and _TRACESTATE.fullmatch(states)
        ):
            context.tracestate = states


def outbound_headers() -> dict[str, str]:
    """The headers that make a call part of the running request's trace; empty outside of a request."""
    context = current_request.get()
    if context is None:
        return {}
    span_id = context.parent_id
    if context.tracer is not None:
        span_id = trace.format_span_id(trace.get_current_span().get_span_context().span_id)
    # Without a span of ours or of the caller's the id stands for the request itself, which nobody recorded.
    span_id = span_id or f"{getrandbits(64) | 1:016x}"
    headers = {"traceparent": f"00-{context.trace_id}-{span_id}-{'01' if context.sampled else '00'}"}
    if context.tracestate:
        headers["tracestate"] = context.tracestate
    return headers
