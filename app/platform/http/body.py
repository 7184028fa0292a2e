"""The body of a request: who may send one, its size and shape, and the memory of all bodies together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as MailMessage
from http import HTTPStatus
from typing import Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope

from ..problems import Overloaded, Problem
from ..settings import Http
from .json_limits import JsonLimits, MalformedJsonError

MAX_FORM_FIELDS = 100
MAX_FORM_FILES = 10
MAX_URLENCODED_BYTES = 64 * 1024
"""For a form without files, on any route: percent-encoding is decoded in Python, a byte at a time."""
TOO_LARGE = "The body is larger than this service takes."
BUSY = "Too many bodies are being received at once; try again."
FORM_FIELDS = f"A form may have at most {MAX_FORM_FIELDS} fields."
FORM_TEXT = "The form is not percent-encoded UTF-8."
FORM_CHARSET = "Forms are read as UTF-8: leave charset out, or send charset=utf-8."

Demand: TypeAlias = Callable[[HTTPConnection], Awaitable[object]]
"""Raises `Problem` for a caller without access to the route."""


class RefusedError(HTTPException):
    """Ends the reading of a body. The framework re-raises it unchanged; the client is already answered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status, problem.detail)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class BodyRules:
    """The body that a route accepts.

    `demands` are checked before the first byte of the body is read. The framework parses the body of a `json` or
    `form` route; for the others only the size is checked here.
    """

    max_bytes: int
    reads: Literal["", "json", "form"] = ""
    demands: Sequence[Demand] = ()
    untyped_json: bool = False
    """Whether a body without `Content-Type` is read as JSON."""


class Bodies:
    """The rules of all routes, and the bytes of bodies that this process currently holds.

    `routes` maps the `id` of the object in `scope["route"]` to its rules; other routes have the default.
    """

    def __init__(self, settings: Http, routes: Mapping[int, BodyRules] | None = None) -> None:
        self._routes = dict(routes or {})
        self._default = BodyRules(settings.max_body_bytes)
        self.json = JsonLimits(settings.max_json_values, settings.max_json_depth)
        self.max_bytes = max((self._default.max_bytes, *(rules.max_bytes for rules in self._routes.values())))
        """The largest body that any route accepts."""
        self._budget = settings.max_body_bytes_in_flight
        self._in_flight = 0
        if self.max_bytes > self._budget:
            raise ValueError(
                f"a route accepts bodies of {self.max_bytes} bytes, but all together may have {self._budget}: "
                "raise SLIPWAY_HTTP__MAX_BODY_BYTES_IN_FLIGHT"
            )

    def rules(self, scope: Scope) -> BodyRules:
        """The rules of the matched route, or the default."""
        return self._routes.get(id(scope.get("route")), self._default)

    def hold(self, number: int) -> None:
        """Adds bytes. Raises `RefusedError` if the limit is exceeded."""
        if self._in_flight + number > self._budget:
            raise RefusedError(Overloaded("body_budget", BUSY))
        self._in_flight += number

    def drop(self, number: int) -> None:
        """Removes the bytes of an answered request."""
        self._in_flight -= number


class BodyReader:
    """Reads the body of one request. `close` must be called in the end."""

    __slots__ = ("_bodies", "_declared", "_held", "_max_bytes", "_read", "_rules", "_scope", "started")

    def __init__(self, bodies: Bodies, rules: BodyRules, scope: Scope, declared_bytes: int) -> None:
        self._bodies = bodies
        self._rules = rules
        self._max_bytes = rules.max_bytes
        self._scope = scope
        self._declared = declared_bytes
        self._read = self._held = 0
        self.started = False
        """Whether the server was asked for any byte."""

    async def read(self, receive: Receive) -> Message:
        """The next message; the first of a route that the framework parses is the whole body, checked.

        Raises `RefusedError` for a body that is refused.
        """
        if self.started:
            return await self._next(receive)
        content_type = _content_type(self._scope)
        reads = self._rules.reads
        urlencoded = reads == "form" and _media_type(content_type) == "application/x-www-form-urlencoded"
        if urlencoded:
            self._max_bytes = min(self._max_bytes, MAX_URLENCODED_BYTES)
        await self._admit()
        if reads == "form":
            _check_charset(content_type)
        self.started = True
        if not (reads == "json" or urlencoded):
            return await self._next(receive)
        message = await self._collect(receive)
        if message["type"] == "http.request" and message["body"]:
            self._check(message["body"], content_type)
        return message

    def close(self) -> None:
        """Releases the memory of the body."""
        self._bodies.drop(self._held)
        self._held = 0

    async def _admit(self) -> None:
        if self._declared > self._max_bytes:
            raise RefusedError(Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE))
        if getattr(self._scope.get("app"), "dependency_overrides", None):
            return  # tests may replace the dependencies of a route
        for demand in self._rules.demands:
            try:
                await demand(HTTPConnection(self._scope))
            except Problem as problem:
                raise RefusedError(problem) from None

    async def _next(self, receive: Receive) -> Message:
        message = await receive()
        if message["type"] == "http.request":
            number = len(message.get("body", b""))
            self._read += number
            if self._read > self._max_bytes:
                raise RefusedError(Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE))
            self._bodies.hold(number)
            self._held += number
        return message

    async def _collect(self, receive: Receive) -> Message:
        """The whole body in one piece: many small pieces would take a multiple of their bytes."""
        body = bytearray()
        while True:
            message = await self._next(receive)
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    def _check(self, body: bytes, content_type: str | None) -> None:
        if self._rules.reads == "form":
            _check_form(body)
        elif self._rules.untyped_json if content_type is None else _is_json(content_type):
            try:
                self._bodies.json.check(body)
            except MalformedJsonError as error:
                raise RefusedError(Problem(HTTPStatus.BAD_REQUEST, str(error), slug="malformed-json")) from None


def _content_type(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"content-type":
            text: str = value.decode("latin-1")
            return text or None
    return None


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    """Whether the framework parses such a body as JSON; decided in the same way (fastapi 0.165)."""
    if content_type == "application/json":
        return True
    message = MailMessage()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _check_charset(content_type: str | None) -> None:
    """Some of Python's codecs take quadratic time, and only UTF-8 is documented."""
    for parameter in (content_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower().startswith("charset") and value.strip(' \t"').lower() not in {"utf-8", "us-ascii"}:
            raise RefusedError(Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, FORM_CHARSET))


def _check_form(body: bytes) -> None:
    """Counts the fields before the framework's slow parser does; rejects bytes that it would replace."""
    if body.count(b"&") >= MAX_FORM_FIELDS:
        raise RefusedError(Problem(HTTPStatus.BAD_REQUEST, FORM_FIELDS, slug="malformed-form"))
    try:
        unquote_to_bytes(body.decode("ascii")).decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(Problem(HTTPStatus.BAD_REQUEST, FORM_TEXT, slug="malformed-form")) from None
