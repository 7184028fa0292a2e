"""Users: register, log in, see and change oneself."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from app.features.users import service
from app.features.users.schemas import KeySetOut, LogIn, PasswordChange, TokenOut, UserIn, UserOut, UserPatch, user_out
from app.features.users.service import Accounts
from app.platform.auth.principal import Principal
from app.platform.auth.scopes import PUBLIC, TOKEN_URL, requires
from app.platform.db.dependencies import Reads, Work
from app.platform.http.application import resources_of
from app.platform.http.openapi import problems

router = APIRouter(tags=["users"])

ME = "/api/v1/users/me"
Reader = Annotated[Principal, requires("users:read")]
Writer = Annotated[Principal, requires("users:write")]


class KeySetResponse(JSONResponse):
    """A JWK set (RFC 7517 §8.5.2)."""

    media_type = "application/jwk-set+json"


async def _accounts(request: Request) -> Accounts:
    return resources_of(request).state(Accounts)


AccountsDep = Annotated[Accounts, Depends(_accounts)]


@router.post("/api/v1/users", status_code=201, responses=problems(409), openapi_extra=PUBLIC)
async def register(body: UserIn, response: Response, accounts: AccountsDep, work: Work) -> UserOut:
    """Makes a new user, who may read and write with every feature of this service."""
    user = await service.register(accounts, work, body)
    response.headers["Location"] = ME
    return user_out(user)


@router.post(TOKEN_URL, openapi_extra=PUBLIC)
async def log_in(form: Annotated[LogIn, Form()], accounts: AccountsDep, reads: Reads) -> TokenOut:
    """Gives an access token for a user name and a password, to first-party clients and the docs page.

    Errors are 400 with `error` as RFC 6749 §5.2 says: `invalid_grant` for a wrong password, and for an unknown
    or disabled user alike. (A 401 would be about the client, which does not authenticate here.)
    """
    return await service.log_in(accounts, reads, form)


@router.get("/.well-known/jwks.json", response_class=KeySetResponse, openapi_extra=PUBLIC)
async def get_keys(response: Response, accounts: AccountsDep) -> KeySetOut:
    """The public keys that access tokens are verified by (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return accounts.tokens.keys


@router.get(ME, responses=problems(401, 403))
async def get_me(principal: Reader, reads: Reads) -> UserOut:
    """The user of the token."""
    return user_out(await service.get_user(reads, principal.subject))


@router.patch(ME, responses=problems(401, 403, 409))
async def update_me(body: UserPatch, principal: Writer, work: Work) -> UserOut:
    """Changes parts of the user of the token; what is absent stays."""
    return user_out(await service.change_user(work, principal.subject, body.model_dump()))


@router.put(f"{ME}/password", status_code=204, responses=problems(401, 403, 409))
async def change_password(body: PasswordChange, principal: Writer, accounts: AccountsDep, reads: Reads) -> None:
    """Changes the password of the user of the token, who says the current one again."""
    await service.change_password(accounts, reads, principal.subject, body)
