"""What can be done with users and passwords; each function is a use case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

import asyncpg
from pydantic import SecretStr
from pydantic_core import MISSING

from app.features.users import repository, token_holders
from app.features.users.origin import HERE, Origin
from app.features.users.passwords import Passwords, Place, weakness
from app.features.users.roles import DEFAULT_ROLE, scopes_of
from app.features.users.schemas import LogIn, PasswordChange, TokenOut, UserIn, UserPatch
from app.features.users.throttle import Throttle
from app.features.users.tokens import TokenIssuer
from app.platform.auth.errors import unauthenticated
from app.platform.auth.revocations import Revocations
from app.platform.db import Database, UnitOfWork
from app.platform.db.query import Executor
from app.platform.ids import new_id
from app.platform.problems import Problem

User: TypeAlias = Mapping[str, object]
"""The columns of a user that may be shown, and `scopes`."""

NO_USER = "The user of this token is disabled or gone"


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the use cases need besides the database, made once a process."""

    passwords: Passwords
    tokens: TokenIssuer
    features: tuple[str, ...]
    """Of the whole installation: scopes are granted for all of them."""
    revocations: Revocations
    throttle: Throttle
    registration_open: bool = True


async def register(accounts: Accounts, work: UnitOfWork, new: UserIn, origin: Origin = HERE) -> User:
    """A new user, whose e-mail address may be that of another: nobody has shown yet whose it is (ADR 12).

    Raises `Problem` 409 for a taken name, 422 for a weak password, 429 if hashing is busy.
    """
    _refuse_weak(new.password, "password", new.username, new.email)
    hashed = await accounts.passwords.hash(new.password, origin)
    row = await repository.add(
        work,
        {
            **new.model_dump(exclude={"password"}),
            "id": new_id(),
            "password_hash": hashed,
            "role": DEFAULT_ROLE,
            "extra_scopes": [],
            "scopes": scopes_of(DEFAULT_ROLE, (), accounts.features),
            "disabled": False,
            "created_at": datetime.now(UTC),
        },
    )
    if row is None:
        raise Problem(409, "The user name is taken.", slug="already-exists")
    return _with_scopes(accounts, row)


async def log_in(accounts: Accounts, database: Database, form: LogIn, origin: Origin) -> TokenOut:
    """A token for the right password; no connection is held while the hash is computed.

    Raises `Problem` 400 with an error of RFC 6749 §5.2, or 429 if hashing is busy or too many log-ins have failed.
    """
    if form.grant_type not in ("", "password"):
        raise _oauth_error("unsupported_grant_type", "The only grant type is password.")
    with accounts.passwords.place(origin) as place:
        attempt = await accounts.throttle.admit(database, origin.network, form.username)
        user = await repository.find(database, form.username)
        count = partial(accounts.throttle.count, database, attempt)
        # Only who may guess takes a place of the account: others cannot keep its user out by asking all the time.
        with place.of_account(form.username):
            right, stronger = await place.verify(form.password, user["password_hash"] if user else None, count)
        if user is None or user["disabled"] or not right:
            raise _oauth_error("invalid_grant", "The user name or the password is wrong.")
        await accounts.throttle.succeed(database, attempt)
    if stronger is not None:
        await repository.set_password(database, user["id"], user["password_hash"], stronger)
    scopes = _granted(scopes_of(user["role"], user["extra_scopes"], accounts.features), form.scope)
    seen, now = user["tokens_not_before"], accounts.tokens.now()
    issued_at = await token_holders.admit(database, user["id"], seen, now)
    if issued_at is None:  # disabled, or with another password, since the old one was compared
        raise _oauth_error("invalid_grant", "The user name or the password is wrong.")
    return TokenOut(
        access_token=accounts.tokens.issue(user["id"], scopes, issued_at),
        expires_in=accounts.tokens.seconds,
        scope=" ".join(scopes),
    )


async def confirm_password(
    accounts: Accounts, database: Database, place: Place, user: asyncpg.Record, password: SecretStr
) -> None:
    """That who has a token of this user also knows the password: guesses are counted as those of log-ins are.

    Raises `Problem` 403 if the password is wrong, 429 if too many have been.
    """
    attempt = await accounts.throttle.admit(database, place.origin.network, user["username"])
    count = partial(accounts.throttle.count, database, attempt)
    with place.of_account(user["username"]):
        right, _ = await place.verify(password, user["password_hash"], count)
    if not right:
        raise Problem(403, "The current password is wrong.", slug="wrong-password")
    await accounts.throttle.succeed(database, attempt)


async def get_user(accounts: Accounts, db: Executor, user_id: UUID) -> User:
    """The user. Raises `Problem` 401 if there is none who may log in."""
    return _with_scopes(accounts, _found(await repository.get(db, user_id)))


async def change_user(
    accounts: Accounts, database: Database, work: UnitOfWork, user_id: UUID, changes: UserPatch, origin: Origin
) -> User:
    """The user with these changes; a new e-mail address needs the current password.

    Raises `Problem` 401 without the user, 403 if the password is wrong or missing, 429 if hashing is busy or too many
    passwords were wrong.
    """
    if changes.email is not MISSING:
        if changes.current_password is MISSING:
            raise Problem(403, "A new e-mail address needs the current password.", slug="wrong-password")
        user = _found(await repository.get_with_hash(database, user_id))
        with accounts.passwords.place(origin) as place:
            await confirm_password(accounts, database, place, user, changes.current_password)
    values = changes.model_dump(exclude={"current_password"})
    return _with_scopes(accounts, _found(await repository.change(work, user_id, values)))


async def change_password(
    accounts: Accounts, database: Database, user_id: UUID, change: PasswordChange, origin: Origin
) -> None:
    """Replaces the password, and revokes the tokens that were given until now.

    Raises `Problem` 401 without the user, 403 if the current password is wrong, 409 if another change was
    faster, 422 for a weak password, 429 if hashing is busy or too many passwords were wrong.
    """
    user = _found(await repository.get_with_hash(database, user_id))
    with accounts.passwords.place(origin) as place:
        await confirm_password(accounts, database, place, user, change.current_password)
        _refuse_weak(change.new_password, "new_password", user["username"], user["email"])
        hashed = await place.hash(change.new_password)
    async with UnitOfWork(database) as work:
        if not await repository.set_password(work, user_id, user["password_hash"], hashed):
            raise Problem(409, "The password was changed at the same time.", slug="concurrent-change")
        not_before = await token_holders.revoke(work, user_id, accounts.tokens.now())
    accounts.revocations.revoke(user_id, not_before)


def _with_scopes(accounts: Accounts, row: asyncpg.Record) -> User:
    return {**row, "scopes": scopes_of(row["role"], row["extra_scopes"], accounts.features)}


def _refuse_weak(password: SecretStr, field: str, *names: str) -> None:
    problem = weakness(password, *names)
    if problem:
        raise Problem(
            422,
            "Some fields were refused; errors names each of them.",
            slug="validation-failed",
            extensions={"errors": [{"field": f"body.{field}", "message": problem}]},
        )


def _granted(held: list[str], asked: str) -> list[str]:
    """The scopes asked for, or all held."""
    wanted = list(dict.fromkeys(asked.split()))
    if not set(wanted) <= set(held):
        raise _oauth_error("invalid_scope", "A scope is not known, or the user does not have it.")
    return wanted or held


def _found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise unauthenticated(NO_USER)
    return row


def _oauth_error(error: str, description: str) -> Problem:
    """A problem that OAuth clients understand as well: with the members of RFC 6749 §5.2."""
    return Problem(
        400,
        description,
        slug=error.replace("_", "-"),
        extensions={"error": error, "error_description": description},
    )
