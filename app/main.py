"""`create_app`: the only place that wires settings, platform and features together."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog
from fastapi.routing import iter_route_contexts

from app.feature import Feature
from app.platform.auth.jwks import JwksClient
from app.platform.auth.remote_revocations import POLL_INTERVAL_SECONDS, RemoteRevocations
from app.platform.auth.revocations import Revocations, follow
from app.platform.auth.tokens import TokenVerifier
from app.platform.auth.weak_secrets import refuse_weak_secrets
from app.platform.db import Database
from app.platform.db.migrations import Branch, SchemaBehindError, behind
from app.platform.http.application import Resources, SlipwayApp
from app.platform.http.database_errors import install_database_errors
from app.platform.http.docs import docs_routes
from app.platform.http.scopes import PUBLIC
from app.platform.process.drain import Drain
from app.platform.process.health import Check, Health
from app.platform.process.operations_http import json_answer
from app.platform.settings import Group, Settings, load_settings, variable
from app.platform.settings.groups import load_group
from app.platform.tasks import running
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.metrics.labels import TOKEN_CACHE
from app.registry import branches, discover, enabled, names, remote_issuer

if TYPE_CHECKING:
    from app.platform.telemetry.metrics.instruments import Metrics

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def create_app(
    settings: Settings | None = None, features: Sequence[Feature] | None = None, groups: Iterable[Group] = ()
) -> SlipwayApp:
    """The application with these features; without arguments, as the environment says.

    Opens no socket, file or thread: that is for the lifespan. `groups` are settings of features; those that are not
    given are read from the environment.

    Raises:
        SettingsError: a setting or secret that cannot be used, one sentence each.
    """
    settings = settings or load_settings()
    features = enabled(settings) if features is None else features
    telemetry = build_telemetry(settings)
    issues_tokens = any(feature.issues_tokens for feature in features)
    remote = None if issues_tokens else _jwks_client(settings, telemetry.metrics)
    refuse_weak_secrets(
        settings,
        database=bool(branches(features)),
        auth=remote is None,
        otherwise=None if issues_tokens else _address_of_the_issuer,
    )
    telemetry.metrics.show_features(sorted(feature.name for feature in features))
    revocations = Revocations()
    verifier = TokenVerifier(
        settings.auth,
        keys=remote.keys if remote else None,
        observer=telemetry.metrics.cache(TOKEN_CACHE),
        revocations=revocations,
    )
    if remote:
        remote.on_withdrawn = verifier.forget
    resources = Resources(
        settings,
        Drain(),
        telemetry,
        Database(settings.database) if branches(features) else None,
        verifier,
        remote,
        names(),
        revocations=revocations,
    )
    given = {type(group): group for group in groups}
    for feature in features:
        for section, kind in feature.settings.items():
            resources.add_group(given.get(kind) or load_group(section, kind))
    app = SlipwayApp(
        resources,
        lifespan=partial(_lifespan, features=features),
        route_headers=_deprecation_headers(features),
        route_features=dict(_paths_of(features)),
    )
    for feature in features:
        for router in feature.routers:
            app.include_router(router)
    _add_operations(app, features)
    return app


def _jwks_client(settings: Settings, metrics: "Metrics") -> JwksClient | None:
    """The keys of the process that issues tokens, if the settings say where it is."""
    issuer = remote_issuer(settings)
    if issuer is None:
        return None
    return JwksClient(issuer.name, settings.services[issuer.name], observer=metrics.client(issuer.name))


def _address_of_the_issuer() -> str:
    """What a process without a signing key can set instead."""
    issuer = next((name for name, feature in discover().items() if feature.issues_tokens), "<feature>")
    return f"set {variable('services', issuer)} to the process that issues the tokens"


@asynccontextmanager
async def _lifespan(app: SlipwayApp, features: Sequence[Feature]) -> AsyncGenerator[None]:
    """Opens what the platform and each feature need, in their order; closes it in the opposite order."""
    resources = app.resources
    if not _knows_revocations(resources, features):
        _log.warning("revoked tokens stay valid here until they expire", hint=_address_of_the_issuer())
    async with AsyncExitStack() as stack:
        if resources.database:
            stack.push_async_callback(resources.database.close)
        if remote := resources.jwks:
            source = RemoteRevocations(resources.settings.services[remote.peer], remote.observer)
            await stack.enter_async_context(running(remote.run()))
            await stack.enter_async_context(running(follow(resources.revocations, source.read, POLL_INTERVAL_SECONDS)))
        for feature in features:
            if feature.lifespan:
                resources.add_state(await stack.enter_async_context(feature.lifespan(resources)))
        if resources.health:
            resources.health.watch_loop()
        yield


def _knows_revocations(resources: Resources, features: Sequence[Feature]) -> bool:
    return resources.jwks is not None or any(feature.issues_tokens for feature in features)


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
    if remote := resources.jwks:
        checks.append(Check(f"{remote.peer}-keys", remote.check_ready, required=False))
        started.append(Check(f"{remote.peer}-keys", remote.check_started))
    if _knows_revocations(resources, features):
        resources.telemetry.metrics.revocations(resources.revocations.age)
        checks.append(Check("revocations", resources.revocations.require_fresh, required=False))
    checks += [check for feature in features for check in feature.checks(resources)]
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
