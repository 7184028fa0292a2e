"""Items, version 2: a price has a currency."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.features.items import service
from app.features.items.api import Reader, Writer
from app.features.items.schemas import ListQuery
from app.features.items.schemas_v2 import ItemInV2, ItemOutV2, ItemPatchV2, priced, stored
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
from app.platform.types import Id

router = APIRouter(prefix="/api/v2/items", tags=["items"], route_class=DirectRoute)
READ = problems(404) | NOT_MODIFIED
CHANGE = problems(404, 412, 428)


@router.post("", status_code=201, response_model=ItemOutV2)
async def create_item(request: Request, body: ItemInV2, principal: Writer, work: UnitOfWorkDep) -> Response:
    """Puts a new item into the catalogue; it belongs to the caller."""
    row = await service.create_item(work, principal, stored(body))
    return created(request, ItemOutV2, priced(row))


@router.get("", response_model=Page[ItemOutV2])
async def list_items(
    request: Request,
    query: Annotated[ListQuery, Query()],
    page_request: PageDep,
    principal: Reader,
    database: DatabaseDep,
) -> Response:
    """Items that pass all filters, a page at a time."""
    rows, cursor = await service.list_items(database, page_request, query.sort, query.filters())
    return page(request, ItemOutV2, map(priced, rows), cursor)


@router.get("/{item_id}", response_model=ItemOutV2, responses=READ, openapi_extra=IF_NONE_MATCH)
async def get_item(request: Request, item_id: Id, principal: Reader, database: DatabaseDep) -> Response:
    """An item, with its ETag."""
    row = await service.get_item(database, item_id)
    return resource(request, ItemOutV2, priced(row))


@router.put("/{item_id}", response_model=ItemOutV2, responses=CHANGE, openapi_extra=IF_MATCH)
async def replace_item(
    request: Request,
    item_id: Id,
    principal: Writer,
    precondition: RequiredPrecondition,
    body: ItemInV2,
    work: UnitOfWorkDep,
) -> Response:
    """Replaces an item; what is absent is cleared."""
    row = await service.change_item(work, principal, item_id, precondition, stored(body))
    return resource(request, ItemOutV2, priced(row))


@router.patch("/{item_id}", response_model=ItemOutV2, responses=CHANGE, openapi_extra=IF_MATCH)
async def update_item(
    request: Request,
    item_id: Id,
    principal: Writer,
    precondition: RequiredPrecondition,
    body: ItemPatchV2,
    work: UnitOfWorkDep,
) -> Response:
    """Changes parts of an item; what is absent stays."""
    row = await service.change_item(work, principal, item_id, precondition, stored(body))
    return resource(request, ItemOutV2, priced(row))


@router.delete("/{item_id}", status_code=204, responses=problems(404, 412), openapi_extra=IF_MATCH_OPTIONAL)
async def delete_item(item_id: Id, principal: Writer, precondition: OptionalPrecondition, work: UnitOfWorkDep) -> None:
    """Takes an item out of the catalogue."""
    await service.delete_item(work, principal, item_id, precondition)
