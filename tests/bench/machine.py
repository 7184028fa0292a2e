"""What the operating system says of processes, and which core does what; Linux only."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """The core of the measured server, and the one of everything else; both empty: nothing is pinned."""

    server: frozenset[int] = frozenset()
    load: frozenset[int] = frozenset()

    def __str__(self) -> str:
        if not self.server:
            return "not pinned, since there is only one core: read the CPU figures with care"
        return f"server on core {min(self.server)}, load and PostgreSQL on core {min(self.load)}"


def choose_cores() -> Cores:
    """The first two cores that this process may use; it moves to the second, with all that it will start."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return Cores()
    cores = Cores(frozenset(usable[:1]), frozenset(usable[1:2]))
    os.sched_setaffinity(0, cores.load)
    return cores


def cpu_seconds(pid: int) -> float:
    """User and system time that a process and its descendants have used."""
    return sum(_cpu_ticks(member) for member in _tree(pid)) / _TICKS_A_SECOND


def resident_mebibytes(pid: int) -> float:
    """The memory of a process, or of the largest of its descendants."""
    return max(_resident(member) for member in _tree(pid))


def _tree(pid: int) -> list[int]:
    members, unseen = list[int](), [pid]
    while unseen:
        member = unseen.pop()
        members.append(member)
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            with suppress(OSError):  # the thread has ended
                unseen += map(int, children.read_text().split())
    return members


def _cpu_ticks(pid: int) -> int:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])  # utime and stime, proc_pid_stat(5)
    return 0


def _resident(pid: int) -> float:
    with suppress(OSError):
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0
    return 0
