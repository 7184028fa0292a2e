"""Typed settings from the environment, `.env` and a directory of secret files. Each group has its own module."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

from .auth import Auth
from .base import EXIT_CONFIG, PREFIX, Group, SettingsError, variable
from .database import Address, Database
from .http import Http, Metrics
from .networks import covers_every_address, parse_networks
from .process import Service, Shutdown
from .removed import REMOVED
from .telemetry import Telemetry
from .types import BaseUrl

__all__ = [
    "EXIT_CONFIG",
    "PREFIX",
    "Address",
    "Auth",
    "Database",
    "Group",
    "Http",
    "Metrics",
    "Service",
    "Settings",
    "SettingsError",
    "Shutdown",
    "Telemetry",
    "load_settings",
    "unknown_variables",
    "variable",
]


AnySettings = TypeVar("AnySettings", bound="Settings")


class Settings(BaseSettings):
    """Everything that can be configured, by `SLIPWAY_<GROUP>__<NAME>`.

    Sources, in order of precedence: arguments, environment, `.env`, files named `<group>__<name>` in the directory
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
    """`production` refuses weak secrets and disables the documentation pages."""
    features: Annotated[tuple[str, ...] | None, NoDecode] = None
    """Comma-separated names of the features that run in this process. Unset means all."""
    services: dict[str, BaseUrl] = {}
    """Base URL of the process that runs a feature which this process does not run, such as `http://shop-users`. With
    the URL of `users`, this process needs no signing key: it fetches the public keys from there. If `users` does not
    respond, the last keys stay valid for a day."""
    service: Service = Service()
    http: Http = Http()
    metrics: Metrics = Metrics()
    database: Database = Database()
    auth: Auth = Auth()
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
        """Whether weak secrets are refused."""
        return self.environment == "production"

    @property
    def details_exposed(self) -> bool:
        """Whether anyone may see the names and versions of what runs here."""
        return not self.production if self.http.expose_details is None else self.http.expose_details

    @property
    def trusted_callers(self) -> str:
        """Networks of the callers whose traces are continued."""
        callers = self.telemetry.trusted_callers
        return self.http.trusted_proxies if callers is None else callers

    @property
    def docs_enabled(self) -> bool:
        """Whether the documentation pages are served."""
        return not self.production if self.http.docs is None else self.http.docs


def load_settings() -> Settings:
    """Reads the settings of the platform.

    Raises `SettingsError` with one sentence for each variable that has no usable value.
    """
    return load(Settings)


def load(model: type[AnySettings]) -> AnySettings:
    """Reads a model of settings; see `load_settings`."""
    try:
        settings = model()
    except ValidationError as error:
        raise SettingsError(_sentence(problem["loc"], problem["msg"]) for problem in error.errors()) from None
    except SourceError as error:
        raise SettingsError([f"{error}; see the settings table in the documentation"]) from None
    if settings.production and (problems := _trusts_every_address(settings)):
        raise SettingsError(problems)
    return settings


def _trusts_every_address(settings: Settings) -> list[str]:
    trusted = {
        variable("http", "trusted_proxies"): settings.http.trusted_proxies,
        variable("telemetry", "trusted_callers"): settings.telemetry.trusted_callers or "",
    }
    return [
        f"{name} trusts every address, which production refuses: list the addresses or networks"
        for name, value in trusted.items()
        if covers_every_address(parse_networks(value))
    ]


def unknown_variables(environment: Iterable[str], sections: Iterable[str] = ()) -> tuple[str, ...]:
    """Variables that start with the prefix but are not a setting, usually because of a typing mistake.

    `sections` are the settings groups of the features.
    """
    known = {variable(name) for name in (*Settings.model_fields, *sections)} | {f"{PREFIX}SECRETS_DIR"}
    return tuple(
        sorted(
            name
            for name in environment
            if name.startswith(PREFIX) and PREFIX + name.removeprefix(PREFIX).split("__")[0] not in known
        )
    )


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = variable(*(str(part) for part in location))
    text = REMOVED.get(name) or message.removeprefix("Value error, ")
    return f"{name}: {text[0].lower()}{text[1:]}"
