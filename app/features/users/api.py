"""Users: register, log in, see and change oneself."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from app.features.users import service
from app.features.users.origin import Origin, network_of
from app.features.users.schemas import KeySetOut, LogIn, PasswordChange, TokenOut, UserIn, UserOut, UserPatch, user_out
from app.features.users.service import Accounts
from app.platform.auth.principal import Principal
from app.platform.auth.remote_revocations import PATH as REVOCATIONS
from app.platform.auth.remote_revocations import document_of
from app.platform.http.application import resources_of
from app.platform.http.dependencies import DatabaseDep, UnitOfWorkDep
from app.platform.http.openapi import problems
from app.platform.http.scopes import PUBLIC, TOKEN_URL, requires
from app.platform.problems import Problem

router = APIRouter(tags=["users"])

ME = "/api/v1/users/me"
Reader = Annotated[Principal, requires("users:read")]
Writer = Annotated[Principal, requires("users:write")]


class KeySetResponse(JSONResponse):
    """A JWK set (RFC 7517 §8.5.2)."""

    media_type = "application/jwk-set+json"


async def _accounts(request: Request) -> Accounts:
    return resources_of(request).state(Accounts)


async def _origin(request: Request) -> Origin:
    return Origin(network_of(request.client.host if request.client else ""), partial(_until_disconnect, request))


async def _until_disconnect(request: Request) -> None:
    """Returns when the client has disconnected; only for a request whose body is read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _require_open_registration(request: Request) -> None:
    if not resources_of(request).state(Accounts).registration_open:
        raise Problem(403, "Nobody can register here: ask the operator for an account.", slug="registration-closed")


AccountsDep = Annotated[Accounts, Depends(_accounts)]
OriginDep = Annotated[Origin, Depends(_origin)]


@router.post(
    "/api/v1/users",
    status_code=201,
    responses=problems(403, 409, 429),
    openapi_extra=PUBLIC,
    dependencies=[Depends(_require_open_registration)],
)
async def register(
    body: UserIn, response: Response, accounts: AccountsDep, origin: OriginDep, work: UnitOfWorkDep
) -> UserOut:
    """Makes a new user, who may read and write with every feature of this service.

    The user name must be free. The e-mail address need not be: it is what the user says, and says nothing of
    others. Where registration is closed, every request is answered 403.
    """
    user = await service.register(accounts, work, body, origin)
    response.headers["Location"] = ME
    return user_out(user)


@router.post(TOKEN_URL, responses=problems(429), openapi_extra=PUBLIC)
async def log_in(
    form: Annotated[LogIn, Form()], accounts: AccountsDep, origin: OriginDep, database: DatabaseDep
) -> TokenOut:
    """Gives an access token for a user name and a password, to first-party clients and the docs page.

    Errors are 400 with `error` as RFC 6749 §5.2 says: `invalid_grant` for a wrong password, and for an unknown
    or disabled user alike. (A 401 would be about the client, which does not authenticate here.) After ten wrong
    passwords for an account, or from an address, 429 says in `Retry-After` how long to wait, up to five minutes.
    """
    return await service.log_in(accounts, database, form, origin)


@router.get("/.well-known/jwks.json", response_class=KeySetResponse, openapi_extra=PUBLIC)
async def get_keys(response: Response, accounts: AccountsDep) -> KeySetOut:
    """The public keys that access tokens are verified by (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return accounts.tokens.keys


@router.get(REVOCATIONS, include_in_schema=False, openapi_extra=PUBLIC)
async def get_revocations(accounts: AccountsDep) -> JSONResponse:
    """Which tokens are refused before they expire, for the processes that verify them."""
    known = accounts.revocations.current()
    if known is None:
        raise Problem(503, "Revoked tokens are not known here yet; try again.", headers={"Retry-After": "1"})
    return JSONResponse(document_of(known))


@router.get(ME, responses=problems(401, 403))
async def get_me(principal: Reader, database: DatabaseDep) -> UserOut:
    """The user of the token."""
    return user_out(await service.get_user(database, principal.subject))


@router.patch(ME, responses=problems(401, 403, 429))
async def update_me(
    body: UserPatch,
    principal: Writer,
    accounts: AccountsDep,
    origin: OriginDep,
    database: DatabaseDep,
    work: UnitOfWorkDep,
) -> UserOut:
    """Changes parts of the user of the token; what is absent stays. A new e-mail address needs the password."""
    return user_out(await service.change_user(accounts, database, work, principal.subject, body, origin))


@router.put(f"{ME}/password", status_code=204, responses=problems(401, 403, 409, 429))
async def change_password(
    body: PasswordChange, principal: Writer, accounts: AccountsDep, origin: OriginDep, database: DatabaseDep
) -> None:
    """Changes the password of the user of the token, who says the current one again. All tokens are revoked."""
    await service.change_password(accounts, database, principal.subject, body, origin)
