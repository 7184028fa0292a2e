"""While an alert fires, each query of its runbook has a result. A week ago is 40 seconds ago here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from observability.dashboards.live import with_variables
from tests.observability.live.chart import labels_of
from tests.observability.live.components import HEALTHY
from tests.observability.live.conftest import Trouble
from tests.observability.live.faults import FAULTS
from tests.observability.live.stage import Stage
from tests.observability.rules.test_runbooks import PAGES, queries

OTHERS = ("mute-peer", "ailing", HEALTHY)
"""Components whose results count as well: not every process here has calls to peers or Kubernetes metrics."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_query_of_a_page_has_an_answer(page: Path, stage: Stage, trouble: Trouble) -> None:
    firing = [fault.part.name for fault in FAULTS if page.stem in fault.fires]
    empty = [query.replace("offset 1w", "offset 40s") for query in queries(page)]
    for name in (*firing, *OTHERS):
        pod = stage.components[name].part.pods()[0]
        known = {**labels_of(name), "pod": pod}
        empty = [query for query in empty if not _answered(stage, with_variables(query, known, trouble.all), trouble)]
    assert empty == []


def _answered(stage: Stage, query: str, trouble: Trouble) -> bool:
    series = stage.prometheus.range(query, trouble.glance)
    return any(not math.isnan(float(value)) for line in series for _, value in line["values"])
