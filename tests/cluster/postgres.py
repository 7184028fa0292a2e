"""A PostgreSQL beside the releases, as in production: a server that was there before them and that no chart made."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cluster.cluster import Namespace, until
from tests.cluster.inside import HARDENED

PASSWORD = "p@ss:/#%[]{} '\"\\$x"
"""Of every role; nothing here may be put into a URL, a shell or a template as it is."""
NAME = "database"
USER = 999


class Postgres:
    """One server, with a database and a role for each release."""

    host = NAME

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def start(self) -> None:
        """Make it, and wait until it takes connections."""
        image = os.environ.get("SLIPWAY_TEST_POSTGRES_IMAGE", "docker.io/library/postgres:17")
        labels = {"app": NAME}
        service = {"selector": labels, "ports": [{"name": "postgres", "port": 5432}]}
        self._namespace.create_object("services", {"metadata": {"name": NAME}, "spec": service})
        template = {"metadata": {"labels": labels}, "spec": _pod(image)}
        spec = {"replicas": 1, "serviceName": NAME, "selector": {"matchLabels": labels}, "template": template}
        self._namespace.create_object("statefulsets", {"metadata": {"name": NAME}, "spec": spec}, "apps/v1")
        until(self._ready, "PostgreSQL")

    def create_database(self, name: str) -> None:
        """A database, and a role of the same name with the password that every role has here."""
        quoted = PASSWORD.replace("'", "''")
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'", "postgres")
        self.sql(f"CREATE DATABASE {name} OWNER {name}", "postgres")

    def create_secret(self, name: str) -> None:
        """What `secrets.existingSecret` names: the password, and a signing key that no other Secret holds."""
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        content = {"database__password": PASSWORD, "auth__signing_key": key.decode()}
        data = {key: b64encode(text.encode()).decode() for key, text in content.items()}
        self._namespace.create_object("secrets", {"metadata": {"name": name}, "data": data})

    def sql(self, statement: str, database: str) -> str:
        """What it answers to its superuser."""
        psql = "psql --host=127.0.0.1 --username=postgres --no-psqlrc -Atq -v ON_ERROR_STOP=1"
        script = f'PGPASSWORD="$POSTGRES_PASSWORD" exec {psql} --command="$1" "$2"'
        return self._namespace.run(f"{NAME}-0", NAME, "sh", "-c", script, "sh", statement, database).strip()

    def items(self, database: str, name: str) -> int:
        """How many items of this name were written."""
        return int(self.sql(f"SELECT count(*) FROM items.items WHERE name = '{name}'", database))

    def _ready(self) -> bool:
        status = self._namespace.get("statefulsets", NAME, "apps/v1")["status"]
        return bool(status.get("readyReplicas"))


def put_schema_ahead(run: Callable[[str], object]) -> None:
    """Leave the schema as a newer release would: with a revision that no image here knows."""
    revision = "9999_of_a_newer_release"
    for schema in ("items", "users"):
        run(f"INSERT INTO {schema}.schema_history VALUES ('{revision}')")
        run(f"UPDATE {schema}.alembic_version SET version_num = '{revision}'")


def _pod(image: str) -> Mapping[str, object]:
    container = {
        "name": NAME,
        "image": image,
        "env": [
            {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
            {"name": "POSTGRES_PASSWORD", "value": secrets.token_urlsafe(16)},
        ],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--quiet", "--host=127.0.0.1"]}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": HARDENED,
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/postgresql/data"},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    nothing: dict[str, str] = {}
    return {
        "containers": [container],
        "volumes": [{"name": name, "emptyDir": nothing} for name in ("data", "run", "tmp")],
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
