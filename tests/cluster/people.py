"""A user of the service, and the load that they send."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.cluster.inside import Answer, Visitor
from tests.cluster.visitor import Load

ITEMS = "/api/v2/items"
USERS = "/api/v1/users"
TOKEN = "/api/v1/auth/token"


def an_item(name: str) -> dict[str, object]:
    return {"name": name, "price": {"amount": "12.50", "currency": "EUR"}}


@dataclass(frozen=True)
class Person:
    """Somebody with a password of their own, at the release behind `url`."""

    visitor: Visitor
    url: str
    name: str = field(default_factory=lambda: f"person{secrets.token_hex(4)}")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def register(self) -> Answer:
        body = {"username": self.name, "email": f"{self.name}@example.com", "password": self.password}
        return self.visitor.request("POST", f"{self.url}{USERS}", body=body)

    def log_in(self) -> str:
        """A token for what a new user may do."""
        form = {"username": self.name, "password": self.password}
        answer = self.visitor.request("POST", f"{self.url}{TOKEN}", form=form)
        assert answer.status == 200, answer
        token: str = answer.json()["access_token"]
        return token

    def create_item(self, name: str, token: str) -> Answer:
        return self.visitor.request("POST", f"{self.url}{ITEMS}", token=token, body=an_item(name))

    def load(self, name: str) -> Load:
        """150 requests a second, half of them POST, each of which makes an item of this name."""
        return Load(
            url=f"{self.url}{ITEMS}",
            headers={"Authorization": f"Bearer {self.log_in()}"},
            body=an_item(name),
            per_second=150,
            connections=16,
            fresh=4,
        )
