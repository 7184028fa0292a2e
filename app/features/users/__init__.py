"""Users, their passwords and the tokens that they log in for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from app.feature import Feature
from app.features.users import api, api_tokens, token_holders
from app.features.users.passwords import Passwords
from app.features.users.service import Accounts
from app.features.users.settings import AccountSettings, PasswordSettings
from app.features.users.throttle import Throttle
from app.features.users.tokens import TokenIssuer
from app.platform.auth.revocations import RevocationList, follow
from app.platform.db import Database
from app.platform.http.application import Resources
from app.platform.tasks import running

POLL_SECONDS = 3.0
"""Between two reads of who is disabled, gone or has another password."""


@asynccontextmanager
async def _accounts(resources: Resources) -> AsyncGenerator[Accounts]:
    settings = resources.group(AccountSettings)
    accounts = Accounts(
        Passwords(resources.group(PasswordSettings), places=settings.places),
        TokenIssuer(resources.settings.auth),
        resources.features,
        resources.revocations,
        Throttle(settings),
        settings.registration == "open",
    )
    async with running(_follow_revocations(resources, accounts)):
        yield accounts


async def _follow_revocations(resources: Resources, accounts: Accounts) -> None:
    read = partial(_read_revocations, resources.require_database(), accounts)
    await follow(resources.revocations, read, POLL_SECONDS)


async def _read_revocations(database: Database, accounts: Accounts) -> RevocationList:
    return await token_holders.revocations(database, accounts.tokens.now())


feature = Feature(
    name="users",
    routers=(api.router, api_tokens.router),
    migrations=Path(__file__).parent / "migrations",
    settings={"passwords": PasswordSettings, "accounts": AccountSettings},
    lifespan=_accounts,
    issues_tokens=True,
)
