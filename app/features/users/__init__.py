"""Users, their passwords and the tokens that they log in for."""

from pathlib import Path
from typing import cast

from app.features.users import api, token_holders
from app.features.users.passwords import Passwords
from app.features.users.service import Accounts
from app.features.users.tokens import TokenIssuer
from app.platform.auth.revocations import follow
from app.platform.http.application import Resources
from app.registry import Feature

POLL_SECONDS = 3.0
"""Between two looks at who is disabled, gone or has another password."""


def _setup(resources: Resources) -> Accounts:
    settings = resources.settings
    return Accounts(Passwords(settings.passwords), TokenIssuer(settings.auth), resources.scopes, resources.revocations)


async def _keep_revocations(resources: Resources) -> None:
    database, accounts = resources.database, cast(Accounts, resources.features["users"])
    if database is None:
        raise RuntimeError("users need a database")
    await follow(
        resources.revocations,
        lambda: token_holders.revocations(database, accounts.tokens.now()),
        POLL_SECONDS,
    )


feature = Feature(
    name="users",
    routers=(api.router,),
    migrations=Path(__file__).parent / "migrations",
    setup=_setup,
    background=_keep_revocations,
)
