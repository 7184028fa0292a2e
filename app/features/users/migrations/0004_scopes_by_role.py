"""Adds a role and extra scopes to each user, in place of scopes that were copied at registration.

The release before this one goes on with `scopes`, which stays until the next release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_scopes_by_role"
down_revision = "0003_add_revocations"


def upgrade() -> None:
    """Expands the schema; scopes other than read and write, which every user has, become extra ones."""
    op.add_column("users", sa.Column("role", sa.Text(), nullable=False, server_default="user"), schema="users")
    op.add_column(
        "users", sa.Column("extra_scopes", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"), schema="users"
    )
    op.create_check_constraint("users_role_is_known", "users", "role IN ('user', 'admin')", schema="users")
    op.execute(
        """
        UPDATE users.users
        SET extra_scopes = ARRAY(SELECT scope FROM unnest(scopes) AS scope WHERE scope !~ ':(read|write)$')
        WHERE EXISTS (SELECT FROM unnest(scopes) AS scope WHERE scope !~ ':(read|write)$')
        """
    )
