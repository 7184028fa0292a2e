"""The Dockerfile, read as far as the tests ask: stages, what each runs as, and what it copies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.checkout import ROOT

TEXT = (ROOT / "Dockerfile").read_text()


@dataclass
class Stage:
    """A stage and the instructions in it; what it inherits from a stage before it is filled in."""

    name: str
    image: str
    instructions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    workdir: str = ""
    user: str = ""

    def arguments(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == instruction]


def instructions() -> Iterator[tuple[str, str]]:
    """Each instruction and its arguments on one line, comments left out."""
    lines = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line:
            name, _, rest = line.partition(" ")
            yield name, rest


def stages() -> list[Stage]:
    """The stages in their order."""
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for name, rest in instructions():
        if name == "FROM":
            image, _, stage = rest.partition(" AS ")
            parent = found.get(image, Stage(image, image))
            current = found[stage] = Stage(stage, image, [], dict(parent.variables), parent.workdir, parent.user)
        if current is None:
            continue
        current.instructions.append((name, rest))
        if name == "ENV":
            current.variables |= dict(re.findall(r"(\w+)=(\S+)", rest))
        elif name == "WORKDIR":
            current.workdir = rest
        elif name == "USER":
            current.user = rest
    return list(found.values())
