"""Registers and logs in people over HTTP."""

from itertools import count
from typing import Any

import httpx2

_NUMBERS = count(1)
PASSWORD = "correct horse battery"


def new_user(**changes: object) -> dict[str, object]:
    """A body of `POST /api/v1/users` that nobody has sent before."""
    number = next(_NUMBERS)
    return {"username": f"user{number}", "email": f"user{number}@example.org", "password": PASSWORD} | changes


async def registered(client: httpx2.AsyncClient, **changes: object) -> dict[str, Any]:
    """A new user, as answered."""
    answer = await client.post("/api/v1/users", json=new_user(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def log_in(client: httpx2.AsyncClient, username: str, password: str = PASSWORD, **fields: str) -> httpx2.Response:
    """The answer to the log-in form."""
    form = {"username": username, "password": password} | fields
    return await client.post("/api/v1/auth/token", data=form)


async def bearer(client: httpx2.AsyncClient, username: str, password: str = PASSWORD, **fields: str) -> dict[str, str]:
    """The headers of somebody who has just logged in."""
    answer = await log_in(client, username, password, **fields)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def without_instance(answer: httpx2.Response) -> dict[str, Any]:
    """A problem without the id of its request."""
    return {name: value for name, value in answer.json().items() if name != "instance"}
