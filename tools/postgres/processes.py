"""The processes of one PostgreSQL cluster, found by the name that the server carries in its command line.

A name, not the number in `postmaster.pid`: numbers are used again after a reboot and in every container.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

STOP_SIGNALS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""Signals and the seconds given to each: fast shutdown, immediate shutdown, kill. None loses a commit."""


def command_lines() -> dict[int, str]:
    """The command line of each visible process; a zombie has none."""
    found: dict[int, str] = {}
    if not Path("/proc/self/cmdline").exists():
        table = subprocess.run(["/bin/ps", "-axww", "-o", "pid=,command="], capture_output=True, check=True, text=True)
        for row in table.stdout.splitlines():
            number, _, command = row.strip().partition(" ")
            found[int(number)] = command.strip()
        return found
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                found[int(process.name)] = b" ".join(words).decode(errors="replace")
    return found


def server_command(postgres: Path, name: str) -> list[str]:
    """How a server's command line must begin for `stop_cluster` to know it."""
    return [str(postgres), "-c", f"cluster_name={name}"]


def stop_cluster(name: str) -> bool:
    """Stop what still runs of a cluster: a server whose starter was killed, or children whose server was.

    Children end by themselves once they notice; only the last signal is for them too.

    Returns:
        Whether all are gone.
    """
    for number, seconds in STOP_SIGNALS:
        servers, children = _of_cluster(name)
        for pid in servers + (children if number is signal.SIGKILL else []):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        end = time.monotonic() + (seconds if servers else 1.0)
        while any(_of_cluster(name)):
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        else:
            return True
    return False


def _of_cluster(name: str) -> tuple[list[int], list[int]]:
    """The servers (at most one) and their children."""
    lines = command_lines()
    servers = [pid for pid, line in lines.items() if f"/postgres -c cluster_name={name} " in line]
    return servers, [pid for pid, line in lines.items() if line.startswith(f"postgres: {name}: ")]
