"""What `helm test` runs on the release's own image: `ready URL…`, `schema URL…`, `write USERS ITEMS`; silent when well.

It is a client like any other: it holds no secret of the release, and reaches nothing but its components.
"""

import json
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping

PATIENCE_SECONDS = 15
"""A new pod's network may take a moment, above all under a NetworkPolicy."""


JSON = {"Content-Type": "application/json"}


CLOSED = "urn:slipway:problem:registration-closed"


def call(
    method: str,
    url: str,
    status: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    hint: str = "",
    problem: str = "",
) -> dict[str, str]:
    """The JSON of an answer, which must have this status or be a problem of this type.

    If it is neither, the test ends with the answer and the hint.
    """
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                got, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            got, text = error.code, error.read()
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"{method} {url}: {error}")
            time.sleep(0.5)
            continue
        if problem and got != status and problem.encode() in text:
            return json.loads(text)
        if got != status:
            answer = text.decode(errors="replace")[:1000]
            sys.exit("; ".join(filter(None, (f"{method} {url}: {got} instead of {status}: {answer}", hint))))
        return json.loads(text) if text else {}


def ready(*services: str) -> None:
    """Every component answers that it and what it depends on works."""
    for service in services:
        call("GET", f"{service}/readyz", 200)


def schema(*services: str) -> None:
    """The database has every schema that a component needs. The component says so: this needs no password."""
    for service in services:
        call("GET", f"{service}/startupz", 200, hint="see the log of the Job that migrates")


def write(users: str, items: str) -> None:
    """A new user logs in, writes an item, reads it back and deletes it; the user stays, under a random name.

    Where registration is closed this is all that can be seen from outside.
    """
    name, password = f"helmtest{secrets.token_hex(8)}", secrets.token_urlsafe(24)
    user = {"username": name, "email": f"{name}@example.com", "password": password}
    if (
        call("POST", f"{users}/api/v1/users", 201, json.dumps(user).encode(), JSON, problem=CLOSED).get("type")
        == CLOSED
    ):
        return
    form = urllib.parse.urlencode({"username": name, "password": password}).encode()
    token = call("POST", f"{users}/api/v1/auth/token", 200, form)["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    item = json.dumps({"name": "of helm test", "price": "1.00"}).encode()
    made = call("POST", f"{items}/api/v1/items", 201, item, JSON | bearer)
    found = call("GET", f"{items}/api/v1/items/{made['id']}", 200, headers=bearer)
    if found != made:
        sys.exit(f"wrote {made} and read {found}")
    call("DELETE", f"{items}/api/v1/items/{made['id']}", 204, headers=bearer)


TESTS: dict[str, Callable[..., None]] = {"ready": ready, "schema": schema, "write": write}

if __name__ == "__main__":
    TESTS[sys.argv[1]](*sys.argv[2:])
