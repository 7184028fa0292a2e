"""Tokens that must be refused (RFC 8725 §2, RFC 9068 §4): each gets a reason, none an exception."""

import hashlib
import hmac
import json
import time
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.forge import SIGNING, base64url, claims, head, key, public_pem, token


def _hmac(algorithm: str, secret: bytes) -> bytes:
    signed = base64url(json.dumps(head(alg=algorithm)).encode()) + b"." + base64url(_good_payload())
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return signed + b"." + base64url(hmac.new(secret, signed, digest).digest())


def _rs256() -> bytes:
    signed = base64url(json.dumps(head(alg="RS256")).encode()) + b"." + base64url(_good_payload())
    signature = rsa.generate_private_key(65537, 2048).sign(signed, PKCS1v15(), SHA256())
    return signed + b"." + base64url(signature)


def _good_payload() -> bytes:
    return json.dumps(claims()).encode()


def _with(name: str, text: str) -> bytes:
    """Good claims, and one more whose JSON is written by hand."""
    kept = json.dumps(claims(**{name: None}))
    return f'{kept[:-1]}, "{name}": {text}}}'.encode()


def _twice(name: str) -> bytes:
    return f'{json.dumps(claims())[:-1]}, "{name}": {json.dumps(claims()[name])}}}'.encode()


def _tampered(part: int) -> bytes:
    parts = token().split(b".")
    parts[part] = parts[part][:-4] + (b"AAAA" if parts[part][-4:] != b"AAAA" else b"BBBB")
    return b".".join(parts)


FOREIGN = key("attacker")
FOREIGN_JWK: dict[str, object] = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": base64url(FOREIGN.public_key().public_bytes_raw()).decode(),
}
NOW = int(time.time())

PUBLIC_KEY = public_pem(key(SIGNING)).get_secret_value().encode()

REFUSED: dict[str, dict[str, bytes]] = {
    "The token is not an access token of this service": {
        "alg none with a signature": token(head(alg="none")),
        "alg None": token(head(alg="None"), signature=b"0" * 64),
        "alg missing": token(head(alg=None)),
        "alg null": token(json.dumps({**head(), "alg": None}).encode()),
        "alg a list": token(head(alg=["EdDSA"])),
        "alg in lower case": token(head(alg="eddsa")),
        "HS512 with the public key in PEM as the secret": _hmac("HS512", PUBLIC_KEY),
        "HS512 with the raw public key": _hmac("HS512", key(SIGNING).public_key().public_bytes_raw()),
        "HS512 with an empty secret": _hmac("HS512", b""),
        "typ JWT": token(head(typ="JWT")),
        "typ of a refresh token": token(head(typ="rt+jwt")),
        "typ missing": token(head(typ=None)),
        "typ a number": token(head(typ=5)),
    },
    "The token's header asks for something that is refused here": {
        "jwk in the header": token(head(jwk=FOREIGN_JWK), by=FOREIGN),
        "jwk in the header, signed by us": token(head(jwk=FOREIGN_JWK)),
        "jku in the header": token(head(jku="https://attacker.example/keys"), by=FOREIGN),
        "jku in the header, signed by us": token(head(jku="https://attacker.example/keys")),
        "x5u in the header": token(head(x5u="https://attacker.example/chain"), by=FOREIGN),
        "x5c in the header": token(head(x5c=["MIIB"]), by=FOREIGN),
        "crit": token(head(crit=["exp"])),
        "crit with b64": token(head(crit=["b64"], b64=False)),
        "b64": token(head(b64=False)),
    },
    "The token's key is not known": {
        "kid unknown": token(head(kid="another"), by=FOREIGN),
        "kid missing": token(head(kid=None)),
        "kid a path": token(head(kid="../../../../dev/null")),
        "kid an injection": token(head(kid="' OR 1=1 --")),
        "kid a number": token(head(kid=1)),
        "kid an object": token(head(kid={"a": 1})),
        "kid a lone surrogate": token(head(kid="\ud800")),
    },
    "The token's signature is not good": {
        "signed by another key": token(by=FOREIGN),
        "EdDSA said, HS512 done": token(signature=hmac.new(b"", b"x", hashlib.sha512).digest()),
        "tampered payload": _tampered(1),
        "tampered signature": _tampered(2),
        "signature of zeros": token(signature=bytes(64)),
        # The last character of 86 has four bits to spare.
        "signature in other bits": token()[:-1] + bytes([token()[-1] + 1]),
    },
    "The token is from another issuer": {
        "iss of another": token(payload=claims(iss="attacker")),
        "iss missing": token(payload=claims(iss=None)),
        "iss a list": token(payload=claims(iss=["slipway"])),
    },
    "The token is for another audience": {
        "aud of another": token(payload=claims(aud="another")),
        "aud a list of others": token(payload=claims(aud=["another", "third"])),
        "aud missing": token(payload=claims(aud=None)),
        "aud empty": token(payload=claims(aud=[])),
    },
    "The token has expired": {"exp over": token(payload=claims(exp=NOW - 60))},
    "The token's exp is missing or no time": {
        "exp missing": token(payload=claims(exp=None)),
        "exp 1e400": token(payload=_with("exp", "1e400")),
        "exp a float": token(payload=_with("exp", f"{NOW + 600}.5")),
        "exp with 2,500 digits": token(payload=_with("exp", "9" * 2500)),
        "exp a string": token(payload=claims(exp=str(NOW + 600))),
        "exp true": token(payload=claims(exp=True)),
        "exp negative": token(payload=claims(exp=-1)),
        "exp a list": token(payload=claims(exp=[NOW + 600])),
    },
    "The token's iat is missing or no time": {
        "iat missing": token(payload=claims(iat=None)),
        "iat a string": token(payload=claims(iat="now")),
    },
    "The token's nbf is missing or no time": {"nbf a string": token(payload=claims(nbf="now"))},
    "The token is not valid yet": {
        "iat to come": token(payload=claims(iat=NOW + 3600, exp=NOW + 7200)),
        "nbf to come": token(payload=claims(nbf=NOW + 3600)),
    },
    "The token's sub is missing or malformed": {
        "sub missing": token(payload=claims(sub=None)),
        "sub no UUID": token(payload=claims(sub="admin")),
        "sub with NUL": token(payload=claims(sub="0190163d-8694-739b-aea5-966c26f8ad91\0")),
        "sub a number": token(payload=claims(sub=1)),
    },
    "The token's jti is missing or malformed": {
        "jti missing": token(payload=claims(jti=None)),
        "jti empty": token(payload=claims(jti="")),
        "jti a number": token(payload=claims(jti=7)),
        "jti too long": token(payload=claims(jti="x" * 200)),
    },
    "The token's scope is missing or malformed": {
        "scope missing": token(payload=claims(scope=None)),
        "scope a list": token(payload=claims(scope=["items:read"])),
        "scope with line feeds": token(payload=claims(scope="items:read\nitems:write")),
    },
    "The token is malformed": {
        "alg none without a signature": token(head(alg="none"), signature=b""),
        "HS256 with the public key in PEM as the secret": _hmac("HS256", PUBLIC_KEY),
        "RS256 with another key": _rs256(),
        "header twice the same name": token(json.dumps(head()).encode()[:-1] + b', "alg": "EdDSA"}'),
        "header a list": token(b"[]"),
        "header a number": token(b"1"),
        "header no JSON": token(b"{"),
        "header in UTF-16": token(json.dumps(head()).encode("utf-16-le")),
        "exp NaN": token(payload=_with("exp", "NaN")),
        "exp Infinity": token(payload=_with("exp", "Infinity")),
        "exp twice": token(payload=_twice("exp")),
        "sub twice": token(payload=_twice("sub")),
        "payload a list": token(payload=b"[]"),
        "payload no JSON": token(payload=b"{'a'}"),
        "payload deep": token(payload=b"[" * 2000),
        "payload no UTF-8": token(payload=b'{"iss": "\xff"}'),
        "tampered header": _tampered(0),
        "signature missing": token().rpartition(b".")[0],
        "signature empty": token().rpartition(b".")[0] + b".",
        "a fourth part": token() + b".e30",
        "five parts, as if encrypted": b".".join([b"e30"] * 5),
        "padded": token() + b"==",
        "standard base64": b64encode(token()),
        "spaces inside": token().replace(b".", b" . "),
        "no token": b"",
        "dots": b"..",
        "a word": b"token",
        "not ASCII": "tökén".encode(),
        "NUL": token() + b"\0",
    },
    "The token is too long": {
        "1 MB": b"a" * 1_000_000,
        "1 MB of three parts": token()[:200] + b"." + b"a" * 1_000_000 + b"." + b"A" * 86,
        "1 MB of dots": b"." * 1_000_000,
        "1 MB of spaces and dots": b" ." * 500_000,
    },
}
CORPUS = [(name, reason) for reason, tokens in REFUSED.items() for name in tokens]
