"""Users, their passwords and the tokens that they log in for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from app.feature import Feature
from app.features.users import api
from app.features.users.passwords import Passwords
from app.features.users.service import Accounts
from app.features.users.settings import PasswordSettings
from app.features.users.tokens import TokenIssuer
from app.platform.http.application import Resources


@asynccontextmanager
async def _accounts(resources: Resources) -> AsyncGenerator[Accounts]:
    passwords = Passwords(resources.group(PasswordSettings))
    scopes = tuple(f"{name}:{access}" for name in resources.features for access in ("read", "write"))
    yield Accounts(passwords, TokenIssuer(resources.settings.auth), scopes)


feature = Feature(
    name="users",
    routers=(api.router,),
    migrations=Path(__file__).parent / "migrations",
    settings={"passwords": PasswordSettings},
    lifespan=_accounts,
    issues_tokens=True,
)
