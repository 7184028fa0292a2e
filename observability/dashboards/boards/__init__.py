"""The dashboards, one per module. A new one is added here, and all others link to it.

There is none yet for asynchronous work (uid `slipway-async`): the service has none.
"""

from observability.dashboards.model import Dashboard

from .dependencies import DEPENDENCIES
from .kubernetes import KUBERNETES
from .overview import OVERVIEW
from .runtime import RUNTIME
from .slo import SLO
from .telemetry import TELEMETRY

DASHBOARDS: tuple[Dashboard, ...] = (OVERVIEW, SLO, RUNTIME, DEPENDENCIES, KUBERNETES, TELEMETRY)
