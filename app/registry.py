"""How features are found: by their folder. Only what a process enables is imported."""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

from app import features
from app.extras import extra_of, missing_package
from app.feature import Feature
from app.platform.db.migrations import Branch
from app.platform.settings import Settings, SettingsError, variable


@cache
def names() -> tuple[str, ...]:
    """The name of every feature in this installation, sorted; nothing is imported for it."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(features.__path__) if module.ispkg))


def load(name: str) -> Feature:
    """Imports a feature.

    Raises:
        SettingsError: a package that it needs is not installed; the sentence names the extra that brings it.
    """
    try:
        feature: Feature = importlib.import_module(f"{features.__name__}.{name}").feature
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "app"}:
            raise
        raise _not_installed(name, package, extra_of(package)) from error
    for extra in feature.requires:
        if package := missing_package(extra):
            raise _not_installed(name, package, extra)
    return feature


def discover() -> dict[str, Feature]:
    """Every feature, imported, by name: for tests and generated documents, never for a process that serves."""
    return {name: load(name) for name in names()}


def enabled(settings: Settings) -> list[Feature]:
    """The features of this process.

    Raises:
        SettingsError: `features` or `services` names something else, or a package is missing.
    """
    for kind, wanted in (("features", settings.features or ()), ("services", settings.services)):
        unknown = sorted(set(wanted) - set(names()))
        if unknown:
            quoted = ", ".join(f'"{name}"' for name in unknown)
            problem = f"unknown feature {quoted}; known features: {', '.join(names())}"
            raise SettingsError([f"{variable(kind)}: {problem}"])
    return [load(name) for name in dict.fromkeys(names() if settings.features is None else settings.features)]


def remote_issuer(settings: Settings) -> Feature | None:
    """The feature that issues tokens in another process, if `services` says where it is."""
    return next((feature for feature in map(load, settings.services) if feature.issues_tokens), None)


def branches(wanted: Sequence[Feature]) -> list[Branch]:
    """The migrations of the features that have some."""
    return [branch for feature in wanted if (branch := feature.branch)]


def _not_installed(name: str, package: str, extra: str) -> SettingsError:
    cause = f'{variable("features")}: feature "{name}" needs the package {package}, which is not installed'
    if extra:
        cause += f'; it comes with the extra "{extra}" (image: EXTRAS={extra})'
    return SettingsError([cause])
