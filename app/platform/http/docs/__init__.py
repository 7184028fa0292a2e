"""The documentation pages, Swagger UI and Redoc: no network needed, a strict content security policy."""

from .pages import docs_routes

__all__ = ["docs_routes"]
