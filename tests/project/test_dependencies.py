"""pyproject.toml, requirements/ and what the code imports say the same."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.checkout import ROOT, imports, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CORE: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str | dict[str, str]]] = PROJECT["dependency-groups"]
PARTS = {"pydantic-core": "pydantic"}  # one project in two distributions, pinned to each other
WANTED = {
    "core": CORE,
    **EXTRAS,
    **{name: [n for n in wanted if isinstance(n, str)] for name, wanted in GROUPS.items()},
}
DEVELOPMENT = ("app/platform/server/reload.py",)
PIN = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^ ;]+).*\\\n(?P<hashes>(?: {4}--hash=sha256:[0-9a-f]{64}.*\n)+)",
    re.MULTILINE,
)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    found = {pin["name"]: pin["version"] for pin in PIN.finditer(text)}
    assert found.keys() == set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE)), "a pin without a hash"
    return found


@pytest.mark.parametrize("name", sorted(WANTED))
def test_the_lock_fits_what_pyproject_asks_for(name: str) -> None:
    locked = pins(name)
    for requirement in map(Requirement, WANTED[name]):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not locked: run `make lock`"
        assert version in requirement.specifier, f"{requirement} is locked at {version}: run `make lock`"


def test_the_locks_agree_on_every_version() -> None:
    """But for checkov's, which is installed by itself."""
    agreed: dict[str, str] = {}
    for path in set((ROOT / "requirements").glob("*.txt")) - {ROOT / "requirements/checkov.txt"}:
        for name, version in pins(path.stem).items():
            assert agreed.setdefault(name, version) == version, f"{name} in {path.name}"


def test_the_service_declares_what_it_imports() -> None:
    providers = packages_distributions()
    for path, module in modules("app"):
        place = str(path.relative_to(ROOT))
        wanted = CORE + (WANTED["dev"] if place.startswith(DEVELOPMENT) else [])
        declared = {canonicalize_name(Requirement(one).name) for one in wanted}
        for top in {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names - {"app", "tools"}:
            found = {PARTS.get(name, name) for name in map(canonicalize_name, providers.get(top, []))}
            assert declared & found, f"{place} imports {top}, which pyproject.toml does not ask for"


USED_BY_NAME = {
    "fastapi-standalone-docs": "the docs pages serve its files",
    "python-multipart": "fastapi parses the log-in form with it",
    "uvloop": "uvicorn is configured with it by name",
}
"""Dependencies that the code does not import, with their reason."""


def test_the_service_imports_what_it_declares() -> None:
    top_levels = {name.partition(".")[0] for _, module in modules("app") for name in imports(module)}
    providers = packages_distributions()
    used = {canonicalize_name(provider) for name in top_levels for provider in providers.get(name, [])}
    declared = {canonicalize_name(Requirement(text).name) for text in CORE}
    assert declared - used == USED_BY_NAME.keys(), "remove it from pyproject.toml, or say here what uses it"
