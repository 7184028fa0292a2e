"""Users, their passwords and the tokens that they log in for."""

from pathlib import Path

from app.features.users import api
from app.features.users.passwords import Passwords
from app.features.users.service import Accounts
from app.features.users.throttle import Throttle
from app.features.users.tokens import TokenIssuer
from app.platform.http.application import Resources
from app.registry import Feature


def _setup(resources: Resources) -> Accounts:
    settings = resources.settings
    passwords = Passwords(settings.passwords, places=settings.accounts.places)
    return Accounts(passwords, TokenIssuer(settings.auth), resources.scopes, Throttle(settings.accounts))


feature = Feature(name="users", routers=(api.router,), migrations=Path(__file__).parent / "migrations", setup=_setup)
