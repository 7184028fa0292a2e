"""The commands that the README tells its readers to type."""

from __future__ import annotations

import re

from tests.support.checkout import ROOT

README = (ROOT / "README.md").read_text()
_BLOCKS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
_LINES = [command.strip() for line in _BLOCKS.splitlines() for command in line.split("&&")]
_INLINE: list[str] = re.findall(r"`((?:[A-Z_]+=\S+ )*(?:make|slipway) [^`]+)`", README)
COMMANDS = sorted({" ".join(command.split()) for command in [*_LINES, *_INLINE] if command})
HELM = [command for line in _LINES if (command := " ".join(line.split())).startswith("helm ")]
"""Those that need a cluster, in the order of the page."""
