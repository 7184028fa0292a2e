"""The rules for the body of each route, from what the route declares."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, cast

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from .body import BodyRules
from .scopes import demands

MAX_BODY_BYTES = "x-max-body-bytes"
"""Member of an operation in the OpenAPI document."""


def takes_bodies_of(max_bytes: int) -> dict[str, object]:
    """`openapi_extra` of a route with a limit of its own instead of `http.max_body_bytes`; the document says so."""
    return {MAX_BODY_BYTES: max_bytes}


def body_rules(routes: Iterable[BaseRoute], max_bytes: int) -> dict[int, BodyRules]:
    """By the `id` of the route, which takes `max_bytes` unless it says `takes_bodies_of`.

    A route of a router that is included more than once has here what all inclusions demand of the caller. A further
    demand the framework sees to when it has the body.
    """
    rules: dict[int, BodyRules] = {}
    for context in iter_route_contexts(list(routes)):
        if isinstance(context.original_route, APIRoute):
            key, found = id(context.original_route), _rules(context, max_bytes)
            rules[key] = _common(rules[key], found) if key in rules else found
    return rules


def _rules(context: RouteContext, max_bytes: int) -> BodyRules:
    extra = cast("dict[str, int]", context.openapi_extra or {})
    return BodyRules(
        extra.get(MAX_BODY_BYTES, max_bytes),
        _reads(context),
        tuple(demands(cast(Dependant, context.dependant))),
        not getattr(context.strict_content_type, "value", context.strict_content_type),
    )


def _common(one: BodyRules, other: BodyRules) -> BodyRules:
    return replace(
        one,
        demands=[demand for demand in one.demands if demand in other.demands],
        untyped_json=one.untyped_json or other.untyped_json,
    )


def _reads(context: RouteContext) -> Literal["", "json", "form"]:
    field = context.body_field
    if field is None:
        return ""
    return "form" if isinstance(field.field_info, params.Form) else "json"
