"""What a feature declares, and how features are found: by their folder."""

import importlib
import pkgutil
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from fastapi import APIRouter

from app import features
from app.platform.db.migrations import Branch
from app.platform.http.application import Resources
from app.platform.settings import Settings, SettingsError, variable


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


@dataclass(frozen=True)
class Feature:
    """The whole public declaration of a feature.

    Args:
        name: its package, its PostgreSQL schema and the first part of its scopes.
        routers: each carries its whole path, so that metrics know the full template of a route.
        migrations: the folder of its Alembic branch; None for a feature without tables.
        deprecations: old versions of its API.
        setup: makes what its handlers need once a process; opens nothing.
        background: runs beside the requests, from start-up until it is cancelled at the end; never raises.
    """

    name: str
    routers: tuple[APIRouter, ...] = ()
    migrations: Path | None = None
    deprecations: tuple[Deprecation, ...] = ()
    setup: Callable[[Resources], object] | None = None
    background: Callable[[Resources], Coroutine[None, None, None]] | None = None

    @property
    def branch(self) -> Branch | None:
        """Its migrations, or None."""
        return Branch(self.name, self.migrations) if self.migrations else None


def discover() -> dict[str, Feature]:
    """Every feature there is, by name: the `feature` of each package in `app/features`."""
    found: dict[str, Feature] = {}
    for module in pkgutil.iter_modules(features.__path__, f"{features.__name__}."):
        feature = importlib.import_module(module.name).feature
        found[feature.name] = feature
    return dict(sorted(found.items()))


def enabled(settings: Settings) -> list[Feature]:
    """The features of this process. Raises `SettingsError` for a name, also in `services`, that is no feature."""
    found = discover()
    elsewhere = sorted(settings.services.keys() - found.keys())
    if elsewhere:
        problem = f"{variable('services', elsewhere[0])} is of no feature: there are only {', '.join(found)}"
        raise SettingsError([problem])
    if settings.features is None:
        return list(found.values())
    unknown = sorted(set(settings.features) - found.keys())
    if unknown:
        raise SettingsError(
            [f"{variable('features')} names {', '.join(unknown)}, but there are only {', '.join(found)}"]
        )
    return [found[name] for name in dict.fromkeys(settings.features)]


def branches(wanted: Sequence[Feature]) -> list[Branch]:
    """The migrations of the features that have some."""
    return [branch for feature in wanted if (branch := feature.branch)]
