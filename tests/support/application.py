"""The real application on a database of the test run, and callers of it."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.features.users.settings import AccountSettings, PasswordSettings
from app.features.users.tokens import TokenIssuer
from app.main import create_app
from app.platform.http.application import SlipwayApp
from app.platform.ids import new_id
from app.platform.settings import Database, Group, Settings
from app.platform.telemetry.logging.lines import LineWriter
from app.platform.telemetry.logging.logs import configure_logging
from app.registry import names

SIGNING_KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NOWHERE = os.open(os.devnull, os.O_WRONLY)
"""Open for the whole run: what still logs after a test must not meet a descriptor that is somebody else's by then."""
FEATURE_SETTINGS = (
    PasswordSettings(memory_kib=8, iterations=1),
    AccountSettings(failures_per_address=1_000_000, places=1000),
)
"""Hashes that cost next to nothing, and limits for one address that all tests of a worker share."""
ALL_SCOPES = tuple(f"{name}:{access}" for name in names() for access in ("read", "write"))
"""What a new user may do: read and write with every feature."""


def settings_for(database: Database, **changes: object) -> Settings:
    """Settings of a test: this database, and a key of the run."""
    groups: dict[str, object] = {
        "environment": "test",
        "database": database,
        "auth": {"signing_key": SIGNING_KEY},
        "telemetry": {"log_level": "error"},
    }
    return Settings.model_validate(groups | changes)


@asynccontextmanager
async def running_app(settings: Settings, *groups: Group) -> AsyncGenerator[SlipwayApp]:
    """The application after its start-up, as a server runs it; `groups` replace those of `FEATURE_SETTINGS`."""
    app = create_app(settings, groups=(*FEATURE_SETTINGS, *groups))
    app.resources.telemetry.writer = LineWriter(NOWHERE)
    configure_logging(settings, app.resources.telemetry.writer)
    async with app.router.lifespan_context(app):
        yield app


class Caller:
    """Somebody who calls the API in process, through the whole ASGI stack, with a token of their own."""

    def __init__(self, app: SlipwayApp, *scopes: str, subject: UUID | None = None) -> None:
        self.subject = subject or new_id()
        token = TokenIssuer(app.resources.settings.auth).issue(self.subject, scopes or ALL_SCOPES)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"},
        )
