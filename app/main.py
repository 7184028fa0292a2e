"""`create_app`: the only place that wires settings, platform and features together."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog
from fastapi.routing import iter_route_contexts

from app.platform.auth.remote_keys import RemoteKeys
from app.platform.auth.remote_revocations import POLL_SECONDS, RemoteRevocations
from app.platform.auth.revocations import Revocations, follow
from app.platform.auth.scopes import PUBLIC
from app.platform.auth.tokens import TokenVerifier
from app.platform.db import Database
from app.platform.db.migrations import Branch, SchemaBehindError, behind
from app.platform.docs import docs_routes
from app.platform.drain import Drain
from app.platform.health import Check, Health
from app.platform.http.application import Resources, SlipwayApp
from app.platform.http.errors import install_database_errors
from app.platform.settings import Settings, load_settings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.labels import TOKEN_CACHE
from app.platform.telemetry.metrics_http import json_answer
from app.platform.weak_secrets import refuse_weak_secrets
from app.registry import Feature, branches, discover, enabled

if TYPE_CHECKING:
    from app.platform.telemetry.metrics import Metrics

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

ISSUER = "users"
"""The feature that signs access tokens."""


def create_app(settings: Settings | None = None, features: Sequence[Feature] | None = None) -> SlipwayApp:
    """The application with these features; without arguments, as the environment says.

    Opens no socket, file or thread: that is for the lifespan.

    Raises:
        SettingsError: a setting or secret that cannot be used, one sentence each.
    """
    settings = settings or load_settings()
    features = enabled(settings) if features is None else features
    telemetry = build_telemetry(settings)
    names = {feature.name for feature in features}
    remote = _remote_keys(settings, names, telemetry.metrics)
    refuse_weak_secrets(settings, database=bool(branches(features)), auth=remote is None, issues=ISSUER in names)
    telemetry.metrics.show_features(sorted(names))
    revocations = Revocations()
    verifier = TokenVerifier(
        settings.auth,
        keys=remote.keys if remote else None,
        counts=telemetry.metrics.cache(TOKEN_CACHE),
        revocations=revocations,
    )
    if remote:
        remote.withdrawn = verifier.forget
    resources = Resources(
        settings,
        Drain(),
        telemetry,
        Database(settings.database) if branches(features) else None,
        verifier,
        remote,
        # Of the image's other features too: the processes that run them take the tokens that are issued here.
        tuple(f"{name}:{access}" for name in sorted(names | discover().keys()) for access in ("read", "write")),
        revocations=revocations,
    )
    if remote:
        source = RemoteRevocations(settings.services[ISSUER], remote.counts)
        resources.background += [remote.keep, partial(follow, revocations, source.read, POLL_SECONDS)]
    app = SlipwayApp(
        resources,
        lifespan=_lifespan,
        route_headers=_deprecation_headers(features),
        route_features=dict(_paths_of(features)),
    )
    for feature in features:
        if feature.setup:
            resources.features[feature.name] = feature.setup(resources)
        if feature.background:
            resources.background.append(partial(feature.background, resources))
        for router in feature.routers:
            app.include_router(router)
    _add_operations(app, features)
    return app


def _remote_keys(settings: Settings, names: set[str], metrics: "Metrics") -> RemoteKeys | None:
    """The keys of the process that issues tokens, unless this one does."""
    url = settings.services.get(ISSUER)
    return RemoteKeys(url, counts=metrics.client(ISSUER)) if url and ISSUER not in names else None


@asynccontextmanager
async def _lifespan(app: SlipwayApp) -> AsyncGenerator[None]:
    if not _knows_revocations(app.resources):
        _log.warning("revoked tokens stay good here until they expire: set SLIPWAY_SERVICES__USERS")
    tasks = [asyncio.create_task(work()) for work in app.resources.background]
    if app.resources.health:
        app.resources.health.watch_loop()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if app.resources.database:
            await app.resources.database.close()


def _knows_revocations(resources: Resources) -> bool:
    return resources.remote_keys is not None or ISSUER in resources.features


def _add_operations(app: SlipwayApp, features: Sequence[Feature]) -> None:
    """Health, `/info` and the documentation pages."""
    resources = app.resources
    settings, database = resources.settings, resources.database
    checks: list[Check] = []
    started: list[Check] = []
    if database:
        install_database_errors(app)
        database.report_to(resources.telemetry.metrics)
        checks.append(Check("database", database.probe.ping))
        started.append(Check("schema", partial(_require_schema, database, branches(features))))
    if resources.remote_keys:
        checks.append(Check("users-keys", resources.remote_keys.reach, required=False))
        started.append(Check("users-keys", resources.remote_keys.require))
    if _knows_revocations(resources):
        resources.telemetry.metrics.revocations(resources.revocations.age)
        checks.append(Check("revocations", resources.revocations.require_fresh, required=False))
    health = Health(resources.drain, checks, started, details=settings.details_exposed)
    for path, endpoint in health.endpoints().items():
        app.add_api_route(path, endpoint, tags=["operations"], operation_id=path.strip("/"), openapi_extra=PUBLIC)

    about: dict[str, object] = {
        **settings.service.model_dump(),
        "environment": settings.environment,
        "features": [feature.name for feature in features],
    }

    async def info() -> dict[str, object]:
        """What runs here: name, version, revision, environment and features."""
        return about

    if settings.details_exposed:
        app.add_api_route("/info", info, tags=["operations"], operation_id="info", openapi_extra=PUBLIC)
    resources.health = health
    resources.operations = {**health.operations(), "/info": partial(json_answer, about)}
    if settings.docs_enabled:
        app.router.routes.extend(docs_routes(openapi_url="/openapi.json", title=settings.service.name))


async def _require_schema(database: Database, schema: Sequence[Branch]) -> None:
    async with database.probe.connection() as connection:
        missing = await behind(connection, schema)
    if missing:
        raise SchemaBehindError


def _deprecation_headers(features: Sequence[Feature]) -> dict[str, list[tuple[bytes, bytes]]]:
    """The headers of each deprecated route, by its path template."""
    deprecations = [deprecation for feature in features for deprecation in feature.deprecations]
    return {
        path: deprecation.headers()
        for path, _ in _paths_of(features)
        for deprecation in deprecations
        if path.startswith(deprecation.prefix)
    }


def _paths_of(features: Sequence[Feature]) -> Iterator[tuple[str, str]]:
    """Each path template with the feature that serves it."""
    for feature in features:
        for router in feature.routers:
            for context in iter_route_contexts(router.routes):
                if context.path_format:
                    yield context.path_format, feature.name
