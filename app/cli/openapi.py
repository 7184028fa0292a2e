"""The OpenAPI document, made without a configured database or key."""

from app.platform.auth.keys import new_signing_key
from app.platform.http.openapi import Document
from app.platform.settings import Settings


def document(settings: Settings) -> Document:
    """The document of the features that `settings` enable."""
    from app.main import create_app

    auth = settings.auth.model_copy(update={"signing_key": new_signing_key()})
    return create_app(settings.model_copy(update={"environment": "development", "auth": auth})).openapi()
