"""A small service with a password flow, to open the documentation pages of."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response, Security
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm, SecurityScopes
from pydantic import BaseModel

from app.platform.http.docs import docs_routes
from app.platform.problems import MEDIA_TYPE, Problem, problem_body

USERNAME = "ada"
PASSWORD = "correct horse battery staple"
SCOPES = {"users:read": "Read your own account", "items:read": "Read items", "items:write": "Write items"}

bearer = OAuth2PasswordBearer(tokenUrl="api/v1/auth/token", scopes=SCOPES)


class Item(BaseModel):
    """Something with a price."""

    name: str
    price: str


def principal(scopes: SecurityScopes, token: Annotated[str, Depends(bearer)]) -> str:
    name, _, granted = token.partition(".")
    if not set(scopes.scopes) <= set(granted.split("+")):
        raise HTTPException(403)
    return name


def create_sample() -> FastAPI:
    app = FastAPI(
        title="Sample & <Co>",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )

    @app.exception_handler(Problem)
    def answer(_: Request, problem: Problem) -> Response:
        body = problem_body(problem.status, problem.detail, slug=problem.slug, title=problem.title)
        return Response(body, problem.status, media_type=MEDIA_TYPE)

    @app.post("/api/v1/auth/token", tags=["users"])
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
        if (form.username, form.password) != (USERNAME, PASSWORD):
            raise HTTPException(401)
        return {"access_token": f"{form.username}.{'+'.join(form.scopes)}", "token_type": "bearer"}

    @app.get("/api/v1/users/me", tags=["users"])
    def me(name: Annotated[str, Security(principal, scopes=["users:read"])]) -> dict[str, str]:
        return {"username": name}

    @app.get("/api/v1/items/{item_id}", tags=["items"])
    def read(item_id: str) -> Item:
        return Item(name=item_id, price="1.00")

    @app.post("/api/v1/items", status_code=201, tags=["items"])
    def create(item: Item, name: Annotated[str, Security(principal, scopes=["items:write"])]) -> Item:
        return Item(name=f"{item.name} of {name}", price=item.price)

    app.router.routes.extend(docs_routes(openapi_url="/openapi.json", title=app.title))
    return app
