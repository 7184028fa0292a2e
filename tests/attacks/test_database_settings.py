"""Settings of the database that leak or overload: addresses in one piece, and a pool that is used up."""

import asyncio

import pytest

from app.platform.settings import Database as Address
from app.platform.settings import SettingsError, load_settings
from tests.support.application import Caller, running_app, settings_for

MARKER = "mArKeR-7"

DSNS = [
    f"postgresql://slipway:{MARKER}@db/slipway",
    f"slipway:{MARKER}@db",
    f"//slipway:{MARKER}@db",
    f"host=db password={MARKER}",
    f"db?password={MARKER}",
    f"db\n{MARKER}",
    f"/run@{MARKER}",  # as the name of a role it is one: alice@example.com
]


@pytest.mark.parametrize("name", ["HOST", "DIRECT__HOST", "NAME", "USER", "PORT", "SSL", "DSN", "URL", ""])
@pytest.mark.parametrize("value", DSNS[:-1])
def test_an_address_in_one_piece_is_refused_unprinted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"SLIPWAY_DATABASE__{name}" if name else "SLIPWAY_DATABASE"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert "DATABASE" in str(refusal.value).upper()
    assert MARKER not in str(refusal.value)
    assert MARKER not in str(refusal.value.__cause__)


@pytest.mark.parametrize("name", ["HOST", "DIRECT__HOST", "NAME"])
def test_an_at_sign_is_refused_but_in_the_name_of_a_role(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_DATABASE__USER", "alice@example.com")
    assert load_settings().database.user == "alice@example.com"
    monkeypatch.setenv(f"SLIPWAY_DATABASE__{name}", DSNS[-1])
    with pytest.raises(SettingsError):
        load_settings()


@pytest.mark.parametrize(
    "host", ["db", "127.0.0.1", "::1", "fe80::1%eth0", "db_1.internal.example.com", "/run/postgresql"]
)
def test_a_host_is_a_name_an_address_or_a_socket(host: str) -> None:
    assert Address(host=host).host == host


async def test_requests_that_take_every_connection_do_not_make_it_unready(new_database: Address) -> None:
    """One user and one item are enough, since all of them wait for its row."""
    small = new_database.model_copy(update={"pool_size": 3})
    async with running_app(settings_for(small)) as app:
        caller = Caller(app)
        database = app.resources.database
        assert database is not None
        async with caller.http as http:
            held = [await database.lease() for _ in range(3)]
            for path in ("/startupz", "/readyz"):
                answers = await asyncio.gather(*(http.get(path) for _ in range(200)))
                assert {answer.status_code for answer in answers} == {200}
            assert (await http.get("/api/v2/items")).status_code == 503
            count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            assert await held[0].driver.fetchval(count) == 4  # and no more, however often it is asked
            for lease in held:
                lease.release()
