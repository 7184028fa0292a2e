"""Tokens: log in, the keys that verify tokens, and which tokens are revoked."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import JSONResponse

from app.features.users import service
from app.features.users.dependencies import AccountsDep, OriginDep
from app.features.users.schemas import KeySetOut, LogIn, TokenOut
from app.platform.auth.remote_revocations import PATH as REVOCATIONS
from app.platform.auth.remote_revocations import document_of
from app.platform.http.dependencies import DatabaseDep
from app.platform.http.openapi import problems
from app.platform.http.scopes import PUBLIC, TOKEN_URL
from app.platform.problems import Problem

router = APIRouter(tags=["users"])


class KeySetResponse(JSONResponse):
    """A JWK set (RFC 7517 §8.5.2)."""

    media_type = "application/jwk-set+json"


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
