"""Keys in settings: what is taken, and what is said of what is not."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import SecretStr

from app.platform.auth.keys import key_problem, signing_key
from app.platform.auth.points import is_usable_point
from tests.support.forge import OFF_CURVE, SIGNING, SMALL_ORDER_POINTS, key, key_id, pem, public_pem

NAME = "SLIPWAY_AUTH__SIGNING_KEY"
PKCS8 = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
UNUSABLE = {
    "empty": "",
    "blank": " \n ",
    "a word": "secret-marker",
    "not ASCII": "schlüssel",
    "an empty frame": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    "a broken frame": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LW1hcmtlcg==\n-----END PRIVATE KEY-----\n",
    "RSA": rsa.generate_private_key(65537, 2048).private_bytes(*PKCS8).decode(),
    "P-256": ec.generate_private_key(ec.SECP256R1()).private_bytes(*PKCS8).decode(),
    "Ed448": ed448.Ed448PrivateKey.generate().private_bytes(*PKCS8).decode(),
    "encrypted": key(SIGNING).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
    "the public half": public_pem(key(SIGNING)).get_secret_value(),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_signing_key_is_one_sentence_with_the_variable_and_a_remedy(kind: str) -> None:
    value = UNUSABLE[kind]
    [sentence] = key_problem(NAME, SecretStr(value), private=True)
    assert sentence.startswith(NAME)
    assert "openssl genpkey -algorithm ed25519" in sentence
    assert not any(line and line in sentence for line in value.strip().splitlines())


def test_a_signing_key_is_taken() -> None:
    assert key_problem(NAME, pem(key(SIGNING)), private=True) == []


def test_a_key_on_one_line_with_escaped_line_feeds_is_taken() -> None:
    one_line = SecretStr(pem(key(SIGNING)).get_secret_value().replace("\n", "\\n"))
    assert key_problem(NAME, one_line, private=True) == []
    assert signing_key(one_line).private_bytes_raw() == key(SIGNING).private_bytes_raw()


def test_the_previous_key_may_be_either_half() -> None:
    for value in (pem(key(SIGNING)), public_pem(key(SIGNING))):
        assert key_problem(NAME, value, private=False) == []
    assert key_problem(NAME, SecretStr(UNUSABLE["RSA"]), private=False)
    assert key_problem(NAME, SecretStr(UNUSABLE["a word"]), private=False)


@pytest.mark.parametrize("point", [*SMALL_ORDER_POINTS, OFF_CURVE], ids=bytes.hex)
def test_a_public_key_that_anybody_can_sign_for_is_refused(point: bytes) -> None:
    # The frame of an Ed25519 key in DER, RFC 8410 §4.
    frame = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + point).decode()
    value = SecretStr(f"-----BEGIN PUBLIC KEY-----\n{frame}\n-----END PUBLIC KEY-----\n")
    assert key_problem("SLIPWAY_AUTH__PREVIOUS_KEY", value, private=False)


def test_every_key_that_is_made_is_usable() -> None:
    assert all(is_usable_point(key(str(number)).public_key().public_bytes_raw()) for number in range(50))


def test_the_kid_is_the_thumbprint_of_rfc_8037_appendix_a3() -> None:
    x = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert key_id(Ed25519PublicKey.from_public_bytes(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
