"""Items of a catalogue: everyone with the scope reads them, their owner changes them; served as v1 and v2."""

from datetime import UTC, datetime
from pathlib import Path

from app.feature import Deprecation, Feature
from app.features.items import api, api_v2

feature = Feature(
    name="items",
    routers=(api_v2.router, api.router),
    migrations=Path(__file__).parent / "migrations",
    deprecations=(
        Deprecation(
            prefix="/api/v1/items",
            since=datetime(2026, 11, 1, tzinfo=UTC),
            sunset=datetime(2027, 11, 1, tzinfo=UTC),
            successor="/api/v2/items",
        ),
    ),
)
