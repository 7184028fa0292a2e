"""Passwords: hashing in threads, few at a time, and which are refused."""

import asyncio
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import argon2.low_level
import pytest
from pydantic import SecretStr

from app.features.users.passwords import Passwords, common_passwords, hash_of_nobody, weakness
from app.features.users.settings import PasswordSettings as Settings
from app.platform.problems import Problem

CHEAP = Settings(memory_kib=64, iterations=1)
GOOD = SecretStr("correct horse battery staple")


async def test_a_password_fits_its_own_hash_only() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(GOOD)
    assert await passwords.verify(GOOD, stored) == (True, None)
    assert await passwords.verify(SecretStr("correct horse battery staples"), stored) == (False, None)


async def test_every_character_of_the_longest_password_counts() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(SecretStr("\U0001f600" * 127 + "a"))
    assert (await passwords.verify(SecretStr("\U0001f600" * 127 + "a"), stored))[0]
    assert not (await passwords.verify(SecretStr("\U0001f600" * 127 + "b"), stored))[0]


async def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(SecretStr("cre\u0300me bru\u0302le\u0301e"))
    assert (await passwords.verify(SecretStr("cr\u00e8me br\u00fbl\u00e9e"), stored))[0]


async def test_look_alikes_are_different_passwords() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(SecretStr("square of \u00b2"))
    assert not (await passwords.verify(SecretStr("square of 2"), stored))[0]


async def test_the_default_cost_is_what_owasp_asks_for() -> None:
    stored = await Passwords(Settings()).hash(GOOD)
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$", stored)
    assert found
    assert int(found[1]) >= 19 * 1024
    assert int(found[2]) >= 2


async def test_a_hash_of_another_cost_is_replaced_at_the_next_log_in() -> None:
    stored = await Passwords(CHEAP).hash(GOOD)
    dearer = Passwords(Settings(memory_kib=128, iterations=1))
    right, stronger = await dearer.verify(GOOD, stored)
    assert right
    assert stronger is not None
    assert "m=128,t=1" in stronger
    assert await dearer.verify(GOOD, stronger) == (True, None)
    assert await dearer.verify(SecretStr("another password"), stored) == (False, None)


class Spy:
    """Stands before argon2's C library and notes what it computes, and how much at once."""

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._real: Any = vars(argon2.low_level)["lib"]

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return partial(self._note, name, real) if name in {"argon2_hash", "argon2_verify"} else real

    def _note(self, name: str, real: Callable[..., int], *arguments: object) -> int:
        with self._lock:
            self.computed.append(name)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return real(*arguments)
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    spy = Spy()
    monkeypatch.setattr(argon2.low_level, "lib", spy)
    return spy


async def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(spy: Spy) -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash(GOOD)
    for known in (stored, None):
        spy.computed.clear()
        assert await passwords.verify(SecretStr("wrong password"), known) == (False, None)
        assert spy.computed == ["argon2_verify"]


def test_the_hash_of_nobody_costs_what_a_real_one_costs() -> None:
    real = asyncio.run(Passwords(CHEAP).hash(GOOD))
    nobody = hash_of_nobody(CHEAP)
    assert nobody.split("$")[:4] == real.split("$")[:4]
    assert len(nobody) == len(real)


async def test_no_more_hashes_run_at_once_than_there_are_slots(spy: Spy) -> None:
    passwords = Passwords(Settings(memory_kib=19 * 1024, iterations=1, slots=2))
    await asyncio.gather(*(passwords.hash(GOOD) for _ in range(8)))
    assert len(spy.computed) == 8
    assert spy.most_at_once == 2


async def test_hashes_wait_for_a_slot_and_too_many_are_told_to_come_back() -> None:
    passwords = Passwords(Settings(memory_kib=8 * 1024, iterations=1, slots=1, waiting=2))
    results = await asyncio.gather(*(passwords.hash(GOOD) for _ in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Problem)]
    assert len(refused) == 3
    assert {problem.status for problem in refused} == {429}
    assert all(problem.headers["Retry-After"] == "1" for problem in refused)
    assert sum(isinstance(result, str) for result in results) == 3
    assert await passwords.hash(GOOD)  # the slots are free again


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = Passwords(Settings(memory_kib=19 * 1024, iterations=2, slots=2))
    hashing = asyncio.gather(*(passwords.hash(GOOD) for _ in range(8)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    await hashing
    # On the loop's own thread eight hashes would leave it eight turns.
    assert turns > 100


async def test_a_hash_that_nobody_waits_for_gives_its_slot_back() -> None:
    passwords = Passwords(Settings(memory_kib=8 * 1024, iterations=1, slots=1, waiting=1))
    abandoned = asyncio.create_task(passwords.hash(GOOD))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert await passwords.hash(GOOD)


@pytest.mark.parametrize("password", ["password", "PassWord1", "12345678", "iloveyou", "\uff50\uff41\uff53\uff53word"])
def test_a_common_password_is_refused_in_any_case(password: str) -> None:
    assert weakness(SecretStr(password)) == "This is one of the most common passwords: choose another"


@pytest.mark.parametrize("password", ["Josephine1", "josephine1", "JOSEPHINE@example.org"])
def test_the_users_own_names_are_refused(password: str) -> None:
    assert weakness(SecretStr(password), "Josephine1", "josephine@example.org")


@pytest.mark.parametrize("password", ["aaaaaaaaab", "correct horse", "        x", "Passwort!9z", "\U0001f600" * 8])
def test_no_rule_is_made_on_characters(password: str) -> None:
    assert weakness(SecretStr(password), "somebody", "somebody@example.org") is None


def test_the_list_has_three_thousand_passwords_that_could_be_chosen() -> None:
    assert len(common_passwords()) == 3000
    assert all(8 <= len(word) <= 128 and word == word.casefold() for word in common_passwords())


def test_the_places_of_an_account_are_taken_under_its_own_name_only() -> None:
    passwords = Passwords(CHEAP, places=1)
    with passwords.place() as place, place.of_account("kelvin"):
        with place.of_account("\u212aelvin"):  # the Kelvin sign, which is no name that anybody can register
            pass
        with pytest.raises(Problem) as refusal, place.of_account("KELVIN"):
            pass
    assert refusal.value.status == 429
