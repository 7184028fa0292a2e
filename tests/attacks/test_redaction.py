"""Secrets in texts that reach the log, and texts that are made to keep the log busy."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from app.platform.telemetry.logging.redaction import REDACTED, redact_text
from tests.support.logs import log_as
from tests.support.timing import no_garbage_collection

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ENCRYPTED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJodW50ZXIyIn0.aHVudGVyMg"
LENGTH = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "credential=hunter2",
        "credentials: 'hunter2 hunter2'",
        "signing_key=hunter2",
        "aws-secret-access-key: hunter2",
        "privateKey=hunter2",
        '"encryption_key": "hunter2"',
        "passphrase=hunter2",
        "postgresql://slipway:hunter2@db:5432/slipway",
        "postgresql://slipway:hun@hunter2@db/slipway",
        "postgresql://slipway:p/hunter2?x@db/slipway",
        "redis://:hunter2@cache",
        "connect to nats://a:hunter2@one,nats://b:hunter2@two failed",
        "HTTPS://USER:hunter2@EXAMPLE.COM",
        "amqp+ssl://u:hunter2@h/",
        "Cookie: a=1; session=hunter2; b=hunter2",
        "set-cookie: session=hunter2; Path=/",
        "[(b'x-api-key', b'hunter2'), (b'authorization', b'Basic hunter2')]",
        r"{\"password\": \"hunter2\"}",
        "Authorization: Basic hunter2",
    ],
)
def test_secrets_are_known_by_their_names_and_in_urls(text: str) -> None:
    assert "hunter2" not in redact_text(text)
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [PEM, repr(PEM), PEM[:90], ENCRYPTED, PEM.replace("\n", " "), f"x{PEM}{PEM}y"],
    ids=["PEM", "escaped", "cut", "encrypted", "one line", "two"],
)
def test_a_private_key_is_known_by_its_shape(text: str) -> None:
    redacted = redact_text(f"before {text}")
    secrets = [line for line in (PEM + ENCRYPTED).splitlines() if not line.startswith("-----")]
    assert [secret for secret in secrets if secret[:20] in redacted] == []
    assert redacted.startswith("before ")


@pytest.mark.parametrize(
    "text", [JWT, f"got {JWT}, refused", f"/x?t={JWT}", f"'{JWT}'", JWT.rpartition(".")[0] + ".", f"a.{JWT}"]
)
def test_a_web_token_is_known_by_its_shape(text: str) -> None:
    assert [part for part in JWT.split(".") if part in redact_text(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "the token has expired; no password was given, 3 keys",
        "GET http://127.0.0.1:8000/x?mail=bob@example.com",
        "http://[::1]:8000/a@b",
        "Key (email)=(bob@example.com) already exists",
        "eyJ is how it begins",
        "-----BEGIN CERTIFICATE-----",
        "monkey=banana keyboard: qwerty",
        "ssh://git@example.com/x",
    ],
)
def test_a_text_without_a_secret_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


class Settings:
    def __repr__(self) -> str:
        return "Settings(password='hunter2')"


def test_a_value_of_any_type_is_read_as_it_is_written(tmp_path: Path) -> None:
    with log_as(tmp_path / "log") as log:
        values = {"raw": b"password=hunter2", "object": Settings(), "error": ValueError("token=hunter2")}
        structlog.get_logger("a").info("event", **values, deep=[values], count=3)
        assert "hunter2" not in log.text()
        assert log.lines()[0]["count"] == 3


SEEDS = [
    "a-", "token=", "passwd-", "eyJ", "eyJ-.", "a://:", "a://b:c@", "@", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
    "PRIVATE KEY-----", "bearer ", "basic\t", " ", "=", "a='", 'token="', "a: ", '\\"', "b'x', ", "cookie: ", "x:",
]  # fmt: skip


def seconds(seed: str, length: int) -> float:
    text = (seed * (length // len(seed) + 1))[:length]
    begun = time.perf_counter()
    redact_text(text)
    return time.perf_counter() - begun


@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_grows_with_the_text_and_not_faster(seed: str) -> None:
    """Eight times the text takes about eight times as long; where it is squared, 64 times."""
    with no_garbage_collection():
        short = min(seconds(seed, LENGTH // 8) for _ in range(2))
        long = seconds(seed, LENGTH)
    assert long < 32 * max(short, 0.02)
