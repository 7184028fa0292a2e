"""A transport that joins what is written before the loop turns: nothing is lost, reordered or sent too late."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from app.platform.server.joined import MAX_JOINED_BYTES, JoinedTransport


class Recorder(asyncio.Protocol):
    """The other end: what arrives, in the pieces in which the kernel hands it over."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[JoinedTransport, Recorder]]:
    loop = asyncio.get_running_loop()
    recorder = Recorder()
    server = await loop.create_server(lambda: recorder, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    yield JoinedTransport(transport, loop), recorder
    transport.abort()
    server.close()
    await server.wait_closed()


async def test_the_pieces_of_one_turn_arrive_as_one() -> None:
    async with connected() as (transport, recorder):
        transport.write(b"head ")
        transport.write(b"body")
        transport.close()
        await recorder.ended.wait()
    assert recorder.pieces == [b"head body"]


async def test_what_is_written_leaves_without_a_close() -> None:
    async with connected() as (transport, recorder):
        transport.write(b"alone")
        async with asyncio.timeout(10):
            while not recorder.pieces:
                await asyncio.sleep(0)
    assert recorder.pieces == [b"alone"]


async def test_a_large_piece_keeps_its_place() -> None:
    large = b"x" * (MAX_JOINED_BYTES + 1)
    async with connected() as (transport, recorder):
        transport.write(b"first")
        transport.write(large)
        transport.write(b"last")
        transport.write_eof()
        await recorder.ended.wait()
    assert b"".join(recorder.pieces) == b"first" + large + b"last"


async def test_nothing_is_sent_after_an_abort() -> None:
    async with connected() as (transport, recorder):
        transport.write(b"never")
        transport.abort()
        await recorder.ended.wait()
    assert recorder.pieces == []


async def test_everything_else_is_the_transports_own() -> None:
    async with connected() as (transport, _):
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        with pytest.raises(AttributeError):
            _ = transport.no_such_thing
