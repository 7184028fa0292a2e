"""Guessing passwords, and keeping others from logging in: real processes, whose clients have addresses of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager
from itertools import count

import httpx2
import pytest

from app.platform.settings import Database
from tests.support.databases import connection
from tests.support.live import live_service
from tests.support.people import bearer, log_in, new_user, registered
from tests.support.process import Service

TOKEN = "/api/v1/auth/token"
_HOSTS = count(1)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Generator[list[Service]]:
    """Two processes of one service, with the limits that it has by default."""
    limits = {"SLIPWAY_ACCOUNTS__FAILURES_PER_ADDRESS": "10", "SLIPWAY_ACCOUNTS__PLACES": "3"}
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
        yield [stack.enter_context(live_service(folder, database, **limits)) for folder in folders]


def new_address() -> str:
    """An address of this machine that no other client has had."""
    number = next(_HOSTS)
    return f"127.9.{number // 250}.{number % 250 + 1}"


@asynccontextmanager
async def client_of(service: Service, address: str = "") -> AsyncGenerator[httpx2.AsyncClient]:
    """A client at this address, or at a new one."""
    transport = httpx2.AsyncHTTPTransport(verify=False, local_address=address or new_address())
    url = f"http://127.0.0.1:{service.port}"
    async with httpx2.AsyncClient(transport=transport, base_url=url, timeout=30) as client:
        yield client


async def guess(client: httpx2.AsyncClient, username: str, times: int, together: int = 1) -> list[int]:
    """The statuses of wrong passwords, of which so many are sent at once."""
    statuses: list[int] = []
    while len(statuses) < times:
        answers = await asyncio.gather(*(log_in(client, username, f"wrong {turn}") for turn in range(together)))
        statuses += [answer.status_code for answer in answers]
    return statuses


async def new_name(service: Service) -> str:
    """The name of a user, registered from an address that is used for nothing else."""
    async with client_of(service) as client:
        return str((await registered(client))["username"])


async def wait_out(answer: httpx2.Response) -> None:
    assert answer.status_code == 429, answer.text
    await asyncio.sleep(int(answer.headers["retry-after"]) + 0.1)


async def test_a_thousand_guesses_cost_few_hashes_and_then_the_right_password_works(processes: list[Service]) -> None:
    name = await new_name(processes[0])
    address = new_address()
    async with client_of(processes[0], address) as first, client_of(processes[1], address) as second:
        guesses = await asyncio.gather(guess(first, name, 500, together=2), guess(second, name, 500, together=2))
        statuses = Counter(status for of_process in guesses for status in of_process)
        assert set(statuses) == {400, 429}
        assert 10 <= statuses[400] <= 20
        # The right password too has to wait, in every process.
        answers = [await log_in(client, name) for client in (first, second)]
        assert [answer.status_code for answer in answers] == [429, 429]
        assert answers[0].json()["type"] == "urn:slipway:problem:log-in-throttled"
        await wait_out(answers[1])
        assert (await log_in(second, name)).status_code == 200
        # What the account failed is forgotten, and it knows the address now.
        assert await guess(first, name, 9) == [400] * 9


async def test_an_unknown_user_is_throttled_like_a_known_one(processes: list[Service]) -> None:
    known = await new_name(processes[0])
    for name in (known, "nobodyofthatname", known.upper()[:-1] + "\u00e9", "x" * 100):
        async with client_of(processes[0]) as client:
            assert await guess(client, name, 12) == [400] * 10 + [429] * 2, name


async def test_a_user_name_is_the_same_in_any_case(processes: list[Service]) -> None:
    name = await new_name(processes[0])
    async with client_of(processes[0]) as client:
        for turn in range(10):
            assert await guess(client, name.upper() if turn % 2 else name, 1) == [400]
        assert await guess(client, name.title(), 1) == [429]


async def test_many_names_from_one_address_are_throttled_together(processes: list[Service]) -> None:
    own = await new_name(processes[0])
    async with client_of(processes[0]) as client, client_of(processes[1]) as elsewhere:
        assert (await log_in(client, own)).status_code == 200
        statuses = [(await guess(client, f"sprayed{turn}", 1))[0] for turn in range(30)]
        assert (await log_in(client, own)).status_code == 200  # known here: not kept out by others at the address
        # and no way to take back what the address failed
        statuses += [(await guess(client, f"sprayed{turn}", 1))[0] for turn in range(30, 60)]
        assert statuses[:10] == [400] * 10
        assert statuses.count(400) <= 14
        assert await guess(elsewhere, "sprayed0", 1) == [400]


async def test_guesses_from_everywhere_do_not_keep_a_user_out_where_they_are_known(processes: list[Service]) -> None:
    name = await new_name(processes[0])
    async with client_of(processes[0]) as home, client_of(processes[1]) as hotel:
        assert (await log_in(home, name)).status_code == 200
        statuses: list[int] = []
        for turn in range(30):
            async with client_of(processes[turn % 2]) as attacker:
                statuses += await guess(attacker, name, 5)
        assert statuses.count(400) <= 20
        assert set(statuses) == {400, 429}
        assert (await log_in(home, name)).status_code == 200
        # That took all back. Elsewhere the user waits while there are guesses, but for a minute at most.
        for _ in range(3):
            async with client_of(processes[0]) as attacker:
                await guess(attacker, name, 5)
        answer = await log_in(hotel, name)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) <= 60
        await wait_out(answer)
        assert (await log_in(hotel, name)).status_code == 200


async def test_guesses_from_one_address_do_not_keep_a_user_out_anywhere_else(processes: list[Service]) -> None:
    name = await new_name(processes[0])
    async with client_of(processes[0]) as attacker, client_of(processes[1]) as victim:
        assert 429 in await guess(attacker, name, 50)
        assert (await log_in(victim, name)).status_code == 200


async def test_a_change_of_password_is_no_way_to_guess_it(processes: list[Service]) -> None:
    name = await new_name(processes[0])
    async with client_of(processes[0]) as client:
        headers = await bearer(client, name)
        statuses: list[int] = []
        for turn in range(15):
            change = {"current_password": f"wrong {turn}", "new_password": "another horse battery"}
            answer = await client.put("/api/v1/users/me/password", json=change, headers=headers)
            statuses.append(answer.status_code)
        assert statuses[:10] == [403] * 10
        assert 429 in statuses[10:]
        assert (await log_in(client, name)).status_code == 429  # counted together


async def test_rows_have_one_size_and_those_that_expired_are_removed(
    processes: list[Service], database: Database
) -> None:
    async with connection(database) as held:
        await held.execute(
            "INSERT INTO users.log_in_failures "
            "SELECT decode(md5(n::text), 'hex'), 1, now(), '{}', now() - interval '1 day' FROM generate_series(1, 25) n"
        )
        async with client_of(processes[0]) as client:
            await guess(client, "\U0001f600" * 100, 3)
        assert await held.fetchval("SELECT count(*) FROM users.log_in_failures WHERE expires_at < now()") == 0
        assert await held.fetchval("SELECT max(length(key)) FROM users.log_in_failures") == 16
        assert await held.fetchval("SELECT bool_and(expires_at < now() + '31 days') FROM users.log_in_failures")


async def abandon(port: int, address: str, path: str, body: bytes, media_type: str) -> None:
    """Sends a whole request and leaves."""
    head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(head.encode() + body)
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.close()


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Generator[Service]:
    """A process whose hashes take a tenth of a second and more, so that a queue of them is seen."""
    settings = {
        "SLIPWAY_PASSWORDS__MEMORY_KIB": "65536",
        "SLIPWAY_PASSWORDS__ITERATIONS": "2",
        "SLIPWAY_PASSWORDS__WAITING": "100",
        "SLIPWAY_ACCOUNTS__PLACES": "3",
    }
    with live_service(tmp_path_factory.mktemp("slow"), database, **settings) as service:
        yield service


async def test_log_ins_that_are_sent_and_abandoned_keep_nobody_out(slow: Service) -> None:
    name = await new_name(slow)
    attackers = [new_address() for _ in range(3)]
    form = b"username=nobodyatall&password=wrong", "application/x-www-form-urlencoded"

    async def attack() -> None:
        for _ in range(40):
            await asyncio.gather(asyncio.sleep(0.05), *(abandon(slow.port, one, TOKEN, *form) for one in attackers))

    attacking = asyncio.create_task(attack())
    answers: list[httpx2.Response] = []
    async with client_of(slow) as client:
        while not attacking.done():
            answers.append(await log_in(client, name))
    await attacking
    assert {answer.status_code for answer in answers} == {200}
    assert 'status":503' not in slow.log()


@pytest.mark.parametrize("path", [TOKEN, "/api/v1/users"])
async def test_a_client_that_left_costs_no_hash(path: str, slow: Service, database: Database) -> None:
    """Each of them has a place in the queue, so that only their leaving empties it."""
    name = await new_name(slow)
    async with connection(database) as held:
        before = await held.fetchval("SELECT count(*) FROM users.users")
        bodies = [_body(path) for _ in range(60)]
        addresses = [new_address() for _ in range(30)] * 2
        await asyncio.gather(
            *(abandon(slow.port, address, path, *body) for address, body in zip(addresses, bodies, strict=True))
        )
        async with client_of(slow) as client:
            assert (await log_in(client, name)).status_code == 200
            # A name that so many had failed to log in with would be refused.
            assert await guess(client, "abandoned", 1) == [400]
        assert await held.fetchval("SELECT count(*) FROM users.users") <= before + 5


def _body(path: str) -> tuple[bytes, str]:
    if path == TOKEN:
        return b"username=abandoned&password=wrong", "application/x-www-form-urlencoded"
    return httpx2.Request("POST", "http://test", json=new_user()).read(), "application/json"


async def test_an_address_and_an_account_have_few_places(slow: Service) -> None:
    async with client_of(slow) as greedy, client_of(slow) as other, client_of(slow) as third:
        answers = await asyncio.gather(
            *(log_in(greedy, f"name{turn}") for turn in range(6)),
            *(log_in(client, "onename") for client in (other, third, other, third)),
        )
        statuses = [answer.status_code for answer in answers]
        assert Counter(statuses[:6]) == {400: 3, 429: 3}
        assert Counter(statuses[6:]) == {400: 3, 429: 1}
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        metrics = httpx2.get(f"http://127.0.0.1:{slow.metrics_port}/metrics").text
        refusals = metrics.split('http_server_requests_shed_total{reason="log_in_client_places"} ')[1].split()[0]
        assert float(refusals) >= 4
