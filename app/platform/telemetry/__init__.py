"""Metrics, traces and logs of a process, measured once and cheaply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..settings import Settings
    from .logging.lines import LineWriter
    from .logging.logs import Render
    from .metrics.instruments import Metrics
    from .metrics.loop_lag import LoopLag
    from .overrides import Overrides
    from .tracing.spans import Tracing

STDOUT = 1


class Telemetry:
    """What one application measures and writes. `build_telemetry` makes it."""

    def __init__(
        self,
        metrics: Metrics,
        tracing: Tracing,
        writer: LineWriter,
        render: Render,
        loop_lag: LoopLag,
        settings: Settings,
    ) -> None:
        from .overrides import Overrides

        self.metrics = metrics
        self.tracing = tracing
        self.writer = writer
        self._render = render
        self._loop_lag = loop_lag
        self._settings = settings
        self.overrides: Overrides = Overrides(settings, tracing, metrics, self.write_line)

    @property
    def registry(self) -> CollectorRegistry:
        """What a scrape reads."""
        return self.metrics.registry

    def write_line(self, fields: dict[str, object]) -> None:
        """Writes a line whatever the level is: fields that need no redaction, with `ts`, `level` and `event`."""
        self.writer.write(self._render(fields), str(fields["level"]))

    def start(self) -> None:
        """Starts what sends spans, after any fork; a second call does nothing."""
        self.tracing.start()

    def watch_loop(self) -> None:
        """Samples the lag of the running event loop, until `close`."""
        self._loop_lag.start()

    async def close(self) -> None:
        """Sends and writes what is left, within two seconds; a second call does nothing."""
        self._loop_lag.stop()
        self.overrides.close()
        await asyncio.to_thread(self.tracing.close)
        await asyncio.to_thread(self.writer.flush)


def build_telemetry(settings: Settings, writer: LineWriter | None = None) -> Telemetry:
    """The telemetry of an application; it opens no socket and starts no thread, and nothing of it is global.

    `writer` takes the access lines, and is made for the standard output if none is given: a process that also
    configures its logs hands them the same one.
    """
    # Here, since prometheus_client decides when it is imported whether several workers share its files.
    from .identity import fingerprint
    from .logging.lines import LineWriter
    from .logging.logs import renderer
    from .metrics.instruments import Metrics
    from .metrics.loop_lag import LoopLag
    from .tracing.spans import Tracing

    metrics = Metrics(settings.service, traced=settings.telemetry.otlp_endpoint is not None)
    metrics.show_configuration(fingerprint(settings))
    writer = writer or LineWriter(STDOUT)
    writer.on_drop = metrics.log_lines_dropped.inc
    writer.on_line = metrics.count_line
    return Telemetry(
        metrics,
        Tracing(settings, metrics),
        writer,
        renderer(settings),
        LoopLag(metrics.loop_lag.observe),
        settings,
    )
