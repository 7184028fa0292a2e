"""The real service as a process of its own."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from app.platform.settings import Database
from tests.support.application import SIGNING_KEY
from tests.support.process import Service
from tests.support.waiting import until


def variables(database: Database, **more: str) -> dict[str, str]:
    """The environment of a service on a database of the test run."""
    return {
        "SLIPWAY_DATABASE__HOST": database.host,
        "SLIPWAY_DATABASE__PORT": str(database.port),
        "SLIPWAY_DATABASE__NAME": database.name,
        "SLIPWAY_DATABASE__USER": database.user,
        "SLIPWAY_DATABASE__PASSWORD": database.password.get_secret_value(),
        "SLIPWAY_DATABASE__SSL": "disable",
        "SLIPWAY_AUTH__SIGNING_KEY": SIGNING_KEY,
        "SLIPWAY_PASSWORDS__MEMORY_KIB": "8",
        "SLIPWAY_PASSWORDS__ITERATIONS": "1",
        # All clients of a test have one address.
        "SLIPWAY_ACCOUNTS__FAILURES_PER_ADDRESS": "1000000",
        "SLIPWAY_ACCOUNTS__PLACES": "1000",
        **more,
    }


@contextmanager
def live_service(folder: Path, database: Database, *arguments: str, **more: str) -> Generator[Service]:
    """`slipway serve` with these arguments, ready for requests."""
    program = ("-m", "app.cli", "serve")
    service = Service(folder, *arguments, variables=variables(database, **more), program=program)
    try:
        until(lambda: service.answers("/startupz"), "the service to start")
        yield service
    finally:
        service.kill()
