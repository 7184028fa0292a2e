"""Laws of the repository that no linter knows; the rest are contracts of import-linter in pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.checkout import ROOT, imports, modules, text_files

MAX_MODULE_LINES = 300


def test_the_platform_imports_itself_relatively() -> None:
    absolute = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, module in modules("app/platform")
        for name in imports(module)
        if name.partition(".")[0] == "app"
    ]
    assert not absolute, "the platform is also the package `slipway`, where there is no `app`"


def test_test_folders_share_code_through_support_only() -> None:
    foreign = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, module in modules("tests")
        for name in imports(module)
        if name.startswith("tests.") and name.split(".")[1] not in {"support", path.relative_to(ROOT).parts[1]}
    ]
    assert not foreign, "a helper of two folders belongs in tests/support"


def test_nothing_but_tests_imports_tests() -> None:
    importers = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in ("app", "compose", "observability", "tools")
        for path, module in modules(folder)
        for name in imports(module)
        if name.partition(".")[0] == "tests"
    ]
    assert not importers


def test_no_module_of_the_service_is_too_long_to_read() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path, _ in modules("app")}
    assert not {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > MAX_MODULE_LINES}


def test_nothing_refers_to_what_merely_lies_beside_this_checkout() -> None:
    found: list[str] = []
    for path, text in text_files():
        if ".ci" in path.parts:
            continue
        targets = {
            (base / reference).resolve()
            for base in (path.parent, ROOT)
            for reference in re.findall(r"(?:\.\./)+[\w.-]+", text)
        }
        found += [f"{path} names {target}" for target in targets if target.exists() and is_beside(target)]
        if re.search(rf"{re.escape(str(ROOT))}\b", text):
            found.append(f"{path} names the path of the checkout")
    assert not found


def is_beside(target: Path) -> bool:
    return target.is_relative_to(ROOT.parent) and not target.is_relative_to(ROOT)


def test_nothing_names_the_host_of_a_package_registry() -> None:
    host = re.compile(r"\b(?:pypi|pythonhosted|npmjs|crates|maven)\.(?:org|com|io)\b|index[-]url\b", re.ASCII)
    assert not [path for path, text in text_files() if ".ci" not in path.parts and host.search(text)]
