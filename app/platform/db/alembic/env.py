"""Alembic's environment: one branch, on the connection and in the transaction of `migrations.migrate`."""

from alembic import context
from alembic.runtime.migration import MigrationInfo
from sqlalchemy import text

options = context.config.attributes
connection, schema, applied = options["connection"], options["schema"], options["applied"]
RECORD = text(f"INSERT INTO {schema}.schema_history (revision) VALUES (:revision) ON CONFLICT DO NOTHING")  # noqa: S608


def record(ctx: object, step: MigrationInfo, heads: object, run_args: object) -> None:
    """Keeps each applied revision for good, so that an older release can see that its own was here."""
    for revision in step.up_revision_ids:
        connection.execute(RECORD, {"revision": revision})
        applied.append(revision)


context.configure(connection=connection, version_table_schema=schema, on_version_apply=record)
context.run_migrations()
