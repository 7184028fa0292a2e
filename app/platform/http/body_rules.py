"""The rules for the body of each route, from its declaration."""

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
    """`openapi_extra` of a route with its own limit instead of `http.max_body_bytes`; the document shows it."""
    return {MAX_BODY_BYTES: max_bytes}


def body_rules(routes: Iterable[BaseRoute], max_bytes: int) -> dict[int, BodyRules]:
    """The rules by the `id` of the route; the limit is `max_bytes` unless it declares `takes_bodies_of`.

    The rules of a route whose router is included more than once hold the demands that all inclusions share. The
    framework checks the others after it has the body.
    """
    rules: dict[int, BodyRules] = {}
    for context in iter_route_contexts(list(routes)):
        if isinstance(context.original_route, APIRoute):
            key, route_rules = id(context.original_route), _rules(context, max_bytes)
            rules[key] = _common(rules[key], route_rules) if key in rules else route_rules
    return rules


def _rules(context: RouteContext, max_bytes: int) -> BodyRules:
    extra = cast("dict[str, int]", context.openapi_extra or {})
    return BodyRules(
        extra.get(MAX_BODY_BYTES, max_bytes),
        _body_format(context),
        tuple(demands(cast(Dependant, context.dependant))),
        not getattr(context.strict_content_type, "value", context.strict_content_type),
    )


def _common(left: BodyRules, right: BodyRules) -> BodyRules:
    return replace(
        left,
        demands=[demand for demand in left.demands if demand in right.demands],
        untyped_json=left.untyped_json or right.untyped_json,
    )


def _body_format(context: RouteContext) -> Literal["", "json", "form"]:
    field = context.body_field
    if field is None:
        return ""
    return "form" if isinstance(field.field_info, params.Form) else "json"
