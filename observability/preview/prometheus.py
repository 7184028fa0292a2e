"""A Prometheus for the preview: it scrapes the service as a ServiceMonitor would have it, with the chart's rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from .cluster import DEPLOYMENT, NAMESPACE

RULES = Path(__file__).parents[2] / "charts/slipway/files/rules"
JOB = DEPLOYMENT
SCRAPE_SECONDS = 5
VARIABLE = "SLIPWAY_PROMETHEUS"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_VALUES = {
    "workloads": JOB,
    "component": JOB,
    "namespace": NAMESPACE,
    "runbooks": "https://runbooks.example.com",
    "grafana": "https://grafana.example.com",
    "availability": "0.999",
    "latency": "0.99",
    "latencySeconds": "0.25",
    "slowRoutes": "",
}
"""As the chart's values have them."""


class NoPrometheusError(Exception):
    """There is no program, or it did not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A process to scrape, and the pod that it stands for."""

    port: int
    pod: str


def program() -> str:
    """Where Prometheus is.

    Raises:
        NoPrometheusError: it is nowhere.
    """
    named = os.environ.get(VARIABLE, "")
    found = shutil.which(named or "prometheus")
    if found is None:
        where = f"{VARIABLE} names {named}, which is no program" if named else "there is no program prometheus on PATH"
        raise NoPrometheusError(
            f"The preview needs Prometheus, and {where}: install it (Debian: apt-get install prometheus; else "
            f"https://prometheus.io/download), or name it with {VARIABLE}=/path/to/prometheus."
        )
    return found


@contextmanager
def running_prometheus(
    folder: Path,
    port: int,
    targets: Iterable[Target],
    page: int,
    *,
    scrape_seconds: int = SCRAPE_SECONDS,
    faster: int = 1,
) -> Generator[str]:
    """Its address, once it answers; it ends with the block.

    Args:
        page: port of `page.serving`, which has the samples of a cluster.
        faster: divides every time of the rules, so that a test need not wait for an hour.

    Raises:
        NoPrometheusError: it ended, with its last words.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    configuration = folder / "prometheus.yml"
    rules = _filled_rules(folder, faster)
    configuration.write_text(yaml.safe_dump(_configuration(targets, page, rules, f"{scrape_seconds}s")))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a program that the person chose
            [
                program(),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
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


def _configuration(targets: Iterable[Target], page: int, rules: list[str], every: str) -> dict[str, object]:
    labels = [({"namespace": NAMESPACE, "pod": one.pod}, f"127.0.0.1:{one.port}") for one in targets]
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": rules,
        "scrape_configs": [
            {
                "job_name": JOB,
                "static_configs": [{"targets": [address], "labels": one} for one, address in labels],
            },
            *(
                {
                    "job_name": exporter,
                    "metrics_path": f"/cluster/{exporter}",
                    "honor_labels": True,
                    "static_configs": [{"targets": [f"127.0.0.1:{page}"]}],
                }
                for exporter in ("kube-state-metrics", "kubelet")
            ),
        ],
    }


def _filled_rules(folder: Path, faster: int) -> list[str]:
    """The rules of the chart, for this job and namespace; those of a single route are left out, since none is set."""
    written: list[str] = []
    for path in sorted(RULES.glob("*.yaml")):
        text = path.read_text()
        for name, value in _VALUES.items():
            text = text.replace(f"%{{{name}}}", value)
        if "%{" not in text:
            filled = folder / path.name
            filled.write_text(_hurried(text, faster))
            written.append(str(filled))
    return written


def _hurried(rules: str, faster: int) -> str:
    """The same rules with shorter times; the windows in the names of what they record stay."""

    def shorter(found: re.Match[str]) -> str:
        return f"{int(found[1]) * _SECONDS[found[2]] * 1000 // faster}ms"

    return re.sub(r"(?<![:\w.])(\d+)([smhdw])\b", shorter, rules)
