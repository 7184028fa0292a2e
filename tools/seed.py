"""The demo user and a handful of items, so that a first look at the service finds something."""

from decimal import Decimal
from typing import cast
from uuid import UUID

from app.features.items import service as items
from app.features.users import service as users
from app.features.users.passwords import Passwords
from app.features.users.schemas import UserIn
from app.features.users.settings import AccountSettings, PasswordSettings
from app.features.users.throttle import Throttle
from app.features.users.tokens import TokenIssuer
from app.platform.auth.principal import Principal
from app.platform.auth.revocations import Revocations
from app.platform.db import Database, UnitOfWork
from app.platform.problems import Problem
from app.platform.settings import Settings
from app.platform.settings.groups import load_group
from tools.run.greeting import PASSWORD, USERNAME

ITEMS = (
    ("Anchor", "Galvanized steel, 10 kg", "89.00", "16.91"),
    ("Compass", "Brass, with a lid", "34.50", "6.56"),
    ("Dock line", "12 mm, 10 m", "18.90", None),
    ("Fender", None, "24.00", "4.56"),
    ("Signal flag set", "40 flags", "119.99", "22.80"),
)


async def seed(settings: Settings) -> str:
    """Adds the demo user with items of their own, unless the user is there; returns what it did, in words."""
    database = Database(settings.database)
    features = ("items", "users")
    passwords = Passwords(load_group("passwords", PasswordSettings))
    throttle = Throttle(load_group("accounts", AccountSettings))
    accounts = users.Accounts(passwords, TokenIssuer(settings.auth), features, Revocations(), throttle)
    new = UserIn.model_validate({"username": USERNAME, "email": f"{USERNAME}@example.com", "password": PASSWORD})
    try:
        async with UnitOfWork(database) as work:
            user = await users.register(accounts, work, new)
            owner = Principal(cast(UUID, user["id"]), frozenset(), expires_at=0, token_id="")
            for name, description, price, tax in ITEMS:
                values = {"name": name, "description": description, "price": Decimal(price)}
                await items.create_item(work, owner, {**values, "tax": Decimal(tax) if tax else None})
    except Problem as problem:
        if problem.status != 409:
            raise
        return f"the user {USERNAME} is there already"
    finally:
        await database.close()
    return f"added the user {USERNAME} and {len(ITEMS)} items"
