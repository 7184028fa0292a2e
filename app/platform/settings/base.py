"""The base class of settings groups, their errors, and the names of their variables."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

PREFIX = "SLIPWAY_"
EXIT_CONFIG = 78
"""Exit code of a process that refuses its configuration (EX_CONFIG of sysexits.h)."""


class SettingsError(Exception):
    """The configuration is invalid.

    `problems` has one sentence for each problem. It names the variable and never its value.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Group(BaseModel):
    """A group of settings. An unknown name in a group is an error, because it is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def variable(*path: str) -> str:
    """Name of the environment variable of a setting: `variable("http", "port")` is `SLIPWAY_HTTP__PORT`."""
    return PREFIX + "__".join(path).upper()
