"""Every statement on users."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg
from sqlalchemy import Boolean, bindparam, case, func, insert, select, update

from app.features.users.models import token_holders, users
from app.platform.db import Query
from app.platform.db.query import Executor

_CHANGEABLE = ("email", "full_name", "age")

# Named one by one: a new column is never shown because somebody added it.
_public = [
    users.c[name]
    for name in ("id", "username", "email", "full_name", "age", "disabled", "role", "extra_scopes", "created_at")
]
_active = (users.c.id == bindparam("user_id")) & ~users.c.disabled


def _changed(name: str) -> object:
    """The new value if there is one, which may be NULL, else the old."""
    given = bindparam(f"{name}_given", type_=Boolean())
    return case((given, bindparam(f"{name}_value", type_=users.c[name].type)), else_=users.c[name])


ADD = Query(insert(users).returning(*_public), "insert user")
GET = Query(select(*_public).where(_active), "select user")
GET_SECRET = Query(select(users).where(_active), "select user secret")
FIND = Query(
    select(users, func.coalesce(token_holders.c.not_before, 0).label("tokens_not_before"))
    .select_from(users.outerjoin(token_holders, token_holders.c.subject == users.c.id))
    .where(func.lower(users.c.username) == func.lower(bindparam("name", type_=users.c.username.type))),
    "select user by name",
)
CHANGE = Query(
    update(users).where(_active).values({name: _changed(name) for name in _CHANGEABLE}).returning(*_public),
    "update user",
)
SET_PASSWORD = Query(
    update(users)
    .where(_active, users.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash", type_=users.c.password_hash.type)),
    "update user password",
)


async def add(on: Executor, row: Mapping[str, object]) -> asyncpg.Record | None:
    """Stores a new user, `row` has every column; None if the user name is taken."""
    try:
        return await ADD.first(on, **row)
    except asyncpg.UniqueViolationError:
        return None


async def get(on: Executor, user_id: UUID) -> asyncpg.Record | None:
    """A user who is not disabled, without the hash."""
    return await GET.first(on, user_id=user_id)


async def get_with_hash(on: Executor, user_id: UUID) -> asyncpg.Record | None:
    """A user who is not disabled, with `password_hash`."""
    return await GET_SECRET.first(on, user_id=user_id)


async def find(on: Executor, username: str) -> asyncpg.Record | None:
    """The user of this name in upper or lower case, disabled or not, with `password_hash`.

    `tokens_not_before` is the first second whose tokens are not revoked.
    """
    return await FIND.first(on, name=username)


async def change(on: Executor, user_id: UUID, changes: Mapping[str, object]) -> asyncpg.Record | None:
    """The user with these changes; None if there is none who is not disabled."""
    given = {f"{name}_given": name in changes for name in _CHANGEABLE}
    values = {f"{name}_value": changes.get(name) for name in _CHANGEABLE}
    return await CHANGE.first(on, user_id=user_id, **given, **values)


async def set_password(on: Executor, user_id: UUID, old_hash: str, new_hash: str) -> bool:
    """Whether the hash was replaced: not if it is no longer the old one, or the user is disabled."""
    return await SET_PASSWORD.run(on, user_id=user_id, old_hash=old_hash, new_hash=new_hash) == 1
