"""Every statement on who may hold tokens, and from which second on they are good.

A row is written before a token is signed, and stays until no token of its subject can be alive. So it shows whose
tokens to revoke when a user was disabled or deleted by whatever means, without a trigger. Instants are not compared
across clocks: a revocation is later than every token that was given.
"""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from app.features.users.models import token_holders, users
from app.platform.auth.revocations import MAX_SUBJECTS, RETENTION_SECONDS, RevocationList, bounded, digest_of
from app.platform.db import Query
from app.platform.db.query import Executor

_subject, _issued_at, _not_before = token_holders.c
_now = bindparam("now", type_=BigInteger())
_active = (users.c.id == bindparam("user_id")) & ~users.c.disabled

# FOR SHARE waits for a change of the user that is under way, and takes the row as it is then.
_new = insert(token_holders).from_select(
    ["subject", "issued_at", "not_before"],
    select(users.c.id, _now, literal(0, BigInteger())).where(_active).with_for_update(read=True),
)
ADMIT = Query(
    _new.on_conflict_do_update(
        index_elements=[_subject],
        set_={"issued_at": func.greatest(_issued_at, _new.excluded.issued_at, _not_before)},
        where=_not_before == bindparam("seen", type_=BigInteger()),
    ).returning(_not_before),
    "upsert token holder",
)
_revoked = insert(token_holders).values(
    subject=bindparam("user_id", type_=_subject.type), issued_at=_now, not_before=_now + 1
)
REVOKE = Query(
    _revoked.on_conflict_do_update(
        index_elements=[_subject],
        set_={"not_before": func.greatest(_issued_at, _not_before, _revoked.excluded.issued_at) + 1},
    ).returning(_not_before),
    "revoke tokens",
)
_gone = (
    select(_subject)
    .where(_not_before <= _issued_at, ~exists().where(users.c.id == _subject, ~users.c.disabled))
    .order_by(_subject)
    .with_for_update(skip_locked=True)
)
NOTICE = Query(
    update(token_holders).where(_subject.in_(_gone)).values(not_before=_issued_at + 1),
    "revoke tokens of users who are gone",
)
FORGET = Query(
    delete(token_holders).where(func.greatest(_issued_at, _not_before) < bindparam("oldest", type_=BigInteger())),
    "delete token holders",
)
LIST = Query(
    select(_subject, _not_before)
    .where(_not_before > bindparam("oldest", type_=BigInteger()))
    .order_by(_not_before.desc())
    .limit(literal(MAX_SUBJECTS + 1)),
    "select revocations",
)


async def admit(on: Executor, user_id: UUID, seen: int, now: int) -> int | None:
    """Notes that the user gets a token, and returns the second it is issued in: now, unless that is revoked.

    None if the user is disabled or gone, or if tokens were revoked since `not_before` was `seen`.
    """
    row = await ADMIT.first(on, user_id=user_id, seen=seen, now=now)
    return max(now, row["not_before"]) if row else None


async def revoke(on: Executor, user_id: UUID, now: int) -> int:
    """Revokes the tokens that the user was given until now; returns the first second that is good again."""
    row = await REVOKE.first(on, user_id=user_id, now=now)
    if row is None:
        raise RuntimeError("an upsert returned no row")
    return row["not_before"]


async def revocations(on: Executor, now: int) -> RevocationList:
    """The revocations that matter, after those of users who are disabled or gone were noted."""
    oldest = now - RETENTION_SECONDS
    await NOTICE.run(on)
    await FORGET.run(on, oldest=oldest)
    rows = await LIST.all(on, oldest=oldest)
    return bounded({digest_of(row["subject"]): row["not_before"] for row in rows})
