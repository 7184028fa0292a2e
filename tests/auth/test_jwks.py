"""Keys of another process: what is taken from it, what is refused, and what holds while it is away."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.platform.auth.jwks import (
    MAX_KEYS,
    MAX_SET_BYTES,
    MAX_STALE_SECONDS,
    PATH,
    JwksClient,
    KeysUnavailableError,
    fetch_keys,
    parse_keys,
)
from app.platform.auth.keys import key_set, public_jwk
from app.platform.auth.principal import Principal, UnknownKey
from app.platform.auth.tokens import TokenVerifier
from app.platform.context import RequestContext, current_request
from tests.support.forge import OFF_CURVE, SMALL_ORDER_POINTS, auth_settings, base64url, key, key_id, public_pem, token

GOOD = key_set(auth_settings())
KID = GOOD["keys"][0]["kid"]
SMALL_ORDER = [base64url(point).decode() for point in SMALL_ORDER_POINTS]
OTHER_KID = key_set(auth_settings("other"))["keys"][0]["kid"]


def test_a_set_has_the_key_that_is_signed_with_and_the_one_before() -> None:
    shown = key_set(auth_settings("new", public_pem(key("old"))))["keys"]
    assert [one["kid"] for one in shown] == [key_id(key(name).public_key()) for name in ("new", "old")]
    assert all(one.keys() == {"kty", "crv", "x", "kid", "use", "alg"} for one in shown)


def with_spare_bits(x: str) -> str:
    """The last character of 43 has two bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return x[:-1] + alphabet[alphabet.index(x[-1]) | 1]


UNUSABLE = {
    "nothing": b"",
    "no JSON": b"<html>",
    "no object": b"[]",
    "no keys": b"{}",
    "keys that are no list": b'{"keys": {}}',
    "an empty list": b'{"keys": []}',
    "an RSA key": b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}]}',
    "a foreign kid": json.dumps({"keys": [GOOD["keys"][0] | {"kid": OTHER_KID}]}).encode(),
    "no kid": json.dumps({"keys": [{k: v for k, v in GOOD["keys"][0].items() if k != "kid"}]}).encode(),
    "a key to encrypt with": json.dumps({"keys": [GOOD["keys"][0] | {"use": "enc"}]}).encode(),
    "a short key": json.dumps(
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": public_jwk("AA")["kid"]}]}
    ).encode(),
    **{f"of small order: {x}": json.dumps({"keys": [public_jwk(x)]}).encode() for x in SMALL_ORDER},
    "with padding": json.dumps({"keys": [public_jwk(GOOD["keys"][0]["x"] + "=")]}).encode(),
    "a long key": json.dumps({"keys": [public_jwk(GOOD["keys"][0]["x"] + "AA")]}).encode(),
    "standard base64": json.dumps({"keys": [public_jwk("+" + GOOD["keys"][0]["x"][1:])]}).encode(),
    "a line feed": json.dumps({"keys": [public_jwk(GOOD["keys"][0]["x"] + "\n")]}).encode(),
    "another text of the same bytes": json.dumps(
        {"keys": [public_jwk(with_spare_bits(GOOD["keys"][0]["x"]))]}
    ).encode(),
    "not on the curve": json.dumps({"keys": [public_jwk(base64url(OFF_CURVE).decode())]}).encode(),
    "a key that is no text": b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "\\ud800"}]}',
    "too many": json.dumps({"keys": GOOD["keys"] * (MAX_KEYS + 1)}).encode(),
    "too much": json.dumps(GOOD | {"padding": "x" * MAX_SET_BYTES}).encode(),
    "a deep one": b"[" * 60_000,
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_without_a_usable_key_is_refused(kind: str) -> None:
    with pytest.raises(KeysUnavailableError):
        parse_keys(UNUSABLE[kind])


def test_keys_of_other_kinds_are_left_out() -> None:
    mixed = {"keys": ["no object", {"kty": "RSA"}, {"kty": "EC", "crv": "P-256"}, *GOOD["keys"]]}
    assert list(parse_keys(json.dumps(mixed).encode())) == [KID]


class Issuer:
    """A server in the place of the process that issues tokens: it answers as `answer` says, and counts."""

    def __init__(self) -> None:
        self.answer: Callable[[BaseHTTPRequestHandler], None] = self.show(GOOD)
        self.asked: list[str] = []
        self.traces: list[str | None] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.traces.append(self.headers["traceparent"])
                issuer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def show(document: object, status: int = 200, location: str = "") -> Callable[[BaseHTTPRequestHandler], None]:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            body = json.dumps(document).encode()
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body)))
            if location:
                handler.send_header("Location", location)
            handler.end_headers()
            handler.wfile.write(body)

        return answer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


def test_keys_are_read_from_the_well_known_path(issuer: Issuer) -> None:
    assert list(fetch_keys(issuer.url + PATH)) == [KID]
    assert issuer.asked == ["/.well-known/jwks.json"]


def test_another_status_is_refused_and_no_redirect_is_followed(issuer: Issuer) -> None:
    for status in (301, 404, 500):
        issuer.answer = issuer.show(GOOD, status, f"{issuer.url}/elsewhere")
        with pytest.raises(KeysUnavailableError, match=f"status {status}"):
            fetch_keys(issuer.url + PATH)
    assert set(issuer.asked) == {PATH}


def test_nobody_there_is_a_reason_without_the_address() -> None:
    with pytest.raises(KeysUnavailableError, match="ConnectionRefusedError"):
        fetch_keys("http://127.0.0.1:9" + PATH)


def test_an_answer_byte_by_byte_does_not_hold_the_thread(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.platform.auth.jwks.FETCH_TIMEOUT_SECONDS", 0.3)
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "200")
        handler.end_headers()
        with suppress(OSError):
            while not over.wait(0.05):
                handler.wfile.write(b" ")

    issuer.answer = drip
    begun = time.monotonic()
    with pytest.raises(KeysUnavailableError):
        fetch_keys(issuer.url + PATH)
    over.set()
    assert time.monotonic() - begun < 5


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_fetch_for_a_request_is_part_of_its_trace(issuer: Issuer) -> None:
    client = JwksClient("users", issuer.url)
    await client.refresh()
    token = current_request.set(RequestContext("id", "1" * 32, sampled=True, parent_id="2" * 16))
    try:
        await client.refresh()
    finally:
        current_request.reset(token)
    assert issuer.traces == [None, f"00-{'1' * 32}-{'2' * 16}-01"]


async def test_many_who_wait_ask_once(issuer: Issuer) -> None:
    remote = JwksClient("users", issuer.url)
    await asyncio.gather(*(remote.refresh() for _ in range(50)))
    assert list(remote.keys) == [KID]
    assert len(issuer.asked) == 1


async def test_questions_are_a_second_apart(issuer: Issuer) -> None:
    remote = JwksClient("users", issuer.url)
    begun = time.monotonic()
    for _ in range(3):
        await remote.refresh()
    assert time.monotonic() - begun >= 2
    assert len(issuer.asked) == 3


async def test_the_last_keys_hold_for_a_day_while_nothing_usable_comes(issuer: Issuer) -> None:
    clock = Clock()
    remote = JwksClient("users", issuer.url, clock=clock)
    verifier = TokenVerifier(auth_settings("own"), keys=remote.keys)
    remote.on_withdrawn = verifier.forget
    header = b"Bearer " + token()
    await remote.refresh()
    assert isinstance(verifier.authenticate(header), Principal)
    issuer.answer = issuer.show({"keys": []})
    clock.now += MAX_STALE_SECONDS - 1
    await remote.refresh()
    assert isinstance(verifier.authenticate(header), Principal)
    with pytest.raises(KeysUnavailableError, match="no Ed25519 key"):
        await remote.check_ready()
    await remote.check_started()
    clock.now += 2
    await remote.refresh()
    assert isinstance(verifier.authenticate(header), UnknownKey)
    with pytest.raises(KeysUnavailableError):
        await remote.check_started()


async def test_a_token_of_a_withdrawn_key_is_refused_though_it_was_verified_before(issuer: Issuer) -> None:
    clock = Clock()
    remote = JwksClient("users", issuer.url, clock=clock)
    verifier = TokenVerifier(auth_settings("own"), keys=remote.keys)
    remote.on_withdrawn = verifier.forget
    await remote.refresh()
    assert isinstance(verifier.authenticate(b"Bearer " + token()), Principal)
    issuer.answer = issuer.show(key_set(auth_settings("other")))
    clock.now += 300
    await remote.refresh()
    assert isinstance(verifier.authenticate(b"Bearer " + token()), UnknownKey)
    assert list(remote.keys) == [OTHER_KID]


async def test_an_answer_that_does_not_end_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.platform.auth.jwks.FETCH_TIMEOUT_SECONDS", 0.2)
    over = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        over.wait(10)

    issuer.answer = hang
    remote = JwksClient("users", issuer.url)
    await remote.refresh()
    over.set()
    with pytest.raises(KeysUnavailableError):
        await remote.check_ready()
