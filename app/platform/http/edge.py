"""The middleware around an ASGI application: request id, metrics, span, access line, headers, limits, drain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..content_length import parse_content_length
from ..context import RequestContext
from ..process.drain import Drain
from ..settings import Settings
from ..settings.networks import TrustedPeers
from ..telemetry import Telemetry
from ..telemetry.tracing.propagation import continue_trace
from .body import Bodies, BodyRules
from .edge_state import EdgeState, Headers
from .exchange import Exchange
from .forwarded import apply_forwarded
from .single_fields import refuse_repeated_field, repeated_field
from .websocket import WebSocketExchange

SECURITY_HEADERS: Headers = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""For an API, after the OWASP REST cheat sheet; an answer that sets one of them keeps its value."""
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""In production only: a browser keeps it for a year."""

_REQUEST_ID = re.compile(rb"[!-~]{1,128}")


class EdgeMiddleware:
    """Wraps the whole stack of a framework, so that it also sees the answers of its error handlers.

    Args:
        app: any ASGI application.
        authenticate: receives the value of `Authorization`; its result is put into `scope["principal"]`,
            and its `subject` into the request's context. It never raises: a bad token fails no public route.
        route_headers: added to each answer of a route, errors included, by its path template.
        route_features: the feature that a route belongs to, by its path template.
        body_rules: what routes take as a body, by the `id` of the route; others take `http.max_body_bytes`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        drain: Drain,
        settings: Settings,
        authenticate: Callable[[bytes], object] | None = None,
        route_headers: Mapping[str, Headers] | None = None,
        route_features: Mapping[str, str] | None = None,
        body_rules: Mapping[int, BodyRules] | None = None,
    ) -> None:
        headers = (*SECURITY_HEADERS, *([TRANSPORT_SECURITY] if settings.production else []))
        self._state = EdgeState(
            app,
            drain,
            telemetry.tracing,
            telemetry.metrics,
            telemetry.metrics.active_requests,
            telemetry.metrics.observe_request,
            telemetry.write_line,
            telemetry.overrides,
            Bodies(settings.http, body_rules),
            headers,
            frozenset({b"x-request-id", *(name for name, _ in headers)}),
            dict(route_headers or {}),
            dict(route_features or {}),
        )
        self._refusing = replace(self._state, app=refuse_repeated_field)
        self._app = app
        self._samples = telemetry.tracing.samples
        self._telemetry = telemetry
        self._authenticate = authenticate
        self._proxies = TrustedPeers(settings.http.trusted_proxies)
        self._callers = TrustedPeers(settings.trusted_callers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            headers: dict[bytes, bytes] = dict(scope["headers"])
            state = self._state if len(headers) == len(scope["headers"]) else self._state_for_repeated(scope)
            exchange = Exchange(state, scope, receive, send, self._identify(scope, headers))
            length = headers.get(b"content-length")
            declared = 0 if length is None else _declared_bytes(length)
            await exchange.run(declared, expects_continue=b"expect" in headers)
        elif kind == "websocket":
            headers = dict(scope["headers"])
            state = self._state if len(headers) == len(scope["headers"]) else self._state_for_repeated(scope)
            await WebSocketExchange(state, scope, receive, send, self._identify(scope, headers)).run()
        elif kind == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _state_for_repeated(self, scope: Scope) -> EdgeState:
        """The state for a request that repeats a header field: one that refuses the request if the field is single."""
        return self._refusing if repeated_field(scope["headers"]) else self._state

    def _identify(self, scope: Scope, headers: Mapping[bytes, bytes]) -> RequestContext:
        """Determines the caller, the request id, the trace, and whether it is recorded."""
        number = getrandbits(128)
        context = RequestContext("", f"{number:032x}", self._samples(number))
        request_id = headers.get(b"x-request-id", b"")
        if _REQUEST_ID.fullmatch(request_id):
            context.request_id = request_id.decode()
        else:
            # The trace id, unless the caller sends a trace of its own.
            context.request_id = context.trace_id
        if b"traceparent" in headers:
            peer, _ = scope.get("client") or ("", 0)
            continue_trace(context, scope["headers"], trusted=self._callers.includes(peer))
        if self._proxies:
            apply_forwarded(scope, self._proxies)
        scope["slipway"] = context
        if self._authenticate is not None:
            credentials = headers.get(b"authorization")
            scope["principal"] = principal = self._authenticate(credentials) if credentials else None
            if principal is not None:
                context.principal = str(getattr(principal, "subject", ""))
        return context

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starts the telemetry before the application, and closes it after the application."""
        self._telemetry.start()
        self._telemetry.watch_loop()

        async def send_last(message: Message) -> None:
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await self._telemetry.close()
            await send(message)

        await self._app(scope, receive, send_last)


def _declared_bytes(length: bytes) -> int:
    """The length of the body by its `Content-Length`, -1 if the field is invalid."""
    try:
        return parse_content_length(length)
    except ValueError:
        return -1
