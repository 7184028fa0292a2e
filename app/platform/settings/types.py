"""Types of settings values."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Positive = Annotated[int, Field(ge=1)]


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    try:
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if parts.scheme not in {"http", "https"} or not complete or set(value) & set("@?# ") or not value.isprintable():
        raise ValueError("must be a base URL: http:// or https:// and a host, without user, query or fragment")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
