"""Log lines never make a request wait, whoever reads them or does not."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.platform.http.edge import EdgeMiddleware
from app.platform.process.drain import Drain
from app.platform.settings import Settings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.logging.lines import MAX_BUFFER_BYTES, LineWriter
from tests.support.sample import create_sample
from tests.support.timing import no_garbage_collection


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def read(descriptor: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += os.read(descriptor, size - len(found))
    return found


def test_lines_arrive_whole_and_in_order() -> None:
    lines = [b"%d\n" % number for number in range(1000)]
    with pipe() as (reader, descriptor):
        writer = LineWriter(descriptor)
        for line in lines:
            writer.write(line)
        assert writer.flush(5)
        assert read(reader, sum(map(len, lines))) == b"".join(lines)


def test_a_full_buffer_drops_and_counts_and_recovers() -> None:
    dropped: list[int] = []
    line = b"x" * 1023 + b"\n"
    with pipe() as (reader, descriptor):
        writer = LineWriter(descriptor, dropped.append)
        slowest = 0.0
        with no_garbage_collection():
            for _ in range(2 * MAX_BUFFER_BYTES // 1024):
                begun = time.perf_counter()
                writer.write(line)
                slowest = max(slowest, time.perf_counter() - begun)
        assert slowest < 0.1, "nobody waited for the pipe, which holds 64 KiB"
        assert not writer.flush(0.01)
        assert sum(dropped) == MAX_BUFFER_BYTES // 1024
        read(reader, MAX_BUFFER_BYTES)
        assert writer.flush(5)
        writer.write(b"again\n")
        assert read(reader, 6) == b"again\n"


def test_lines_that_nobody_can_read_any_more_are_counted() -> None:
    dropped: list[int] = []
    reader, descriptor = os.pipe()
    os.close(reader)
    writer = LineWriter(descriptor, dropped.append)
    writer.write(b"lost\n")
    assert writer.flush(5)
    assert sum(dropped) == 1
    os.close(descriptor)


def test_a_file_that_somebody_made_non_blocking_gets_every_line() -> None:
    content = b"x" * 300_000 + b"\n"
    with pipe() as (reader, descriptor):
        os.set_blocking(descriptor, False)
        writer = LineWriter(descriptor)
        writer.write(content)
        assert read(reader, len(content)) == content


def run(program: str) -> bytes:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout


def test_the_last_lines_of_a_process_are_written() -> None:
    program = "from app.platform.telemetry.logging.lines import LineWriter; LineWriter(1).write(b'last\\n')"
    assert run(program) == b"last\n"


def test_each_process_writes_its_own_lines_once_after_a_fork() -> None:
    program = """
import os
from app.platform.telemetry.logging.lines import LineWriter
from tests.support.timing import no_garbage_collection
writer = LineWriter(1)
writer.write(b"parent\\n")
child = os.fork()
if child == 0:
    writer.write(b"child\\n")
    writer.flush(5)
    os._exit(0)
os.waitpid(child, 0)
"""
    assert sorted(run(program).split()) == [b"child", b"parent"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_does_not_end_the_writer() -> None:
    dropped: list[int] = []
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LineWriter(descriptor, dropped.append)
    for _ in range(2):
        writer.write(b"lost\n")
        assert writer.flush(5)
    assert sum(dropped) == 2
    os.close(descriptor)


def test_requests_go_on_while_the_reader_of_stdout_hangs() -> None:
    settings = Settings(environment="test")
    reader, descriptor = os.pipe()
    writer = LineWriter(descriptor)
    telemetry = build_telemetry(settings, writer)
    layer = EdgeMiddleware(create_sample(), telemetry=telemetry, drain=Drain(), settings=settings)

    def dropped() -> float:
        return telemetry.registry.get_sample_value("log_lines_dropped_total") or 0

    while not dropped():  # the pipe takes 64 KiB, then the thread is stuck and the buffer fills
        writer.write(b"x" * 10_000 + b"\n")
    with TestClient(layer) as client:
        begun, before = time.perf_counter(), dropped()
        for _ in range(50):
            assert client.get("/api/items/1").status_code == 200
        assert time.perf_counter() - begun < 5
    assert dropped() >= before + 30, "access lines that found no room"
    os.close(reader)
    assert writer.flush(5)
    os.close(descriptor)
