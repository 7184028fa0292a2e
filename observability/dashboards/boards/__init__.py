"""The dashboards, one a module. A new one is added here, and every other then links to it.

There is none yet for asynchronous work (uid `slipway-async`): nothing that it would show is there.
"""

from observability.dashboards.model import Dashboard

from .dependencies import DEPENDENCIES
from .kubernetes import KUBERNETES
from .overview import OVERVIEW
from .runtime import RUNTIME
from .slo import SLO
from .telemetry import TELEMETRY

DASHBOARDS: tuple[Dashboard, ...] = (OVERVIEW, SLO, RUNTIME, DEPENDENCIES, KUBERNETES, TELEMETRY)
