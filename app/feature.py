"""What a feature declares. Its package's `feature` is all that the rest of the service knows of it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from fastapi import APIRouter

from app.platform.db.migrations import Branch
from app.platform.http.application import Resources
from app.platform.process.health import Check
from app.platform.settings import Group
from app.platform.telemetry.metrics.specification import MetricSpec

ACCESS = ("read", "write", "admin")
"""What the scopes of a feature end with unless it declares others: `items:read`, `items:write`, `items:admin`."""


@dataclass(frozen=True)
class Deprecation:
    """An old version of an API: announced by headers on each of its answers (RFC 9745, RFC 8594)."""

    prefix: str
    since: datetime
    sunset: datetime
    successor: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        """`Deprecation`, `Sunset` and `Link` with the successor."""
        return [
            (b"deprecation", f"@{int(self.since.timestamp())}".encode()),
            (b"sunset", format_datetime(self.sunset, usegmt=True).encode()),
            (b"link", f'<{self.successor}>; rel="successor-version"'.encode()),
        ]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """The whole public declaration of a feature.

    Args:
        name: its package, its PostgreSQL schema and the first part of its scopes.
        routers: each carries its whole path, so that metrics know the full template of a route.
        migrations: the folder of its Alembic branch; None for a feature without tables.
        settings: groups of settings by section; `{"notes": NotesSettings}` is read from `SLIPWAY_NOTES__…`. Use the
            feature's name for the section. `resources.group(NotesSettings)` gives the values.
        lifespan: an async context manager that opens what the feature needs when the process starts, yields it, and
            closes it when the process stops. `resources.state(Notes)` gives what it yielded, by its class.
        checks: what readiness asks besides the database. They run after the lifespan has begun.
        metrics: what it measures; nothing reads this yet, so add it to the platform's catalogue too.
        scopes: the last parts of its scopes. Every user may `read` and `write`; others are granted by role or user.
        consumers: what handles events in a worker.
        jobs: background work in a worker.
        deprecations: old versions of its API.
        requires: extras of `pyproject.toml` whose packages it imports.
        issues_tokens: whether it signs the access tokens of the service; one feature does.
    """

    name: str
    routers: tuple[APIRouter, ...] = ()
    migrations: Path | None = None
    settings: Mapping[str, type[Group]] = field(default_factory=dict[str, type[Group]])
    lifespan: Callable[[Resources], AbstractAsyncContextManager[object]] | None = None
    checks: Callable[[Resources], Iterable[Check]] = lambda _: ()
    metrics: tuple[MetricSpec, ...] = ()
    scopes: tuple[str, ...] = ACCESS
    consumers: tuple[object, ...] = ()
    jobs: tuple[object, ...] = ()
    deprecations: tuple[Deprecation, ...] = ()
    requires: tuple[str, ...] = ()
    issues_tokens: bool = False

    @property
    def branch(self) -> Branch | None:
        """Its migrations, or None."""
        return Branch(self.name, self.migrations) if self.migrations else None
