"""The routes of the documentation pages; their links are relative, so that they work behind any prefix."""

from collections.abc import Awaitable, Callable, Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from ...problems import Problem
from ..routes import LabelledRoute
from .assets import Asset, asset_response, find_assets

Endpoint = Callable[[Request], Awaitable[Response]]

_NOT_INSTALLED = "The documentation pages need the package fastapi-standalone-docs, which is not installed here."

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self'"
)
# Redoc searches in a worker from a blob, and adds style elements, allowed by their hashes: empty ones (their
# rules come through the object model), and that of its scroll bar, which may change when Redoc is upgraded.
_REDOC_POLICY = (
    f"{_POLICY} 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; worker-src blob:"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/assets/icon.svg">
{styles}
</head>
<body>
<noscript>This page needs JavaScript. The API is described in <a href="{openapi}">{openapi}</a>.</noscript>
<div id="docs"></div>
<script src="docs/assets/{bundle}"></script>
<script src="docs/assets/{start}" data-openapi="{openapi}"></script>
</body>
</html>
"""


def docs_routes(*, openapi_url: str, title: str) -> list[BaseRoute]:
    """The routes of `/docs` (Swagger UI) and `/redoc`, with what they load; none of it is in OpenAPI.

    Without the package that carries them each answers the problem `docs-not-installed`, 404.

    Args:
        openapi_url: path of the OpenAPI document, below the same prefix as the pages.
        title: name of the service, shown by the browser.
    """
    assets = find_assets()
    endpoints: dict[str, Endpoint] = (
        {"/docs": _not_installed, "/redoc": _not_installed}
        if assets is None
        else _endpoints(assets, openapi=openapi_url.lstrip("/"), title=title)
    )
    return [LabelledRoute(path, endpoint, include_in_schema=False) for path, endpoint in endpoints.items()]


def _endpoints(assets: dict[str, Asset], *, openapi: str, title: str) -> dict[str, Endpoint]:
    swagger_html = _html(
        f"{title} · Swagger UI", openapi, ("swagger-ui.css", "page.css"), "swagger-ui-bundle.js", "swagger.js"
    )
    redoc_html = _html(f"{title} · Redoc", openapi, ("page.css",), "redoc.standalone.js", "redoc.js")

    async def swagger(_: Request) -> Response:
        return _page(swagger_html, _POLICY)

    async def redoc(_: Request) -> Response:
        return _page(redoc_html, _REDOC_POLICY)

    async def file(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            raise Problem(404, "The documentation pages have no such file.")
        return await asset_response(request, asset)

    async def logo(request: Request) -> Response:
        return await asset_response(request, assets["redoc-logo.svg"])

    return {
        "/docs": swagger,
        "/docs/assets/{name}": file,
        "/redoc": redoc,
        # Redoc asks for its logo below the address of the page.
        "/redoc/logo-mini.svg": logo,
    }


async def _not_installed(_: Request) -> Response:
    raise Problem(404, _NOT_INSTALLED, slug="docs-not-installed", title="Documentation pages not installed")


def _html(title: str, openapi: str, styles: Iterable[str], bundle: str, start: str) -> str:
    links = "\n".join(f'<link rel="stylesheet" href="docs/assets/{style}">' for style in styles)
    return _PAGE.format(title=escape(title), openapi=escape(openapi), styles=links, bundle=bundle, start=start)


def _page(html: str, policy: str) -> Response:
    return HTMLResponse(html, headers={"content-security-policy": policy, "cache-control": "no-cache"})
