"""Who a request says that it comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Scope

from app.platform.http.forwarded import MAX_HOPS, apply_forwarded
from app.platform.settings import SettingsError, load_settings
from app.platform.settings.networks import TrustedPeers
from tests.support.process import REPOSITORY
from tests.support.served import Served, serving

TRUSTED = "127.0.0.1, 10.0.0.0/8, 2001:db8::/32"
PROXY = "10.1.2.3"


def client_of(*forwarded: bytes, peer: str = PROXY, trusted: str = TRUSTED) -> str:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    scope: Scope = {"type": "http", "scheme": "http", "client": (peer, 40000), "headers": headers}
    apply_forwarded(scope, TrustedPeers(trusted))
    client, _ = scope["client"]
    assert isinstance(client, str)
    return client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (b"192.0.2.7", "192.0.2.7"),
        (b"192.0.2.7, 10.9.9.9", "192.0.2.7"),
        (b"203.0.113.1, 192.0.2.7", "192.0.2.7"),
        (b"192.0.2.7:51000", "192.0.2.7"),
        (b"[2001:DB9::1]:443", "2001:db9::1"),
        (b"[2001:db9::1]", "2001:db9::1"),
        (b"2001:db9::1", "2001:db9::1"),
        (b"::ffff:192.0.2.7", "192.0.2.7"),
        (b"10.2.2.2, 10.3.3.3", "10.2.2.2"),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(forwarded: bytes, client: str) -> None:
    assert client_of(forwarded) == client


def test_several_fields_are_one_list() -> None:
    assert client_of(b"203.0.113.1", b"192.0.2.7", b"10.9.9.9") == "192.0.2.7"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b",",
        b"unknown",
        b"_hidden",
        b"localhost",
        b"192.0.2.7 x",
        b"192.0.2.7:",
        b"192.0.2.7:99999",
        b"192.0.2.7:+1",
        b"192.0.2.07",
        b"192.0.2",
        b"3221225991",
        b"0x7f.1",
        b"[192.0.2.7]",
        b"[2001:db9::1",
        b"[2001:db9::1]x",
        b"[2001:db9::1]:",
        b"fe80::1%eth0",
        b"\xd9\xa1.2.3.4",
        b"\xe2\x80\xae",
        b"1.2.3.4\x00",
        b"x" * 30_000,
    ],
)
def test_what_is_not_an_address_never_becomes_the_client(garbage: bytes) -> None:
    assert client_of(garbage) == PROXY
    assert client_of(garbage + b", 10.9.9.9") == "10.9.9.9", "the proxy that is nearest to it"
    assert client_of(b"203.0.113.1, " + garbage) == PROXY, "what is behind it could be made up"


def test_a_list_without_end_is_not_read_to_its_end() -> None:
    assert client_of(b"192.0.2.7" + b", 10.9.9.9" * 3000) == "10.9.9.9"
    assert client_of(b"192.0.2.7" + b", 10.9.9.9" * (MAX_HOPS - 1)) == "192.0.2.7"


@pytest.mark.parametrize("peer", ["192.0.2.1", "11.0.0.1", "2001:db9::1", "", "unix", "x" * 5000])
def test_a_stranger_is_not_believed(peer: str) -> None:
    assert client_of(b"203.0.113.1", peer=peer) == peer


def test_a_proxy_that_comes_over_ipv6_is_known_by_its_ipv4_address() -> None:
    assert client_of(b"192.0.2.7", peer=f"::ffff:{PROXY}") == "192.0.2.7"


@pytest.mark.parametrize("proto", [b"javascript", b"https, http", b"https\x00", b"ws", b""])
def test_a_scheme_is_one_that_exists(proto: bytes) -> None:
    headers = [(b"x-forwarded-proto", proto)]
    scope: Scope = {"type": "http", "scheme": "http", "client": (PROXY, 1), "headers": headers}
    apply_forwarded(scope, TrustedPeers(TRUSTED))
    assert scope["scheme"] == "http"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {"http": {"trusted_proxies": TRUSTED}}
    with serving(tmp_path_factory.mktemp("forwarded") / "log", settings=settings) as running:
        yield running


def test_the_log_has_addresses_and_nothing_else(served: Served) -> None:
    for number, (forwarded, client) in enumerate(
        [("192.0.2.7", "192.0.2.7"), ("evil principal=admin", "127.0.0.1"), ("192.0.2.7, \u00ab", "127.0.0.1")]
    ):
        served.get("/api/items/1", x_request_id=f"f-{number}", x_forwarded_for=forwarded)
        assert served.access_line(f"f-{number}")["client"] == client


def check_config(trusted: str, name: str = "SLIPWAY_HTTP__TRUSTED_PROXIES", **more: str) -> list[str]:
    """The sentences of a configuration that is refused, without the value."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {name: trusted, **more}.items():
            patch.setenv(variable, value)
        try:
            load_settings()
        except SettingsError as error:
            return list(error.problems)
    return []


@pytest.mark.parametrize(
    ("trusted", "words"),
    [
        ("10.0.0.5/8", "entry 1 has bits set after its prefix"),
        ("10.0.0.0/8, 10.0.0.0/33", "entry 2 has a prefix that is too long"),
        ("2001:db8::/129", "entry 1 has a prefix that is too long"),
        ("10.0.0.1-10.0.0.9", "entry 1 must be an IP address or a network"),
        ("10.0.0.0/255.0.0.0", "entry 1 must be an IP address or a network"),
        ("10.1.0.0/", "entry 1 must be an IP address or a network"),
        ("10.0.0.0/-8", "entry 1 must be an IP address or a network"),
        ("10.0.0.*", "entry 1 must be an IP address or a network"),
        ("proxy.example", "entry 1 must be an IP address or a network"),
        ("10.0.0.1 10.0.0.2", "entry 1 must be an IP address or a network"),
        ("10.0.0.1,", "entry 2 must be an IP address or a network"),
        ("*, 10.0.0.1", "entry 1 must be an IP address or a network"),
        ("fe80::1%eth0", "entry 1 must be an IP address or a network"),
    ],
)
@pytest.mark.parametrize("name", ["SLIPWAY_HTTP__TRUSTED_PROXIES", "SLIPWAY_TELEMETRY__TRUSTED_CALLERS"])
def test_a_list_that_cannot_be_meant_is_refused_in_one_sentence(trusted: str, words: str, name: str) -> None:
    (sentence,) = check_config(trusted, name)
    assert sentence.startswith(f"{name}: {words}")
    assert trusted not in sentence


@pytest.mark.parametrize(
    "trusted", ["*", " * ", "0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "10.0.0.0/8, ::/1, 8000::/1"]
)
@pytest.mark.parametrize("name", ["SLIPWAY_HTTP__TRUSTED_PROXIES", "SLIPWAY_TELEMETRY__TRUSTED_CALLERS"])
def test_everybody_is_trusted_outside_of_production_only(trusted: str, name: str) -> None:
    (sentence,) = check_config(trusted, name)
    assert "trusts every address, which production refuses" in sentence
    assert sentence.startswith(name)
    assert check_config(trusted, name, SLIPWAY_ENVIRONMENT="development") == []


def test_a_good_list_is_taken() -> None:
    for trusted in ("", "10.0.0.0/8", "127.0.0.1, ::1,192.168.0.0/16", "2001:db8::/32"):
        assert check_config(trusted) == []


def test_the_command_names_the_variable_and_ends_with_78(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SLIPWAY_HTTP__TRUSTED_PROXIES": "10.0.0.5/8"}
    command = [sys.executable, "-m", "app.cli", "check-config"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert done.stderr.startswith("SLIPWAY_HTTP__TRUSTED_PROXIES: entry 1 ")
