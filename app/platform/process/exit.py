"""Runs an event loop so that the process ends with it, whatever threads of the application still do."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine

import structlog

THREAD_TIMEOUT_SECONDS = 0.75
"""How long threads have to end after the loop has."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def run_until_exit(
    main: Coroutine[object, object, None],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
    flush: Callable[[], object],
) -> None:
    """Like `asyncio.run`; but a handler that blocks in a thread does not hold the process for as long as it blocks.

    Python waits for such threads when it closes the loop, and again when it exits. `flush` writes the last log line.
    """
    runner = asyncio.Runner(loop_factory=loop_factory)
    closed = threading.Event()
    code = 1
    try:
        runner.run(main)
        code = 0
    finally:
        threading.Thread(target=_end_process, args=(closed, code, flush), daemon=True).start()
        runner.close()
        closed.set()


def _end_process(closed: threading.Event, code: int, flush: Callable[[], object]) -> None:
    running: list[str] = []
    while not running:
        time.sleep(THREAD_TIMEOUT_SECONDS)
        main = threading.main_thread()
        if not (closed.is_set() and main.is_alive()):
            running = [thread.name for thread in threading.enumerate() if not thread.daemon and thread is not main]
    _log.warning("left while threads were running: %s", ", ".join(running))
    flush()
    os._exit(code)
