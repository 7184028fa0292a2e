"""The tables in code are the tables that the migrations make."""

from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.feature import Feature
from app.platform.db.database import ENGINE_URL, engine_arguments
from app.platform.settings import Database
from app.registry import discover

FEATURES = {name: feature for name, feature in discover().items() if feature.migrations}


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
async def test_models_and_migrations_make_the_same_tables(feature: Feature, database: Database) -> None:
    metadata: MetaData = import_module(f"app.features.{feature.name}.models").metadata

    names = {table.name for table in metadata.tables.values()}

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        # The tables of the migrations themselves are in the same schema.
        return name == feature.name if kind == "schema" else kind != "table" or name in names

    def differences(connection: Connection) -> list[object]:
        options = {"include_schemas": True, "include_name": is_ours, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    engine = create_async_engine(ENGINE_URL, poolclass=NullPool, connect_args=engine_arguments(database))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
