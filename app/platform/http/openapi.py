"""The OpenAPI document, with the schema of problem details."""

from http import HTTPStatus
from typing import TypeAlias, cast

from ..problems import MEDIA_TYPE, phrase

Responses: TypeAlias = dict[int | str, dict[str, object]]
Document: TypeAlias = dict[str, object]

_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_UNUSED = ("HTTPValidationError", "ValidationError")

PROBLEM_SCHEMA: Document = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem.", "format": "uri"},
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong here, and what to do."},
        "instance": {"type": "string", "description": "Id of the request, as in `X-Request-ID`."},
        "errors": {
            "type": "array",
            "description": "For 422: each field that was refused.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def problems(*statuses: int) -> Responses:
    """`responses=` of an operation that may answer these errors."""
    return {
        status: {"description": phrase(status), "content": {MEDIA_TYPE: {"schema": _REFERENCE}}} for status in statuses
    }


EVERYWHERE = problems(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""The errors that any operation may answer."""


def with_problems(document: Document) -> Document:
    """Puts the `Problem` schema into the components, in place of the framework's own."""
    components = cast("dict[str, Document]", document.setdefault("components", {}))
    schemas = components.setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    return document
