"""Somebody in PostgreSQL's place, and requests that take every connection."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import asyncpg
import pytest
import uvloop

from app.main import create_app
from app.platform.db import Database
from app.platform.db.authentication import UnverifiedServerError
from app.platform.db.connect import connect
from app.platform.db.errors import DatabaseUnavailable
from app.platform.db.migrations import MigrationError, migrate
from app.platform.settings import EXIT_CONFIG, SettingsError, load_settings
from app.platform.settings import Database as Address
from tests.support.application import SIGNING_KEY, settings_for
from tests.support.certificates import Authority, authority, server_context
from tests.support.impostor import CLEAR_TEXT, MD5, OK, SASL, Impostor, in_front_of, listening, message, request
from tests.support.live import live_service, variables

PASSWORD = "kV3-never-in-clear-text"
MD5_HASH = hashlib.md5(PASSWORD.encode() + b"slipway", usedforsecurity=False).hexdigest()
MARKER = "mArKeR-7"

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def scram(iterations: object, before: str = "") -> bytes:
    return request(11, f"{before}r=NONCEserver,s=c2FsdHNhbHQ=,i={iterations}".encode())


ASKED = {
    "clear text": [CLEAR_TEXT],
    "MD5": [MD5],
    "clear text after it let us in": [OK + CLEAR_TEXT],
    "clear text after SCRAM began": [SASL, CLEAR_TEXT],
    "clear text behind a notice": [message(b"N", b"SNOTICE\0\0") + CLEAR_TEXT],
    "Kerberos": [request(7)],
    "SCRAM of one iteration": [SASL, scram(1)],
    "SCRAM for minutes": [SASL, scram(999_999_999)],
    "SCRAM for hours": [SASL, scram(99_999_999_999)],
    # Of two numbers the driver must not take another than the guard reads.
    "SCRAM of one iteration behind a larger number": [SASL, scram(1, before="i=4096,")],
    "SCRAM of one iteration before a larger number": [SASL, scram("1x,i=4096")],
    "SCRAM of one iteration after the nonce": [SASL, request(11, b"r=NONCEserver,i=1x,s=c2FsdHNhbHQ=,i=4096")],
    "SCRAM without a nonce": [SASL, request(11, b"s=c2FsdHNhbHQ=,i=4096")],
    "SCRAM that goes on before it began": [scram(4096)],
    "SCRAM that ends before it began": [request(12, b"v=AAAA")],
    "no protocol of PostgreSQL": [b"R\x7f\xff\xff\xff\x00\x00\x00\x03"],
}
UNVERIFIED = ("disable", "prefer", "require")


def at(port: int, **changes: object) -> Address:
    return Address.model_validate({"host": "127.0.0.1", "port": port, "password": PASSWORD, **changes})


def run(attempt: Callable[[], Coroutine[None, None, object]], loop: str = "asyncio") -> None:
    async def attempt_and_end() -> None:
        try:
            connection = await attempt()
            if isinstance(connection, asyncpg.Connection):
                await connection.close()
        finally:
            await asyncio.sleep(0.02)  # transports close at the next turn of the loop

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(attempt_and_end())


@pytest.fixture(scope="module")
def trusted() -> Authority:
    return authority()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("asked", "mode"),
    [*((asked, "prefer") for asked in ASKED), *(("clear text", mode) for mode in UNVERIFIED if mode != "prefer")],
)
def test_a_server_that_was_not_verified_never_gets_the_password(
    asked: str, mode: str, loop: str, trusted: Authority, tmp_path: Path
) -> None:
    impostor = Impostor(ASKED[asked], server_context(trusted, tmp_path, "db") if mode != "disable" else None)
    with listening(impostor) as port, pytest.raises(UnverifiedServerError):
        run(lambda: connect(at(port, ssl=mode)), loop)
    assert b"slipway" in impostor.received  # it was talked to
    for secret in (PASSWORD, MD5_HASH, ",p="):
        assert secret.encode() not in impostor.received
    assert not re.search(rb"md5[0-9a-f]{32}", impostor.received)


@pytest.mark.parametrize(
    "welcome",
    [
        message(b"Z", b"I"),
        OK + message(b"Z", b"I") + CLEAR_TEXT,
        OK + message(b"S", b"client_encoding\0unknown\0") + message(b"Z", b"I"),
    ],
    ids=["ready at once", "ready and then clear text", "unknown encoding"],
)
async def test_a_welcome_that_is_not_of_postgresql_is_unavailable_in_a_sentence(welcome: bytes) -> None:
    impostor = Impostor([welcome])
    with listening(impostor) as port:
        pool = Database(at(port, ssl="disable"))
        with pytest.raises(DatabaseUnavailable):
            await pool.lease()
        await pool.close()
        with pytest.raises(MigrationError, match=r"^cannot connect to .*: the server does not speak PostgreSQL's"):
            await migrate(at(port, ssl="disable"), [])
    assert PASSWORD.encode() not in impostor.received


async def test_a_migration_without_an_answer_says_that_time_ran_out() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with listening(silent) as port, pytest.raises(MigrationError, match=r"^cannot connect to .*: timed out$"):
        await migrate(at(port, ssl="disable", connect_timeout_seconds=0.2), [])


def test_a_proof_of_the_usual_cost_is_given() -> None:
    """So the refusals above are of the number of iterations, and not of the impostor's way to write."""
    impostor = Impostor([SASL, scram(4096), CLEAR_TEXT])
    with listening(impostor) as port, pytest.raises(UnverifiedServerError, match="clear text"):
        run(lambda: connect(at(port, ssl="disable", connect_timeout_seconds=30)))
    assert b",p=" in impostor.received


@pytest.mark.parametrize("loop", LOOPS)
def test_a_request_in_single_bytes_is_refused_as_well(loop: str) -> None:
    impostor = Impostor([OK + CLEAR_TEXT], piecemeal=True)
    told = r"clear text.*SLIPWAY_DATABASE__SSL=verify-full"
    with listening(impostor) as port, pytest.raises(UnverifiedServerError, match=told):
        run(lambda: connect(at(port, ssl="disable")), loop)
    assert PASSWORD.encode() not in impostor.received


def test_without_tls_on_offer_prefer_does_not_lose_the_password_either() -> None:
    impostor = Impostor([CLEAR_TEXT])
    with listening(impostor) as port, pytest.raises(UnverifiedServerError):
        run(lambda: connect(at(port, ssl="prefer")))
    assert impostor.received
    assert PASSWORD.encode() not in impostor.received


async def test_pool_readiness_and_migration_refuse_it_in_a_sentence(tmp_path: Path) -> None:
    impostor = Impostor([CLEAR_TEXT])
    with listening(impostor) as port:
        pool = Database(at(port, ssl="disable"))
        with pytest.raises(DatabaseUnavailable):
            await pool.lease()
        with pytest.raises(UnverifiedServerError):
            await pool.probe.ping()
        await pool.close()
        with pytest.raises(MigrationError, match="clear text"):
            await migrate(at(port, ssl="disable"), [])
    assert PASSWORD.encode() not in impostor.received


def test_a_verified_server_may_ask_for_clear_text(trusted: Authority, tmp_path: Path) -> None:
    """As managed servers do that log in by LDAP or a token; TLS hides it."""
    impostor = Impostor([CLEAR_TEXT], server_context(trusted, tmp_path, addresses=("127.0.0.1",)))
    with listening(impostor) as port:
        address = at(port, ssl_root_cert=trusted.pem, connect_timeout_seconds=0.5)
        with pytest.raises((OSError, TimeoutError)):
            run(lambda: connect(address))
    assert PASSWORD.encode() in impostor.received


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_the_certificate_of_another_authority_gets_no_byte(mode: str, trusted: Authority, tmp_path: Path) -> None:
    stranger = server_context(authority(), tmp_path, addresses=("127.0.0.1",))
    impostor = Impostor([CLEAR_TEXT], stranger)
    with listening(impostor) as port, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        run(lambda: connect(at(port, ssl=mode, ssl_root_cert=trusted.pem)))
    assert not impostor.received


def test_a_certificate_for_another_name_is_refused_by_verify_full_only(
    trusted: Authority, tmp_path: Path, database: Address
) -> None:
    other = server_context(trusted, tmp_path, "other.example.com")
    with listening(in_front_of(database.host, database.port, other)) as port:
        here = {**database.model_dump(), "port": port, "ssl_root_cert": trusted.pem}
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            run(lambda: connect(Address.model_validate({**here, "ssl": "verify-full"})))
        run(lambda: connect(Address.model_validate({**here, "ssl": "verify-ca"})))


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("loop", LOOPS)
def test_every_mode_with_tls_works_with_a_server_that_has_it(
    mode: str, loop: str, trusted: Authority, tmp_path: Path, database: Address
) -> None:
    context = server_context(trusted, tmp_path, addresses=("127.0.0.1",))
    with listening(in_front_of(database.host, database.port, context)) as port:
        address = Address.model_validate(
            {**database.model_dump(), "port": port, "ssl": mode, "ssl_root_cert": trusted.pem}
        )

        async def select() -> None:
            connection = await connect(address)
            assert await connection.fetchval("SELECT repeat('x', 1000000)") == "x" * 1_000_000
            await connection.close()

        run(select, loop)


def slipway(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *command],
        env={"PATH": os.environ["PATH"], "SLIPWAY_SECRETS_DIR": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_command_and_process_verify_the_server_by_file_content_or_system(
    trusted: Authority, tmp_path: Path, new_database: Address
) -> None:
    """And by nothing that only the driver knows: PGSSLROOTCERT is not read."""
    file = tmp_path / "ca.pem"
    file.write_text(trusted.pem)
    context = server_context(trusted, tmp_path, addresses=("127.0.0.1",))
    with listening(in_front_of(new_database.host, new_database.port, context)) as port:
        base = variables(new_database.model_copy(update={"port": port}), SLIPWAY_DATABASE__SSL="verify-full")
        base["SLIPWAY_ENVIRONMENT"] = "test"
        for way in ({"SLIPWAY_DATABASE__SSL_ROOT_CERT": str(file)}, {"SSL_CERT_FILE": str(file)}):
            done = slipway("migrate", **base, **way)
            assert (done.returncode, done.stderr) == (0, ""), way
        done = slipway("migrate", **base, PGSSLROOTCERT=str(file), PGSSLMODE="disable")
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
        changes = {"SLIPWAY_DATABASE__SSL": "verify-full", "SLIPWAY_DATABASE__SSL_ROOT_CERT": trusted.pem}
        address = new_database.model_copy(update={"port": port})
        with live_service(tmp_path, address, **changes) as service:
            assert service.answers("/readyz")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_missing_file_of_the_authority_is_one_sentence(command: str) -> None:
    good = {"SLIPWAY_DATABASE__PASSWORD": PASSWORD, "SLIPWAY_AUTH__SIGNING_KEY": SIGNING_KEY}
    done = slipway(command, **good, SLIPWAY_DATABASE__SSL_ROOT_CERT="/nonexistent/ca.pem")
    assert done.returncode == EXIT_CONFIG
    assert done.stderr == "SLIPWAY_DATABASE__SSL_ROOT_CERT: the file cannot be read: No such file or directory\n"


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example.com"])
async def test_a_host_that_is_no_host_name_is_refused_in_a_sentence(host: str) -> None:
    with pytest.raises(MigrationError, match=r"^cannot connect to .*: the host is not a host name, or .*$"):
        await migrate(Address(host=host, ssl="disable"), [])


def test_production_refuses_prefer() -> None:
    done = slipway("migrate", SLIPWAY_DATABASE__PASSWORD=PASSWORD, SLIPWAY_DATABASE__SSL="prefer")
    assert done.returncode == EXIT_CONFIG
    assert done.stderr.startswith("SLIPWAY_DATABASE__SSL must not be prefer in production")
    with pytest.raises(SettingsError, match="SLIPWAY_DATABASE__SSL must not be prefer in production"):
        create_app(settings_for(at(5432, ssl="prefer"), environment="production"))
    create_app(settings_for(at(5432, ssl="prefer")))


def test_the_default_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().database.ssl, load_settings().database.ssl_root_cert) == ("verify-full", "system")
    monkeypatch.setenv("SLIPWAY_DATABASE__SSL", "verify-ca")
    with pytest.raises(SettingsError, match="verify-ca needs the file of your own authority"):
        load_settings()


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_refused(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    for value in (str(file), content or "nowhere.pem"):
        monkeypatch.setenv("SLIPWAY_DATABASE__SSL_ROOT_CERT", value)
        with pytest.raises(SettingsError, match=r"^SLIPWAY_DATABASE__SSL_ROOT_CERT: [^\n]*$"):
            load_settings()
