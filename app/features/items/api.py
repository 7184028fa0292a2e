"""Items, version 1 (deprecated: version 2 gives prices a currency)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.features.items import service
from app.features.items.schemas import ItemIn, ItemOut, ItemPatch, ListQuery
from app.platform.auth.principal import Principal
from app.platform.db.pages import Page, PageDep
from app.platform.http.concurrency import (
    IF_MATCH,
    IF_MATCH_OPTIONAL,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    OptionalPrecondition,
    RequiredPrecondition,
)
from app.platform.http.dependencies import DatabaseDep, UnitOfWorkDep
from app.platform.http.direct import DirectRoute
from app.platform.http.openapi import problems
from app.platform.http.responses import created, page, resource
from app.platform.http.scopes import requires
from app.platform.types import Id

Reader = Annotated[Principal, requires("items:read")]
Writer = Annotated[Principal, requires("items:write")]

router = APIRouter(prefix="/api/v1/items", tags=["items v1"], deprecated=True, route_class=DirectRoute)
READ = problems(404) | NOT_MODIFIED
CHANGE = problems(404, 412, 428)


@router.post("", status_code=201, response_model=ItemOut)
async def create_item(request: Request, body: ItemIn, principal: Writer, work: UnitOfWorkDep) -> Response:
    """Puts a new item into the catalogue; it belongs to the caller."""
    row = await service.create_item(work, principal, body.model_dump())
    return created(request, ItemOut, row)


@router.get("", response_model=Page[ItemOut])
async def list_items(
    request: Request,
    query: Annotated[ListQuery, Query()],
    page_request: PageDep,
    principal: Reader,
    database: DatabaseDep,
) -> Response:
    """Items that pass all filters, a page at a time."""
    rows, cursor = await service.list_items(database, page_request, query.sort, query.filters())
    return page(request, ItemOut, rows, cursor)


@router.get("/{item_id}", response_model=ItemOut, responses=READ, openapi_extra=IF_NONE_MATCH)
async def get_item(request: Request, item_id: Id, principal: Reader, database: DatabaseDep) -> Response:
    """An item, with its ETag."""
    row = await service.get_item(database, item_id)
    return resource(request, ItemOut, row)


@router.put("/{item_id}", response_model=ItemOut, responses=CHANGE, openapi_extra=IF_MATCH)
async def replace_item(
    request: Request,
    item_id: Id,
    principal: Writer,
    precondition: RequiredPrecondition,
    body: ItemIn,
    work: UnitOfWorkDep,
) -> Response:
    """Replaces an item; what is absent is cleared."""
    row = await service.change_item(work, principal, item_id, precondition, body.model_dump())
    return resource(request, ItemOut, row)


@router.patch("/{item_id}", response_model=ItemOut, responses=CHANGE, openapi_extra=IF_MATCH)
async def update_item(
    request: Request,
    item_id: Id,
    principal: Writer,
    precondition: RequiredPrecondition,
    body: ItemPatch,
    work: UnitOfWorkDep,
) -> Response:
    """Changes parts of an item; what is absent stays."""
    row = await service.change_item(work, principal, item_id, precondition, body.model_dump())
    return resource(request, ItemOut, row)


@router.delete("/{item_id}", status_code=204, responses=problems(404, 412), openapi_extra=IF_MATCH_OPTIONAL)
async def delete_item(item_id: Id, principal: Writer, precondition: OptionalPrecondition, work: UnitOfWorkDep) -> None:
    """Takes an item out of the catalogue."""
    await service.delete_item(work, principal, item_id, precondition)
