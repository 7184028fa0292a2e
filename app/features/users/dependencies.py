"""Dependencies of the routes of users."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from app.features.users.origin import Origin, network_of
from app.features.users.service import Accounts
from app.platform.auth.principal import Principal
from app.platform.http.application import resources_of
from app.platform.http.scopes import requires
from app.platform.problems import Problem

Reader = Annotated[Principal, requires("users:read")]
Writer = Annotated[Principal, requires("users:write")]


async def _accounts(request: Request) -> Accounts:
    return resources_of(request).state(Accounts)


async def _origin(request: Request) -> Origin:
    return Origin(network_of(request.client.host if request.client else ""), partial(_until_disconnect, request))


async def _until_disconnect(request: Request) -> None:
    """Returns when the client has disconnected; only for a request whose body is read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def require_open_registration(request: Request) -> None:
    """Raises `Problem` 403 where registration is closed."""
    if not resources_of(request).state(Accounts).registration_open:
        raise Problem(403, "Nobody can register here: ask the operator for an account.", slug="registration-closed")


AccountsDep = Annotated[Accounts, Depends(_accounts)]
OriginDep = Annotated[Origin, Depends(_origin)]
