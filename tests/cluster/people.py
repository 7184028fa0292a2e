"""A user of the service, and the load that they send."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial

from tests.cluster.cluster import until_equal
from tests.cluster.inside import Answer, Visitor
from tests.cluster.visitor import Load

ITEMS = "/api/v2/items"
USERS = "/api/v1/users"
TOKEN = "/api/v1/auth/token"


def an_item(name: str) -> dict[str, object]:
    return {"name": name, "price": {"amount": "12.50", "currency": "EUR"}}


@dataclass(frozen=True)
class Person:
    """Somebody with a password of their own, at the release behind `url`; `users` is where they log in."""

    visitor: Visitor
    url: str
    users: str = ""
    name: str = field(default_factory=lambda: f"person{secrets.token_hex(4)}")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def _users(self) -> str:
        return self.users or self.url

    def register(self) -> Answer:
        body = {"username": self.name, "email": f"{self.name}@example.com", "password": self.password}
        return self.visitor.request("POST", f"{self._users}{USERS}", body=body)

    def log_in(self) -> str:
        """A token for what a new user may do."""
        form = {"username": self.name, "password": self.password}
        answer = self.visitor.request("POST", f"{self._users}{TOKEN}", form=form)
        assert answer.status == 200, answer
        token: str = answer.json()["access_token"]
        return token

    def create_item(self, name: str, token: str) -> Answer:
        return self.visitor.request("POST", f"{self.url}{ITEMS}", token=token, body=an_item(name))

    def can_work(self) -> None:
        """Register, log in, write something, read it back, and be refused without a token."""
        # Helm waits for the pods; the node learns of a Service's pods a moment later.
        for url in {self.url, self._users}:
            until_equal(partial(self._liveness, url), 200, 10)
        assert self.register().status == 201
        token = self.log_in()
        created = self.create_item("first", token)
        assert created.status == 201, created
        answer = self.visitor.get(f"{self.url}{created.headers['location']}", token)
        assert (answer.status, answer.json()) == (200, created.json())
        assert answer.json()["name"] == "first"
        assert self.visitor.get(f"{self.url}{ITEMS}").status == 401

    def _liveness(self, url: str) -> int:
        return self.visitor.get(f"{url}/livez").status

    def load(self, name: str, per_second: float = 150) -> Load:
        """Requests of which half are POST, each of which makes an item of this name."""
        return Load(
            url=f"{self.url}{ITEMS}",
            headers={"Authorization": f"Bearer {self.log_in()}"},
            body=an_item(name),
            per_second=per_second,
            connections=16,
            fresh=4,
        )
