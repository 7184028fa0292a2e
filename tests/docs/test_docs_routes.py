"""The documentation pages at the level of HTTP: what they load, what they allow, what they refuse."""

import http.client
import re
import sys
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app.platform.http.docs.assets import BUNDLES
from tests.docs.conftest import DocsServer
from tests.docs.sample import create_sample

PAGES = ["/docs", "/redoc"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_host_and_everything_it_loads_is_served(docs_server: DocsServer, page: str) -> None:
    with httpx2.Client() as client:
        html = client.get(docs_server.prefixed + page).text
        links = re.findall(r'(?:href|src)="([^"]+)"', html)

        assert "//" not in html
        assert len(links) >= 5
        for link in links:
            answer = client.get(httpx2.URL(docs_server.prefixed + page).join(link))
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].split(";")[0] in {
                "application/json", "image/svg+xml", "text/css", "text/javascript"
            }  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_of_a_page_allows_no_other_host_and_no_inline_script(docs_server: DocsServer, page: str) -> None:
    policy = httpx2.get(docs_server.url + page).headers["content-security-policy"]
    directives = {name: values for name, *values in (part.split() for part in policy.split(";"))}

    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["connect-src"] == ["'self'"]
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert directives[name] == ["'none'"]
    sources = {source for values in directives.values() for source in values if "sha256" not in source}
    assert sources <= {"'none'", "'self'", "data:", "blob:"}


@pytest.mark.parametrize("path", [*PAGES, "/docs/assets/page.css", "/docs/assets/swagger-ui-bundle.js"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_answers_as_get_does_without_a_body(docs_server: DocsServer, path: str, encoding: str) -> None:
    headers = {"accept-encoding": encoding}
    whole = httpx2.get(docs_server.url + path, headers=headers)
    head = httpx2.head(docs_server.url + path, headers=headers)

    assert head.status_code == 200
    assert head.content == b""
    ignored = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in whole.headers.items() if k not in ignored
    }


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, br", None),
        ("x-gzip-2", None),
    ],
)
def test_a_file_is_compressed_for_who_takes_it(docs_server: DocsServer, accepted: str, encoding: str | None) -> None:
    url = f"{docs_server.url}/docs/assets/swagger-ui.css"
    plain = httpx2.get(url, headers={"accept-encoding": "identity"})

    answer = httpx2.get(url, headers={"accept-encoding": accepted})

    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.content == plain.content
    assert (answer.headers["etag"] == plain.headers["etag"]) == (encoding is None)


def test_a_file_that_the_browser_has_is_not_sent_again(docs_server: DocsServer) -> None:
    url = f"{docs_server.url}/docs/assets/swagger-ui-bundle.js"
    etag = httpx2.get(url).headers["etag"]

    fresh = httpx2.get(url, headers={"if-none-match": f'"other", W/{etag}'})
    stale = httpx2.get(url, headers={"if-none-match": '"other"'})

    assert (fresh.status_code, fresh.content, fresh.headers["etag"]) == (304, b"", etag)
    assert stale.status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "unknown.js",
        "LICENSE",
        "../pages.py",
        "..%2f..%2fpages.py",
        "%2e%2e/pages.py",
        "..\\pages.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "page.css%00.js",
        "page.css/",
        "",
    ],
)
def test_only_the_listed_files_are_served(docs_server: DocsServer, name: str) -> None:
    # The clients of higher level would resolve the dots themselves.
    connection = http.client.HTTPConnection(urlsplit(docs_server.url).netloc, timeout=5)
    connection.request("GET", f"/docs/assets/{name}")
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status in {404, 307}
    if answer.status == 307:
        assert urlsplit(answer.headers["location"]).path in {"/docs/assets", "/docs/assets/page.css"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/docs", "/docs"),
        ("/docs/assets/page.css", "/docs/assets/{name}"),
        ("/docs/assets/unknown", "/docs/assets/{name}"),
        ("/redoc", "/redoc"),
        ("/redoc/logo-mini.svg", "/redoc/logo-mini.svg"),
    ],
)
def test_a_request_for_the_pages_leaves_its_route_in_the_scope(method: str, path: str, label: str) -> None:
    app = create_sample()
    labels: list[str] = []

    async def outermost(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        labels.append(scope["route"].path_format)

    TestClient(outermost).request(method, path)

    assert labels == [label]


def test_the_pages_are_not_part_of_the_api() -> None:
    assert not [path for path in create_sample().openapi()["paths"] if path.startswith(("/docs", "/redoc"))]


def test_the_package_with_the_bundles_is_not_imported(docs_server: DocsServer) -> None:
    assert httpx2.get(f"{docs_server.url}/docs/assets/redoc.standalone.js").status_code == 200
    assert BUNDLES not in sys.modules


@pytest.mark.parametrize("page", PAGES)
def test_without_the_bundles_the_service_starts_and_a_page_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setitem(sys.modules, BUNDLES, None)  # to Python, it is then not installed
    client = TestClient(create_sample())

    answer = client.get(page)

    assert client.get("/openapi.json").status_code == 200
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:slipway:problem:docs-not-installed"
    assert "fastapi-standalone-docs" in answer.json()["detail"]
