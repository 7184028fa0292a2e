"""A release of the chart in a namespace of the run, as Helm and the cluster see it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import Namespace, Pod, until
from tests.support.helm import CHART, helm_program

TIMEOUT = "120s"


@dataclass
class Release:
    """A name that `helm install` gets."""

    name: str
    namespace: Namespace
    chart: Path = CHART
    example: str = ""
    """One of the chart's examples, whose values come first."""
    installed_in: float = 0
    """Seconds from `helm install` to ready."""

    @property
    def url(self) -> str:
        return self.service("api")

    @property
    def full_name(self) -> str:
        return self.name if "slipway" in self.name else f"{self.name}-slipway"

    def service(self, component: str) -> str:
        """The Service of a component, by the name that programs in the namespace call it."""
        return f"http://{self.full_name}-{component}"

    def helm(self, *arguments: str, values: Mapping[str, object] | None = None) -> str:
        """What Helm says; when it fails, what is in the namespace is part of the failure."""
        done = self._run(arguments, values)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.namespace.report()}"
        return done.stdout

    def install(self, values: Mapping[str, object]) -> None:
        """Install it and wait until it is ready."""
        example = [f"--values={CHART / 'examples' / self.example / 'values.yaml'}"] if self.example else []
        began = time.monotonic()
        self.helm("install", self.name, str(self.chart), *example, "--wait", f"--timeout={TIMEOUT}", values=values)
        self.installed_in = time.monotonic() - began

    def upgrade(self, values: Mapping[str, object]) -> None:
        """Change these values and keep the others; wait until the new pods serve and the old ones are gone."""
        self.helm(*self._upgrade(TIMEOUT), values=values)
        self._settle()

    def upgrade_that_fails(self, values: Mapping[str, object], *, timeout: str) -> str:
        """Change these values to ones that cannot work; what Helm says after it has waited in vain."""
        done = self._run(self._upgrade(timeout), values)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def rollback(self, revision: int) -> None:
        self.helm("rollback", self.name, str(revision), "--wait", f"--timeout={TIMEOUT}")
        self._settle()

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--wait", f"--timeout={TIMEOUT}")

    def test(self) -> str:
        """What `helm test` says, which fails unless every test of the chart succeeds."""
        return self.helm("test", self.name, "--timeout=60s")

    def pods(self, component: str = "api") -> list[Pod]:
        return self.namespace.pods(self.name, component)

    def sql(self, statement: str, database: str = "slipway") -> str:
        """What the release's own PostgreSQL answers."""
        psql = "psql --host=127.0.0.1 --username=slipway --no-psqlrc -Atq -v ON_ERROR_STOP=1"
        script = f'PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")" exec {psql} --command="$1" "$2"'
        pod = self.pods("postgres")[0].name
        return self.namespace.run(pod, "postgres", "sh", "-c", script, "sh", statement, database).strip()

    def _settle(self) -> None:
        """Helm waits for the new pods; the old ones take their time to stop."""
        until(lambda: not any(pod.leaving for pod in self.pods("")), "the pods of the last revision to go")

    def _upgrade(self, timeout: str) -> tuple[str, ...]:
        return (
            "upgrade",
            self.name,
            str(CHART),
            "--reset-then-reuse-values",
            "--wait",
            f"--timeout={timeout}",
        )

    def _run(self, arguments: tuple[str, ...], values: Mapping[str, object] | None) -> subprocess.CompletedProcess[str]:
        scope = (f"--kube-context={self.namespace.cluster.context}", f"--namespace={self.namespace.name}")
        return subprocess.run(
            [helm_program(), *arguments, *scope, *(() if values is None else ("--values=-",))],
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            check=False,
        )
