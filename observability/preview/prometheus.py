"""A Prometheus of one's own: started with a configuration and rules, ended with the block."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

VARIABLE = "SLIPWAY_PROMETHEUS"


class NoPrometheusError(Exception):
    """The program is missing, or did not start; the message says what to do."""


def program() -> str:
    """Where Prometheus is.

    Raises:
        NoPrometheusError: it is nowhere.
    """
    named = os.environ.get(VARIABLE, "")
    path = shutil.which(named or "prometheus")
    if path is None:
        where = f"{VARIABLE} names {named}, which is no program" if named else "there is no program prometheus on PATH"
        raise NoPrometheusError(
            f"The preview needs Prometheus, and {where}: install it (Debian: apt-get install prometheus; else "
            f"https://prometheus.io/download), or name it with {VARIABLE}=/path/to/prometheus."
        )
    return path


@contextmanager
def running_prometheus(
    folder: Path, port: int, configuration: Mapping[str, object], rules: Mapping[str, str], *options: str
) -> Generator[str]:
    """Its address, once it responds. It stops at the end of the block; the next start deletes its data.

    Args:
        configuration: without `rule_files`.
        rules: files of rules, by name.
        options: of its command line, besides.

    Raises:
        NoPrometheusError: it exited; the message has the end of its log.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in rules.items():
        (folder / name).write_text(text)
    file, log = folder / "prometheus.yml", folder / "log"
    file.write_text(yaml.safe_dump({**configuration, "rule_files": sorted(rules)}))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a program that the person chose
            [
                program(),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                *options,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address, log)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/-/ready", timeout=1):  # noqa: S310 - ours
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise NoPrometheusError(f"Prometheus does not answer. Its last words:\n{log.read_text()[-2000:]}")
