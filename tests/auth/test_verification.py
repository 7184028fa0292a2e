"""What a verifier takes, for how long, and what it remembers."""

import time

from app.platform.auth.principal import InvalidToken, Principal
from app.platform.auth.tokens import LEEWAY_SECONDS, TOKEN_CACHE_SIZE, TokenVerifier
from tests.support.forge import auth_settings, claims, head, key, key_id, pem, public_pem, token


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_the_principal_is_what_the_token_says() -> None:
    said = claims(scope="items:read users:write")
    principal = TokenVerifier(auth_settings()).authenticate(b"Bearer " + token(payload=said))
    assert isinstance(principal, Principal)
    assert str(principal.subject) == said["sub"]
    assert principal.scopes == {"items:read", "users:write"}
    assert principal.expires_at == said["exp"]
    assert principal.token_id == said["jti"]


def test_an_empty_scope_allows_nothing() -> None:
    principal = TokenVerifier(auth_settings()).authenticate(b"Bearer " + token(payload=claims(scope="")))
    assert isinstance(principal, Principal)
    assert principal.scopes == frozenset()


def test_a_list_of_audiences_may_hold_others() -> None:
    verifier = TokenVerifier(auth_settings())
    assert isinstance(verifier.authenticate(b"Bearer " + token(payload=claims(aud=["other", "slipway"]))), Principal)


def test_the_scheme_is_read_in_any_case() -> None:
    assert isinstance(TokenVerifier(auth_settings()).authenticate(b"bEaReR " + token()), Principal)


def test_other_schemes_are_no_bearer_token() -> None:
    verifier = TokenVerifier(auth_settings())
    for header in (b"Basic dXNlcjpwYXNz", b"", b"Digest x", b"Bearerish x", b"\xff\xfe"):
        assert verifier.authenticate(header) is None


def test_a_token_ends_when_it_says_plus_the_leeway_also_when_it_is_remembered() -> None:
    clock = Clock()
    verifier = TokenVerifier(auth_settings(), clock=clock)
    header = b"Bearer " + token(payload=claims(exp=int(clock.now) + 100))
    assert isinstance(verifier.authenticate(header), Principal)
    clock.now = int(clock.now) + 100 + LEEWAY_SECONDS - 0.1
    assert isinstance(verifier.authenticate(header), Principal)
    clock.now += 0.2
    assert verifier.authenticate(header) == InvalidToken("The token has expired")
    assert verifier.authenticate(header) == InvalidToken("The token has expired")


def test_clocks_may_be_apart_by_the_leeway_and_no_more() -> None:
    clock = Clock()
    verifier = TokenVerifier(auth_settings(), clock=clock)
    ahead = int(clock.now) + LEEWAY_SECONDS
    assert isinstance(verifier.authenticate(b"Bearer " + token(payload=claims(iat=ahead - 1))), Principal)
    assert isinstance(verifier.authenticate(b"Bearer " + token(payload=claims(iat=ahead + 2))), InvalidToken)


def test_a_remembered_token_is_the_same_principal_without_a_second_verification() -> None:
    verifier = TokenVerifier(auth_settings())
    header = b"Bearer " + token()
    assert verifier.authenticate(header) is verifier.authenticate(bytes(bytearray(header)))


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first() -> None:
    verifier = TokenVerifier(auth_settings())
    first, second = b"Bearer " + token(), b"Bearer " + token()
    kept, gone = verifier.authenticate(first), verifier.authenticate(second)
    for _ in range(TOKEN_CACHE_SIZE - 1):
        verifier.authenticate(first)
        verifier.authenticate(b"Bearer " + token())
    assert verifier.authenticate(first) is kept
    assert verifier.authenticate(second) is not gone


def test_tokens_of_the_key_before_the_rotation_are_good_whichever_half_of_it_is_configured() -> None:
    old = token(head(kid=key_id(key("old").public_key())), by=key("old"))
    for previous in (pem(key("old")), public_pem(key("old"))):
        verifier = TokenVerifier(auth_settings("new", previous))
        assert isinstance(verifier.authenticate(b"Bearer " + old), Principal)
        new = token(head(kid=key_id(key("new").public_key())), by=key("new"))
        assert isinstance(verifier.authenticate(b"Bearer " + new), Principal)
    assert isinstance(TokenVerifier(auth_settings("new")).authenticate(b"Bearer " + old), InvalidToken)


def test_a_key_is_used_for_its_own_kid_only() -> None:
    verifier = TokenVerifier(auth_settings("new", pem(key("old"))))
    mixed = token(head(kid=key_id(key("new").public_key())), by=key("old"))
    assert isinstance(verifier.authenticate(b"Bearer " + mixed), InvalidToken)
