"""Typed settings from the environment, `.env` and a folder of secret files; weak secrets are refused by name."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

from .setting_types import BaseUrl, Port, Positive, Seconds

PREFIX = "SLIPWAY_"
EXIT_CONFIG = 78
"""Exit code of a process that refuses its configuration (EX_CONFIG of sysexits.h)."""


class SettingsError(Exception):
    """The configuration cannot be used.

    `problems` holds one sentence each, which names the variable and never its value.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Group(BaseModel):
    """Settings that belong together; an unknown name in a group is an error, since it is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class Service(Group):
    """What the process says of itself in `/info`, metrics, spans and logs."""

    name: str = "slipway"
    """Title of the API, and `service.name` of its spans."""
    version: str = "0.2.0"
    """Release that runs; the image sets it."""
    revision: str = "unknown"
    """Commit that it was built from; the image sets it."""


class Http(Group):
    """The listener of the API and the limits of a request."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 8000
    """Port to listen on."""
    max_body_bytes: Positive = 1024 * 1024
    """A larger body is answered 413."""
    max_header_bytes: Positive = 32 * 1024
    """A larger head of a request is answered 431."""
    header_timeout_seconds: Annotated[Seconds, Field(gt=0)] = 10
    """How long a client may take to send the head of a request."""
    min_body_bytes_per_second: Positive = 256
    """A body that arrives slower than this is cut (a slow-client attack, not a slow line)."""
    keep_alive_seconds: Seconds = 20
    """How long an idle connection is kept."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose `X-Forwarded-For` and `-Proto` are believed, comma-separated."""
    docs: bool | None = None
    """`/docs`, `/redoc` and `/openapi.json`; unset means: everywhere but in production."""


class Metrics(Group):
    """Where `/metrics` is served: its own port, so that it is never on the public one."""

    enabled: bool = True
    """Whether there is a metrics port."""
    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` in a container."""
    port: Port = 9464
    """Port to listen on."""


class Address(Group):
    """A host and port of PostgreSQL."""

    host: str
    """Host of PostgreSQL itself."""
    port: Port = 5432
    """Its port."""


class Database(Group):
    """PostgreSQL, by components and never by a DSN, so that no log line can hold the password."""

    host: str = "127.0.0.1"
    """Host of PostgreSQL, or of the pooler in front of it."""
    port: Port = 5432
    """Its port."""
    name: str = "slipway"
    """Name of the database."""
    user: str = "slipway"
    """Role to log in as."""
    password: SecretStr = SecretStr("")
    """Its password: at least 12 characters in production."""
    ssl: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    """TLS to the server, in the words of libpq's `sslmode`."""
    pool_size: Positive = 10
    """Connections that this process may have open."""
    pool_timeout_seconds: Seconds = 1
    """How long a request waits for a connection before it is answered 503."""
    connect_timeout_seconds: Seconds = 2
    """How long a new connection may take."""
    statement_timeout_seconds: Seconds = 2
    """How long a statement may take before its request is answered 503."""
    lock_timeout_seconds: Seconds = 3
    """For migrations: how long a statement may wait for a lock before it gives up."""
    pooler: bool = False
    """True behind a pooler in transaction mode (PgBouncer): no prepared statements are kept."""
    direct: Address | None = None
    """The address around the pooler, for migrations and session locks."""


class Auth(Group):
    """Access tokens that this service signs and verifies (RFC 9068, EdDSA)."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, PKCS 8 in PEM."""
    previous_key: SecretStr | None = None
    """The key signed with before the last rotation (private or public PEM): still verified, never used to sign. Where
    several pods issue tokens, put the next key here for one roll-out before it signs: no pod meets a key it lacks."""
    issuer: str = "slipway"
    """`iss` of the tokens."""
    audience: str = "slipway"
    """`aud` of the tokens."""
    token_seconds: Annotated[int, Field(ge=30, le=600)] = 600
    """How long a token is good, at most ten minutes."""


class Passwords(Group):
    """Cost of argon2id (OWASP: at least 19 MiB, two passes) and how many hashes run at once."""

    memory_kib: Annotated[int, Field(ge=8, le=1024 * 1024)] = 19 * 1024
    """Memory of one hash, in KiB."""
    iterations: Annotated[int, Field(ge=1, le=10)] = 2
    """Passes over it."""
    slots: Annotated[int, Field(ge=1, le=64)] = 1
    """Hashes at the same time: memory in use is at most `slots` × `memory_kib`."""
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 64
    """Log-ins that may wait for a slot; the next one is answered 503."""


class Telemetry(Group):
    """Traces, logs and profiles, and metrics where they are pushed. No endpoint, no traces."""

    otlp_endpoint: BaseUrl | None = None
    """Base URL of an OTLP/HTTP collector, such as `http://collector:4318`."""
    sample_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1
    """Share of the traces that begin here; the decision of a caller's `traceparent` is kept."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or text for a person."""
    push_seconds: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """Time between two pushes of the metrics to the collector; unset, they are only scraped."""
    profiles_endpoint: BaseUrl | None = None
    """Base URL of a Pyroscope server that gets CPU profiles, such as `http://pyroscope:4040`; needs the extra
    `profiles`. Unset, there are none."""

    @field_validator("push_seconds")
    @classmethod
    def _pushed_somewhere(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("otlp_endpoint") is None:
            raise ValueError(f"metrics are pushed to a collector: set {variable('telemetry', 'otlp_endpoint')} as well")
        return value


class Shutdown(Group):
    """The numbers of a clean stop; the chart's grace period is their sum plus five seconds."""

    pre_stop_seconds: Seconds = 5
    """How long Kubernetes waits before SIGTERM; for the chart, the process does not read it."""
    drain_seconds: Seconds = 5
    """How long the listener stays open after SIGTERM, while readiness is already 503."""
    request_seconds: Seconds = 15
    """How long a running request may take after the drain before it is answered 503."""


class Settings(BaseSettings):
    """Everything that can be configured, by `SLIPWAY_<GROUP>__<NAME>`.

    Sources, the first wins: arguments, environment, `.env`, files named `<group>__<name>` in the folder
    `SLIPWAY_SECRETS_DIR` (default `/run/secrets/slipway`).
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        secrets_prefix="",
        secrets_nested_delimiter="__",
        secrets_dir_missing="ok",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    environment: Literal["development", "test", "production"] = "production"
    """In production weak secrets are refused, and the documentation pages are off."""
    features: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Names of the features that run in this process, comma-separated; unset means all."""
    services: dict[str, BaseUrl] = {}
    """Base URL of the process that runs a feature which this one does not, such as `http://shop-users`. By that of
    `users` access tokens are verified, without a signing key; while it does not answer its last keys hold for a day."""
    service: Service = Service()
    http: Http = Http()
    metrics: Metrics = Metrics()
    database: Database = Database()
    auth: Auth = Auth()
    passwords: Passwords = Passwords()
    telemetry: Telemetry = Telemetry()
    shutdown: Shutdown = Shutdown()

    @field_validator("features", mode="before")
    @classmethod
    def _split_features(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name for part in value.split(",") if (name := part.strip()))
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = Path(os.environ.get(f"{PREFIX}SECRETS_DIR", "/run/secrets/slipway"))
        files = NestedSecretsSettingsSource(file_secret_settings, secrets_dir=folder)
        return init_settings, env_settings, dotenv_settings, files

    @property
    def production(self) -> bool:
        """Whether the strict rules for secrets hold."""
        return self.environment == "production"

    @property
    def docs_enabled(self) -> bool:
        """Whether the documentation pages are served."""
        return not self.production if self.http.docs is None else self.http.docs


def load_settings() -> Settings:
    """Reads the settings.

    Raises `SettingsError` with one sentence for each variable that has no usable value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_sentence(one["loc"], one["msg"]) for one in error.errors()) from None
    except SourceError as error:
        raise SettingsError([f"{error}; see the settings table in the documentation"]) from None


def variable(*path: str) -> str:
    """Name of the environment variable of a setting: `variable("http", "port")` is `SLIPWAY_HTTP__PORT`."""
    return PREFIX + "__".join(path).upper()


def unknown_variables(environment: Iterable[str]) -> tuple[str, ...]:
    """Variables that start with the prefix and name no setting: most often a typing mistake."""
    known = {variable(name) for name in Settings.model_fields} | {f"{PREFIX}SECRETS_DIR"}
    return tuple(
        sorted(
            name
            for name in environment
            if name.startswith(PREFIX) and PREFIX + name.removeprefix(PREFIX).split("__")[0] not in known
        )
    )


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{variable(*(str(part) for part in location))}: {text[0].lower()}{text[1:]}"
