"""Runs the embedded PostgreSQL of `make run` and of the tests: one a folder, and it ends with its starter."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tools.postgres.accounts import CLEAN_ENVIRONMENT, Account, server_account
from tools.postgres.binaries import Binaries, remove_copy, usable_binaries
from tools.postgres.data_directory import USER, Cluster, data_argument, full, one_sentence, open_or_create, unusable
from tools.postgres.errors import EmbeddedPostgresError
from tools.postgres.processes import STOP_SIGNALS, command_lines, server_command, stop_cluster

START_TIMEOUT_SECONDS = 60.0
RETRY_TIMEOUT_SECONDS = 5.0
MAX_LOG_BYTES = 5_000_000
NOT_DURABLE = ("fsync=off", "full_page_writes=off")
"""Commits survive a kill, but no power cut (`synchronous_commit=off` would lose them in a kill, too)."""


class PostgresServer:
    """A running server; `host`, `port`, `user` and `password` say how to reach its database `postgres`."""

    host = "127.0.0.1"
    user = USER

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        binaries: Binaries,
        account: Account,
        *,
        port: int | None,
        options: tuple[str, ...],
    ) -> None:
        self.folder = folder
        self.password = cluster.password
        self.port = port or 0
        self._data = cluster.data
        self._binaries = binaries
        self._account = account
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """The server's process, None once it has ended."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start and wait until connections are accepted, on the same port as before.

        Raises:
            EmbeddedPostgresError: it does not start.
        """
        self._stop_leftovers()
        keep_port = self.port != 0
        retry_until = time.monotonic() + RETRY_TIMEOUT_SECONDS
        while True:
            self.port = self.port if keep_port else free_port()
            complaint = self._start_once()
            if complaint is None:
                return
            taken = "could not bind" in complaint
            if taken and keep_port:
                raise EmbeddedPostgresError(
                    f"Port {self.port} of {self.host} is in use: stop what listens there, or choose another."
                )
            orphans = "shared memory block" in complaint  # children of a killed server, unseen in a container
            if not (taken or orphans) or time.monotonic() > retry_until:
                raise self._refusal(complaint)
            time.sleep(0.1)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop within seconds; `immediate` skips the shutdown checkpoint, so that the next start recovers."""
        self._end_watch()
        if not self._process:
            return
        for number, seconds in STOP_SIGNALS[1:] if immediate else STOP_SIGNALS:
            if self._process.poll() is None:
                self._process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
        self._process = None

    def restart(self) -> None:
        """Stop and start on the same port: every connection is cut."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End the server as kill -9 does; `start` brings it back on the same port."""
        self._end_watch()
        if self._process:
            self._process.kill()
            self._process.wait()

    def _end_watch(self) -> None:
        if self._watch:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None

    def _stop_leftovers(self) -> None:
        name = _cluster_name(self.folder)
        if not stop_cluster(name):
            raise EmbeddedPostgresError(
                f"The PostgreSQL of an earlier run still uses {self.folder} and cannot be stopped: "
                f"end its processes, which carry the name {name}."
            )
        lock = self._data / "postmaster.pid"
        with suppress(FileNotFoundError):
            owner = lock.read_text().partition("\n")[0].strip()
            if owner.isdigit() and "postgres" in command_lines().get(int(owner), "").partition(" ")[0]:
                raise EmbeddedPostgresError(
                    f"Process {owner}, a PostgreSQL, seems to use {self.folder}: "
                    f"stop it, or remove {lock} if it does not."
                )
            lock.unlink()

    def _start_once(self) -> str | None:
        """Start the server; None when it is ready, else what it wrote before it ended."""
        log = self.folder / "log"
        with open(log, "ab", opener=_private) as output:
            if output.tell() > MAX_LOG_BYTES:
                output.truncate(0)
            begin = os.fstat(output.fileno()).st_size
            self._process = subprocess.Popen(
                [
                    *server_command(self._binaries.folder / "postgres", _cluster_name(self.folder)),
                    *("-D", data_argument(self._data, self._account)),
                    *("-h", self.host, "-p", str(self.port), "-k", ""),
                    *(part for option in self._options for part in ("-c", option)),
                ],
                cwd=self._data,
                env=CLEAN_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C in the terminal is for the starter
                **self._account,
            )
        self._watch = _stop_when_this_process_dies(self._process.pid, self._account)
        end = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                self.stop()
                return log.read_bytes()[begin:].decode(errors="replace")
            if time.monotonic() > end:
                raise EmbeddedPostgresError(
                    f"PostgreSQL is not ready after {START_TIMEOUT_SECONDS:.0f} s: read {log} and start again."
                )
            time.sleep(0.01)
        return None

    def _is_ready(self) -> bool:
        """Ask `postmaster.pid`, as pg_ctl does: a connection could reach somebody else's server."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.process_id) and lines[7].strip() == "ready"

    def _refusal(self, complaint: str) -> EmbeddedPostgresError:
        if os.strerror(errno.ENOSPC) in complaint:
            return full(self.folder)
        lines = complaint.strip().splitlines() or ["no output"]
        reason = next((line for line in lines if "FATAL:" in line or "PANIC:" in line), lines[-1])
        return unusable(self.folder, f"{reason.rpartition('  ')[2]}; all of it in {self.folder / 'log'}")


@contextmanager
def running_postgres(
    folder: Path, *, port: int | None = None, durable: bool = True, max_connections: int = 50
) -> Generator[PostgresServer]:
    """Run the server whose data lies in `folder` until the block ends; the folder is made if it is missing.

    Args:
        folder: data, password and log; one run at a time.
        port: on 127.0.0.1; None takes a free one.
        durable: False trades the survival of a power cut for speed.
        max_connections: the server's limit.

    Raises:
        EmbeddedPostgresError: one sentence that says what to do.
    """
    folder = folder.absolute()
    with ExitStack() as cleanup:
        with one_sentence(folder):
            folder.mkdir(parents=True, exist_ok=True)
            cleanup.enter_context(_only_run(folder))
            account = server_account(folder / "cluster" / "data")
            cleanup.callback(remove_copy, folder / "binaries")
            binaries = usable_binaries(account, folder / "binaries")
            cluster = open_or_create(folder, binaries, account, durable=durable)
            options = (f"max_connections={max_connections}", *(() if durable else NOT_DURABLE))
            server = PostgresServer(folder, cluster, binaries, account, port=port, options=options)
            cleanup.callback(server.stop)
            server.start()
        yield server


@contextmanager
def _only_run(folder: Path) -> Generator[None]:
    """Hold the lock of `folder`; the operating system frees it whenever this process ends."""
    with open(folder / "lock", "a+", opener=_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise EmbeddedPostgresError(
                f"{folder} is in use by another run (process {lock.read().strip()}): stop that one first."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _cluster_name(folder: Path) -> str:
    """A name that no other folder of this machine has, also not one in a container with the same path."""
    identity = folder.stat()
    return f"slipway-{identity.st_dev:x}-{identity.st_ino:x}"


def free_port() -> int:
    """A port that nobody listens on now.

    It is below those that systems give to outgoing connections, of which one could have it before it is used.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((PostgresServer.host, random.randrange(20_000, 30_000)))  # noqa: S311 - it is no secret
            return probe.getsockname()[1]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _stop_when_this_process_dies(pid: int, account: Account) -> subprocess.Popen[bytes]:
    """A shell that waits for the end of its input, which comes when this process dies, however it does."""
    return subprocess.Popen(
        ["/bin/sh", "-c", f"read -r _; kill -INT {pid}"],
        cwd="/",
        env=CLEAN_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **account,
    )
