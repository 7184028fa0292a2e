"""Who may call the routes of items."""

from typing import Annotated

from app.platform.auth.principal import Principal
from app.platform.http.scopes import requires

Reader = Annotated[Principal, requires("items:read")]
Writer = Annotated[Principal, requires("items:write")]
