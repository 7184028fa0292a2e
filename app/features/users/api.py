"""Users: register, see and change oneself."""

from fastapi import APIRouter, Depends, Request, Response

from app.features.users import service
from app.features.users.dependencies import AccountsDep, OriginDep, Reader, Writer, require_open_registration
from app.features.users.schemas import PasswordChange, UserIn, UserOut, UserPatch
from app.platform.http.dependencies import DatabaseDep, UnitOfWorkDep
from app.platform.http.openapi import problems
from app.platform.http.responses import created, resource
from app.platform.http.scopes import PUBLIC

router = APIRouter(prefix="/api/v1/users", tags=["users"])


@router.post(
    "",
    status_code=201,
    response_model=UserOut,
    responses=problems(403, 409, 429),
    openapi_extra=PUBLIC,
    dependencies=[Depends(require_open_registration)],
)
async def register(
    request: Request, body: UserIn, accounts: AccountsDep, origin: OriginDep, work: UnitOfWorkDep
) -> Response:
    """Makes a new user, who may read and write with every feature of this service.

    The user name must be free. The e-mail address need not be: it is what the user says, and says nothing of
    others. Where registration is closed, every request is answered 403.
    """
    user = await service.register(accounts, work, body, origin)
    return created(request, UserOut, user, location=f"{request.url.path}/me")


@router.get("/me", response_model=UserOut)
async def get_me(request: Request, principal: Reader, accounts: AccountsDep, database: DatabaseDep) -> Response:
    """The user of the token."""
    return resource(request, UserOut, await service.get_user(accounts, database, principal.subject))


@router.patch("/me", response_model=UserOut, responses=problems(429))
async def update_me(
    request: Request,
    body: UserPatch,
    principal: Writer,
    accounts: AccountsDep,
    origin: OriginDep,
    database: DatabaseDep,
    work: UnitOfWorkDep,
) -> Response:
    """Changes parts of the user of the token; what is absent stays. A new e-mail address needs the password."""
    user = await service.change_user(accounts, database, work, principal.subject, body, origin)
    return resource(request, UserOut, user)


@router.put("/me/password", status_code=204, responses=problems(409, 429))
async def change_password(
    body: PasswordChange, principal: Writer, accounts: AccountsDep, origin: OriginDep, database: DatabaseDep
) -> None:
    """Changes the password of the user of the token, who says the current one again. All tokens are revoked."""
    await service.change_password(accounts, database, principal.subject, body, origin)
