"""What the catalogue says of a metric."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the closed set that its values come from: the values themselves, or what the set is."""

    name: str
    values: tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric as it is exported.

    Args:
        name: with `_total` for a counter.
        unit: what its value counts, in the plural.
        owner: the package that measures it, below the one that holds this file's.
        across_workers: how a gauge is merged when several processes share a port (prometheus_client's modes).
        optional: exported only where there is something to export, such as a database.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    across_workers: Literal["livesum", "livemax"] = "livesum"
    optional: bool = False
    owner: str = ""
