"""Every token of the corpus is refused with its reason, and no bytes raise an exception."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platform.auth.principal import InvalidToken, Principal
from app.platform.auth.tokens import TokenVerifier
from tests.support.forge import auth_settings, claims, head, token
from tests.support.timing import no_garbage_collection
from tests.support.token_corpus import CORPUS, REFUSED

VERIFIER = TokenVerifier(auth_settings())
MAX_CPU_SECONDS = 0.02
"""Of processor time, so that a busy machine fails no test."""


@pytest.mark.parametrize(("name", "reason"), CORPUS)
def test_a_bad_token_is_refused_for_the_right_reason_and_quickly(name: str, reason: str) -> None:
    header = b"Bearer " + REFUSED[reason][name]
    with no_garbage_collection():
        begun = time.thread_time()
        result = VERIFIER.authenticate(header)
        took = time.thread_time() - begun
    assert isinstance(result, InvalidToken)
    assert result.reason == reason
    assert took < MAX_CPU_SECONDS


@pytest.mark.parametrize("reason", REFUSED)
def test_a_reason_can_stand_in_a_header(reason: str) -> None:
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", reason)  # RFC 6750 §3


def test_a_good_token_made_the_same_way_is_taken() -> None:
    assert isinstance(VERIFIER.authenticate(b"Bearer " + token()), Principal)


def test_there_are_at_least_sixty_of_them() -> None:
    assert len(CORPUS) >= 60


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_refused_without_an_exception(data: bytes) -> None:
    assert isinstance(VERIFIER.authenticate(b"Bearer " + data), InvalidToken)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=400), st.integers(min_value=1, max_value=255))
def test_a_token_with_one_byte_changed_is_refused(place: int, difference: int) -> None:
    good = token()
    place %= len(good)
    changed = good[:place] + bytes([good[place] ^ difference]) + good[place + 1 :]
    assert isinstance(VERIFIER.authenticate(b"Bearer " + changed), InvalidToken)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(["iss", "aud", "sub", "jti", "exp", "scope"]), _JSON)
def test_a_signed_claim_of_any_shape_raises_nothing(name: str, value: object) -> None:
    assert VERIFIER.authenticate(b"Bearer " + token(payload=claims(**{name: value}))) is not None


@settings(deadline=None)
@given(st.sampled_from(["alg", "typ", "kid"]), _JSON)
def test_a_header_of_any_shape_raises_nothing(name: str, value: object) -> None:
    assert isinstance(VERIFIER.authenticate(b"Bearer " + token(head(**{name: value}))), InvalidToken)
