"""The optional packages of this distribution: which extra brings one, and what of an extra is missing."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires

DISTRIBUTION = "slipway-service"
_REQUIREMENT = re.compile(r"""^(?P<name>[\w.-]+).*\bextra\s*==\s*["'](?P<extra>[\w.-]+)["']""")


def extra_of(package: str) -> str:
    """The extra that brings a top-level package, or an empty text."""
    return next((extra for extra, name in _requirements() if _normal(name) == _normal(package)), "")


def missing_package(extra: str) -> str:
    """The first distribution of an extra that is not installed, or an empty text."""
    for name in (name for found, name in _requirements() if found == extra):
        try:
            distribution(name)
        except PackageNotFoundError:
            return name
    return ""


def _requirements() -> Iterator[tuple[str, str]]:
    try:
        lines = requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # served from the sources alone
        return
    for line in lines:
        if match := _REQUIREMENT.match(line):
            yield match["extra"], match["name"]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
