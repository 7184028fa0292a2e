"""The autoscaler under a load that is real: up once, steady, down once."""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.cluster.cluster import Namespace
from tests.cluster.conftest import Figures, Images, image_values
from tests.cluster.existing import SMALL, install_example
from tests.cluster.inside import Visitor, described, lost_nothing
from tests.cluster.people import Person
from tests.cluster.postgres import Postgres
from tests.cluster.release import Release

pytestmark = pytest.mark.full
MOST = 4
STEADY_SECONDS = 45
QUICK = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}]},
    "scaleDown": {"stabilizationWindowSeconds": 30, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]},
}
"""The chart's own windows are made for days; with these, a test can wait for what they do."""


@pytest.fixture(scope="module")
def shop(namespace: Namespace, visitor: Visitor, postgres: Postgres, images: Images) -> Release:
    scaler = {"enabled": True, "minReplicas": 2, "maxReplicas": MOST, "cpuUtilization": 70, "behavior": QUICK}
    values = {**image_values(images.first), "components": {"api": {"resources": SMALL, "autoscaling": scaler}}}
    return install_example("minimal", namespace, postgres, values)


class Watch:
    """How many pods the autoscaler wanted, each second."""

    def __init__(self, shop: Release) -> None:
        self._shop = shop
        self.wanted: list[int] = []
        self.used: list[int] = []

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(1)
            self._look()

    def pods(self) -> int:
        return sum(pod.ready for pod in self._shop.pods())

    def _look(self) -> None:
        name = f"{self._shop.full_name}-api"
        status = self._shop.namespace.get("horizontalpodautoscalers", name, "autoscaling/v2")["status"]
        if status["desiredReplicas"]:  # 0 until the first round
            self.wanted.append(status["desiredReplicas"])
        for metric in status.get("currentMetrics") or []:
            current = metric.get("containerResource", metric.get("resource", {})).get("current", {})
            self.used.append(current.get("averageUtilization", 0))

    @property
    def steps(self) -> list[int]:
        """Each number that was wanted, once for as long as it was."""
        return [self.wanted[0], *(new for old, new in pairwise(self.wanted) if new != old)]


def test_it_adds_pods_under_load_and_takes_them_away_after_it(
    shop: Release, visitor: Visitor, postgres: Postgres, figures: Figures
) -> None:
    person = Person(visitor, shop.url)
    person.can_work()
    watch = Watch(shop)
    watch.until(lambda: watch.wanted[-1:] == [2] and watch.used[-1:] > [0], 60)
    with person.visitor.load(person.load("much", 200)) as much:
        watch.until(lambda: watch.pods() == MOST, 120)
        assert watch.pods() == MOST, watch.steps
        watch.until(lambda: False, STEADY_SECONDS)
    with person.visitor.load(person.load("little", 20)) as little:
        watch.until(lambda: watch.pods() == 2, 180)
        watch.until(lambda: False, STEADY_SECONDS)
    figures.add(f"pods wanted: {' → '.join(map(str, watch.steps))}; CPU up to {max(watch.used)} % of the request")
    figures.add(f"under load: {described(much)}; after it: {described(little)}")
    top = watch.steps.index(MOST)
    assert watch.steps[: top + 1] == sorted(watch.steps[: top + 1]), watch.steps
    assert watch.steps[top:] == sorted(watch.steps[top:], reverse=True), watch.steps
    assert watch.steps[-1] == 2
    assert lost_nothing(much), much
    assert lost_nothing(little), little
