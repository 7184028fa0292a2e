"""Sample metrics of kube-state-metrics and the kubelet about a failing component."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from observability.preview.cluster import Sample, text
from tests.observability.live.outlets import Outlet, hang_up

_LIMIT = 512 * 2**20


class Kubernetes(Outlet):
    """Samples of a pod, its Deployment and its autoscaler, which get into trouble when it is stopped."""

    def __init__(self, healthy_port: int) -> None:
        super().__init__(healthy_port)
        self._trouble: float | None = None

    async def open(self, folder: Path, pod: str, page: int, port: int, metrics_port: int) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                body = text(_samples(pod, self._seconds())).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + body)
                await writer.drain()
            await hang_up(writer)

        self.samples_port = await self.listen(serve)

    def stop(self) -> None:
        self._trouble = time.monotonic()

    def go(self) -> None:
        self._trouble = None

    def _seconds(self) -> float | None:
        return None if self._trouble is None else time.monotonic() - self._trouble


def _samples(pod: str, trouble: float | None) -> Iterator[Sample]:
    """After so many seconds of the fault: the container is killed each second, nothing can be scaled or rolled out."""
    deployment = pod.rsplit("-", 2)[0]
    restarts, bad = int(trouble or 0), trouble is not None
    container = {"pod": pod, "container": "slipway"}
    yield "kube_pod_container_status_restarts_total", container, restarts
    yield "kube_pod_container_status_last_terminated_reason", {**container, "reason": "OOMKilled"}, bad
    yield "kube_pod_container_status_waiting_reason", {**container, "reason": "CrashLoopBackOff"}, bad
    used = _LIMIT * 0.95 + restarts * 4096 if bad else _LIMIT * 0.3
    yield "container_memory_working_set_bytes", container, used
    yield "container_spec_memory_limit_bytes", container, _LIMIT
    yield "kube_deployment_spec_replicas", {"deployment": deployment}, 2
    for state in ("ready", "available", "updated"):
        yield f"kube_deployment_status_replicas_{state}", {"deployment": deployment}, 2
    scaler = {"horizontalpodautoscaler": deployment}
    for field, value in (("spec_min", 2), ("spec_max", 6), ("status_current", 2), ("status_desired", 6 if bad else 2)):
        yield f"kube_horizontalpodautoscaler_{field}_replicas", scaler, value
    for status, holds in (("true", not bad), ("false", bad)):
        progressing = {"deployment": deployment, "condition": "Progressing", "status": status}
        yield "kube_deployment_status_condition", progressing, holds
        able = {**scaler, "condition": "AbleToScale", "status": status}
        yield "kube_horizontalpodautoscaler_status_condition", able, holds
