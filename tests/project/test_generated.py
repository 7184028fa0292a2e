"""The generated files that are committed say what their sources say."""

from pathlib import Path

from tests.support.helm import helm_program
from tools.generate.files import generated_files, stale_files


def test_no_generated_file_is_stale(tmp_path: Path) -> None:
    helm_program()  # the test ends here without it
    for files in generated_files():
        assert stale_files(files) == [], "run `make generate`"
        changed = next(iter(files))
        assert stale_files({**files, changed: files[changed] + "x"}) == [changed]
        assert stale_files({**files, tmp_path / "new.md": ""}) == [tmp_path / "new.md"]
