"""A release of the chart in the namespace of the run, as Helm and the cluster see it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import Namespace, Pod, until

CHART = Path(__file__).parents[2] / "charts" / "slipway"
TIMEOUT = "120s"


@dataclass
class Release:
    """A name that `helm install` gets."""

    name: str
    namespace: Namespace
    helm_program: Path
    installed_in: float = 0
    """Seconds from `helm install` to ready."""

    @property
    def url(self) -> str:
        """The Service, by the name that programs in the namespace call it."""
        return f"http://{self.full_name}-api"

    @property
    def full_name(self) -> str:
        return self.name if "slipway" in self.name else f"{self.name}-slipway"

    def helm(self, *arguments: str, values: Mapping[str, object] | None = None) -> str:
        """What Helm says; when it fails, what is in the namespace is part of the failure."""
        scope = (f"--kube-context={self.namespace.cluster.context}", f"--namespace={self.namespace.name}")
        done = subprocess.run(
            [self.helm_program, *arguments, *scope, *(() if values is None else ("--values=-",))],
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.namespace.report()}"
        return done.stdout

    def install(self, values: Mapping[str, object]) -> None:
        """Install it and wait until it is ready."""
        began = time.monotonic()
        self.helm("install", self.name, str(CHART), "--wait", f"--timeout={TIMEOUT}", values=values)
        self.installed_in = time.monotonic() - began

    def upgrade(self, values: Mapping[str, object]) -> None:
        """Change these values and keep the others; wait until the new pods serve and the old ones are gone."""
        self.helm("upgrade", self.name, str(CHART), "--reuse-values", "--wait", f"--timeout={TIMEOUT}", values=values)
        until(lambda: all(pod.ready for pod in self.pods()), "the pods of the last revision to go")

    def pods(self, component: str = "api") -> list[Pod]:
        return self.namespace.pods(self.name, component)

    def sql(self, statement: str, database: str = "slipway") -> str:
        """What the release's own PostgreSQL answers."""
        psql = "psql --host=127.0.0.1 --username=slipway --no-psqlrc -Atq -v ON_ERROR_STOP=1"
        script = f'PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")" exec {psql} --command="$1" "$2"'
        pod = self.pods("postgres")[0].name
        return self.namespace.run(pod, "postgres", "sh", "-c", script, "sh", statement, database).strip()
