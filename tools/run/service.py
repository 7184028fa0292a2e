"""The service as `make run` serves it: on a database that is made, migrated and seeded before it starts."""

import asyncio

from fastapi import Request, Response

from app.main import create_app as create_service
from app.platform.db.migrations import migrate
from app.platform.http.application import SlipwayApp
from app.platform.settings import Database, Settings
from app.platform.telemetry.metrics.exposition import exposition
from app.registry import branches, enabled
from tools.postgres.connect import connect
from tools.run.keys import kept_signing_key
from tools.run.run import STATE
from tools.seed import seed


def create_app(settings: Settings) -> SlipwayApp:
    """The application, after steps that each reload repeats: a migration is applied by saving it."""
    key = settings.auth.signing_key
    if not key.get_secret_value():
        key = kept_signing_key(STATE / "signing-key.pem")
    settings = settings.model_copy(update={"auth": settings.auth.model_copy(update={"signing_key": key})})
    asyncio.run(_prepare(settings))
    app = create_service(settings)
    registry = app.resources.telemetry.registry

    def metrics(request: Request) -> Response:
        """The metrics port's content, where a browser already is."""
        body, media_type = exposition(registry, request.headers.get("accept", ""))
        return Response(body, media_type=media_type)

    app.add_api_route("/metrics", metrics, include_in_schema=False)
    return app


async def _prepare(settings: Settings) -> None:
    features = enabled(settings)
    await _create_database(settings.database)
    await migrate(settings.database, branches(features))
    if {"users", "items"} <= {feature.name for feature in features}:
        await seed(settings)


async def _create_database(address: Database) -> None:
    maintenance = await connect(address, "postgres")
    try:
        if not await maintenance.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", address.name):
            await maintenance.execute(f"CREATE DATABASE {address.name}")
    finally:
        await maintenance.close()
