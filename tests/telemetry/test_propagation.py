"""W3C Trace Context, as its specification says it (https://www.w3.org/TR/trace-context/)."""

import pytest

from app.platform.context import RequestContext, current_request
from app.platform.telemetry.tracing.propagation import MAX_TRACESTATE_LENGTH, continue_trace, outbound_headers

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OURS = "0" * 31 + "1"


def continued(*headers: tuple[bytes, bytes]) -> RequestContext:
    context = RequestContext("id", OURS, sampled=False)
    continue_trace(context, headers, trusted=True)
    return context


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True), ("02", False)])
def test_the_parents_decision_is_taken_over(flags: str, sampled: bool) -> None:
    context = continued((b"traceparent", f"00-{TRACE}-{PARENT}-{flags}".encode()))
    assert (context.trace_id, context.parent_id, context.sampled) == (TRACE, PARENT, sampled)


def test_a_later_version_may_say_more() -> None:
    assert continued((b"traceparent", f"cc-{TRACE}-{PARENT}-01-more".encode())).trace_id == TRACE


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01 ",
        f"00-{TRACE}-{PARENT}-01\n",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01.more",
        f"00_{TRACE}_{PARENT}_01",
        "x" * 10_000,
        "é" * 55,
    ],
)
def test_a_malformed_parent_starts_a_new_trace(value: str) -> None:
    context = continued((b"traceparent", value.encode("latin-1")))
    assert (context.trace_id, context.parent_id, context.sampled) == (OURS, "", False)


def test_two_parents_are_none() -> None:
    header = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    assert continued(header, header).trace_id == OURS


def test_the_state_of_a_sampled_trace_is_passed_on() -> None:
    parent = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    context = continued(parent, (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))
    assert context.tracestate == "a=1,b=2"


@pytest.mark.parametrize("state", [b"a=" + b"x" * MAX_TRACESTATE_LENGTH, b"a=1\r\nx: y", b"\xff", b"a=1," * 40])
def test_a_state_that_cannot_be_a_header_is_dropped(state: bytes) -> None:
    parent = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    assert continued(parent, (b"tracestate", state)).tracestate == ""


def test_a_call_outside_of_a_request_carries_nothing() -> None:
    assert outbound_headers() == {}


def test_a_call_of_a_request_that_is_not_recorded_says_so() -> None:
    token = current_request.set(RequestContext("id", TRACE, sampled=False))
    try:
        first, second = outbound_headers()["traceparent"], outbound_headers()["traceparent"]
    finally:
        current_request.reset(token)
    for value in (first, second):
        version, trace_id, span_id, flags = value.split("-")
        assert (version, trace_id, flags) == ("00", TRACE, "00")
        assert int(span_id, 16)


def test_a_service_without_a_collector_passes_its_parent_on() -> None:
    context = continued((b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", b"a=1"))
    token = current_request.set(context)
    try:
        assert outbound_headers() == {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=1"}
    finally:
        current_request.reset(token)
