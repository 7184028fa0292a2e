"""Writes the files of rules into the chart: `make generate`."""

from .files import pages

for path, content in pages().items():
    path.write_text(content)
