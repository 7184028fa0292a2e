"""The sample of the telemetry tests, served with tokens and with headers of a route."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.served import Served, serving

DEPRECATED = [(b"deprecation", b"@1767225600"), (b"link", b'</api/v2>; rel="successor-version"')]


@dataclass
class Somebody:
    subject: str


def authenticate(header: bytes) -> object:
    return Somebody("user-1") if header == b"Bearer good" else ValueError("a token that is no good")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log: Path = tmp_path_factory.mktemp("http") / "log"
    headers = {"/api/items/{item_id}": DEPRECATED}
    settings = {"telemetry": {"trusted_callers": "127.0.0.1"}}
    with serving(log, settings=settings, authenticate=authenticate, route_headers=headers) as running:
        yield running
