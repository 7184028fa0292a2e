"""What skaffold.yaml leads to, by hand: an edit is seen, a breakpoint is hit, the check of `ci` passes.

`SLIPWAY_TEST_DEV_IMAGE` names the image of the target `dev`; else it is built where `SLIPWAY_TEST_LOAD` is set.
"""

# Objects of the cluster are JSON.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import Cluster, Namespace, Pod, until
from tests.cluster.conftest import Figures, build_and_load, image_values, postgres_values
from tests.cluster.debugger import Debugger
from tests.cluster.inside import HARDENED, Visitor, visitor_in
from tests.cluster.release import Release
from tests.support.checkout import ROOT
from tests.support.skaffold import pipeline
from tests.support.tools import not_run_here, require_tool

EDITED = Path("app/platform/process/health.py")
BEFORE = '{"status": "ok"}'
SKAFFOLD_WAITS_SECONDS = 1
"""From a save until Skaffold begins to copy; not part of what is measured."""

HELD_SECONDS = 20
"""Longer than the readiness probe of a service that nobody debugs would wait."""


@pytest.fixture(scope="module")
def kubectl() -> Path:
    return require_tool("kubectl")


@pytest.fixture(scope="module")
def dev_image(cluster: Cluster) -> str:
    given = os.environ.get("SLIPWAY_TEST_DEV_IMAGE", "")
    if given:
        return given
    if not os.environ.get("SLIPWAY_TEST_LOAD"):
        not_run_here(
            "an image of the target dev", "neither SLIPWAY_TEST_DEV_IMAGE nor SLIPWAY_TEST_LOAD is set", demanded=False
        )
    return build_and_load("cluster-test-dev", "dev")


@pytest.fixture(scope="module")
def visitor(namespace: Namespace, dev_image: str) -> Iterator[Visitor]:
    with visitor_in(namespace, dev_image) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def release(namespace: Namespace, dev_image: str) -> Release:
    """The default profile's release, as `skaffold dev` would install it."""
    release = Release("slipway", namespace)
    release.install(values_of("default", dev_image))
    return release


def values_of(profile: str, image: str) -> dict[str, Any]:
    """The values files of a profile, one on top of the other, on what this cluster has."""
    (found,) = pipeline(profile).releases
    merged: dict[str, Any] = {**image_values(image)}
    for path in found["valuesFiles"]:
        merged = over(merged, yaml.safe_load((ROOT / path).read_text()))
    return over(merged, dict(postgres_values()))


def over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values files as Helm merges them: map by map."""
    merged = {**below, **above}
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            merged[name] = over(below[name], above[name])
    return merged


def only_pod(release: Release) -> Pod:
    (pod,) = release.pods()
    return pod


def synced(kubectl: Path, release: Release, path: Path, content: bytes) -> None:
    """Copy a file into the pod with the command that Skaffold uses, to where skaffold.yaml says."""
    (rule,) = pipeline("default").artifacts[0]["sync"]["manual"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(f"{rule['dest']}/{path}".lstrip("/"))
        entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
        archive.addfile(entry, io.BytesIO(content))
    where = (f"--context={release.namespace.cluster.context}", f"--namespace={release.namespace.name}")
    command = ["exec", only_pod(release).name, *where, "-c", "slipway", "-i", "--"]
    subprocess.run(
        [kubectl, *command, "tar", "xmf", "-", "-C", "/", "--no-same-owner"],
        input=packed.getvalue(),
        check=True,
        timeout=30,
    )


@contextmanager
def forwarded(kubectl: Path, release: Release, target: str, port: int) -> Generator[int]:
    """A port of this machine that leads to one of a pod."""
    where = (f"--context={release.namespace.cluster.context}", f"--namespace={release.namespace.name}")
    command: list[str | Path] = [kubectl, "port-forward", *where, target, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            assert found, said
            yield int(found[1])
        finally:
            process.terminate()


def test_an_edit_is_seen_within_six_seconds_and_the_pod_stays(
    release: Release, visitor: Visitor, kubectl: Path, figures: Figures
) -> None:
    source = (ROOT / EDITED).read_text()
    assert BEFORE in source
    before = only_pod(release)
    measured: list[float] = []
    for number in range(5):
        edited = source.replace(BEFORE, f'{{"status": "ok", "edit": {number}}}')
        began = time.monotonic()
        synced(kubectl, release, EDITED, edited.encode())
        while f'"edit":{number}' not in visitor.get(f"{release.url}/livez").body:
            assert time.monotonic() < began + 20, release.namespace.log(before.name)
            time.sleep(0.02)
        measured.append(time.monotonic() - began)
    median, slowest = sorted(measured)[2], max(measured)
    waits = f"beside the {SKAFFOLD_WAITS_SECONDS} s that Skaffold waits"
    figures.add(f"an edit, from copying it to the new answer: median {median:.1f} s, slowest {slowest:.1f} s, {waits}")
    assert slowest + SKAFFOLD_WAITS_SECONDS < 6
    assert (only_pod(release).name, only_pod(release).restarts) == (before.name, 0)


def test_code_that_does_not_start_shows_its_traceback_and_costs_no_restart(
    release: Release, visitor: Visitor, kubectl: Path
) -> None:
    source = (ROOT / EDITED).read_text()
    pod = only_pod(release)
    synced(kubectl, release, EDITED, f"{source}\nthis is no Python\n".encode())
    until(lambda: "SyntaxError" in release.namespace.log(pod.name), "the traceback", 15)
    assert visitor.get(f"http://{pod.address}:8000/livez").status == 503
    synced(kubectl, release, EDITED, source.encode())
    until(lambda: visitor.get(f"http://{pod.address}:8000/livez").status == 200, "the mended code", 15)
    assert (only_pod(release).name, only_pod(release).restarts) == (pod.name, 0)


def test_the_check_of_ci_passes_as_skaffold_runs_it(release: Release, namespace: Namespace, dev_image: str) -> None:
    """The container alone, with the variables of the caller, as `skaffold verify` makes its Job."""
    (check,) = pipeline("ci").checks
    until(lambda: only_pod(release).ready, "the pod after the last test")
    spec = {
        "restartPolicy": "Never",
        "containers": [
            {
                **check["container"],
                "image": dev_image,
                "env": [{"name": "PATH", "value": "/nowhere"}, {"name": "PYTHONPATH", "value": "/nowhere"}],
                "securityContext": HARDENED,  # which Skaffold leaves out, and this namespace demands
            }
        ],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    namespace.create_object("pods", {"metadata": {"name": check["name"]}, "spec": spec})
    until(lambda: namespace.get("pods", check["name"])["status"]["phase"] in {"Succeeded", "Failed"}, "the check")
    assert namespace.get("pods", check["name"])["status"]["phase"] == "Succeeded", namespace.log(check["name"])


def test_a_breakpoint_holds_a_request_and_no_probe_ends_the_pod(
    release: Release, visitor: Visitor, kubectl: Path, dev_image: str, figures: Figures
) -> None:
    """Last, since it changes the release: what `skaffold dev -p debug` installs."""
    release.upgrade(values_of("debug", dev_image))
    until(lambda: len(release.pods()) == 1, "the pods of the last revision to go")
    pod = only_pod(release)
    source = (ROOT / EDITED).read_text().splitlines()
    line = next(number for number, text in enumerate(source, 1) if f"_answer({BEFORE})" in text)
    (forward,) = (one for one in pipeline("debug").ports if one["resourceType"] == "deployment")
    target = f"deployment/{forward['resourceName']}"
    with forwarded(kubectl, release, target, forward["port"]) as port, Debugger(port) as debugger:
        told = debugger.ask("initialize", adapterID="python", pathFormat="path", linesStartAt1=True)
        assert told["supportsConfigurationDoneRequest"]
        mappings = [{"localRoot": str(ROOT), "remoteRoot": "/live"}]
        attached = debugger.send("attach", justMyCode=True, pathMappings=mappings)
        debugger.event("initialized")
        wanted = {"path": str(ROOT / EDITED)}
        (point,) = debugger.ask("setBreakpoints", source=wanted, breakpoints=[{"line": line}])["breakpoints"]
        assert point["verified"], point
        debugger.ask("configurationDone")
        debugger.answer(attached)
        # The kubelet's own liveness probe is the request that is held.
        stopped = debugger.event("stopped")
        assert stopped["reason"] == "breakpoint"
        (top, *_) = debugger.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"]
        assert (top["source"]["path"], top["line"]) == (wanted["path"], line)
        python = debugger.ask("evaluate", expression="__import__('platform').python_version()", frameId=top["id"])
        time.sleep(HELD_SECONDS)
        assert only_pod(release).ready
        debugger.ask("setBreakpoints", source=wanted, breakpoints=[])
        debugger.ask("continue", threadId=stopped["threadId"])
        until(lambda: visitor.get(f"http://{pod.address}:8000/livez").status == 200, "the service to go on", 20)
        debugger.ask("disconnect")
    version = python["result"].strip("'")
    figures.add(f"a breakpoint in the pod, under Python {version}, held {HELD_SECONDS} s: ready, 0 restarts")
    assert (only_pod(release).name, only_pod(release).restarts) == (pod.name, 0)
