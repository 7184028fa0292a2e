"""Every statement on failed log-ins. The clock is the database's, which all processes share."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg
from sqlalchemy import (
    ARRAY,
    Float,
    Integer,
    LargeBinary,
    any_,
    bindparam,
    cast,
    delete,
    extract,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from app.features.users.models import log_in_failures as failures
from app.platform.db import Query
from app.platform.db.query import Executor

FORGET = timedelta(hours=1)
"""After this time without a failure, and without a delay, what failed before is forgotten."""
KNOWN = timedelta(days=30)
"""How long an account knows its addresses after the last log-in."""
MAX_KNOWN = 8
"""Addresses that an account knows, the latest ones."""
MAX_REMOVED = 10
"""Expired rows that each attempt removes: more than the three that it may add."""

_key = bindparam("key", type_=LargeBinary())
_address = bindparam("address", type_=LargeBinary())

READ = Query(
    select(
        failures.c.key,
        (_address == any_(failures.c.known)).label("knows"),
        cast(extract("epoch", failures.c.free_at - func.now()), Float).label("wait"),
    ).where(failures.c.key == any_(bindparam("keys", type_=ARRAY(LargeBinary))), failures.c.expires_at > func.now()),
    "select log-in failures",
)
COUNT = Query(
    text("""
        INSERT INTO users.log_in_failures AS f (key, failures, free_at, known, expires_at)
        VALUES (:key, 1, now() + :first_delay, '{}', now() + :first_delay + :forget)
        ON CONFLICT (key) DO UPDATE SET (failures, free_at, expires_at) = (
            SELECT n, delayed.free_at, greatest(f.expires_at, delayed.free_at + :forget)
            FROM (
                SELECT CASE WHEN f.free_at <= now() - :forget THEN 1 ELSE least(f.failures + 1, 1000) END AS n
            ) AS counted, LATERAL (
                SELECT now() + CASE
                    WHEN n < :free THEN interval '0 s'
                    ELSE least(:max_delay, power(2, least(n - :free, 20)) * interval '1 s')
                END AS free_at
            ) AS delayed
        )
        WHERE f.free_at <= now()
    """).bindparams(
        _key,
        bindparam("free", type_=Integer()),
        bindparam("first_delay", type_=INTERVAL()),
        bindparam("max_delay", type_=INTERVAL()),
        bindparam("forget", type_=INTERVAL()),
    ),
    "insert log-in failure",
)
REFUND = Query(
    update(failures)
    .where(failures.c.key == _key)
    .values(failures=func.greatest(failures.c.failures - 1, 0), free_at=func.now()),
    "update log-in failure",
)
RESET = Query(delete(failures).where(failures.c.key == _key), "delete log-in failures")
KNOW = Query(
    text(
        """
        INSERT INTO users.log_in_failures AS f (key, failures, free_at, known, expires_at)
        VALUES (:key, 0, now(), array[:address], now() + :lasts)
        ON CONFLICT (key) DO UPDATE SET
            failures = 0,
            free_at = now(),
            known = (array_prepend(:address, array_remove(f.known, :address)))[:latest],
            expires_at = now() + :lasts
    """.replace(":latest", f"1:{MAX_KNOWN}")
    ).bindparams(_key, _address, bindparam("lasts", type_=INTERVAL())),
    "insert known address",
)
_expired = (
    select(failures.c.key)
    .where(failures.c.expires_at <= func.now())
    .order_by(failures.c.expires_at)
    .limit(MAX_REMOVED)
    .with_for_update(skip_locked=True)
)
REMOVE_EXPIRED = Query(
    delete(failures).where(failures.c.key == any_(_expired.scalar_subquery())), "delete expired log-in failures"
)


async def read(on: Executor, keys: Sequence[bytes], address: bytes) -> list[asyncpg.Record]:
    """Of each key that has a row: `wait`, the seconds until it is free again if positive, and `knows`, the address."""
    return await READ.all(on, keys=keys, address=address)


async def count(on: Executor, key: bytes, free: int, max_delay: timedelta) -> bool:
    """Counts a failure; False, and nothing is counted, if the key is not free at this moment.

    The key is not free for a second after failure number `free`, and twice as long after each further one.
    """
    delay = timedelta(seconds=1) if free <= 1 else timedelta()
    parameters = {"free": free, "first_delay": delay, "max_delay": max_delay, "forget": FORGET}
    return await COUNT.run(on, key=key, **parameters) == 1


async def refund(on: Executor, key: bytes) -> None:
    """Takes back the latest failure and its delay."""
    await REFUND.run(on, key=key)


async def reset(on: Executor, key: bytes) -> None:
    """Takes back all failures."""
    await RESET.run(on, key=key)


async def know(on: Executor, account: bytes, address: bytes) -> None:
    """Takes back all failures of the account, which has logged in from this address."""
    await KNOW.run(on, key=account, address=address, lasts=KNOWN)


async def remove_expired(on: Executor) -> None:
    """Removes some of the rows that nobody needs any more."""
    await REMOVE_EXPIRED.run(on)
