"""Metrics made from the catalogue: every child of a closed label set is there from the start, at zero."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .catalogue import MetricSpec

AnyMetric = TypeVar("AnyMetric", Counter, Gauge, Histogram)


class MetricFamilies(Collector):
    """Our metrics, without the `_created` series that the library adds to each of them."""

    def __init__(self) -> None:
        self._members: list[Counter | Gauge | Histogram] = []

    def counter(self, spec: MetricSpec) -> Counter:
        """Exports a counter."""
        return self._added(spec, Counter(spec.name, spec.help, _labels(spec), unit=_unit(spec), registry=None))

    def gauge(self, spec: MetricSpec) -> Gauge:
        """Exports a gauge."""
        made = Gauge(
            spec.name,
            spec.help,
            _labels(spec),
            unit=_unit(spec),
            registry=None,
            multiprocess_mode=spec.across_workers,
        )
        return self._added(spec, made)

    def histogram(self, spec: MetricSpec) -> Histogram:
        """Exports a histogram."""
        made = Histogram(spec.name, spec.help, _labels(spec), unit=_unit(spec), registry=None, buckets=spec.buckets)
        return self._added(spec, made)

    def collect(self) -> Iterator[Metric]:
        for member in self._members:
            for family in member.collect():
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
                yield family

    def _added(self, spec: MetricSpec, member: AnyMetric) -> AnyMetric:
        closed = [label.values for label in spec.labels if isinstance(label.values, tuple)]
        if closed and len(closed) == len(spec.labels):
            # A series that is born with its first error has no `increase()`: that error would never be seen.
            for values in product(*closed):
                member.labels(*values)
        self._members.append(member)
        return member


class CallbackCollector(Collector):
    """Gauges whose values are asked for when they are scraped, in the thread of the scrape."""

    def __init__(self, values: Callable[[], list[tuple[MetricSpec, tuple[str, ...], float]]]) -> None:
        self._values = values

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for spec, labels, value in self._values():
            if spec.name not in families:
                families[spec.name] = GaugeMetricFamily(spec.name, spec.help, labels=_labels(spec))
            families[spec.name].add_metric(labels, value)
        yield from families.values()


def _labels(spec: MetricSpec) -> tuple[str, ...]:
    return tuple(label.name for label in spec.labels)


def _unit(spec: MetricSpec) -> str:
    """The unit as OpenMetrics knows it: only one that the name ends with."""
    return spec.unit if spec.name.removesuffix("_total").endswith(f"_{spec.unit}") else ""
