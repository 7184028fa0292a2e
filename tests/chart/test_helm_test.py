"""The script of `helm test` passes on a service that works, and says what is wrong with one that does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.settings import Database
from tests.support.helm import CHART
from tests.support.live import live_service, variables
from tests.support.process import Service
from tests.support.rendering import HOOK, PROFILES, rendered, walk
from tests.support.waiting import until

SCRIPT = CHART / "files/helm_test.py"


@pytest.fixture(scope="module")
def service(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with live_service(tmp_path_factory.mktemp("service"), database) as service:
        yield service


def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As in the pod: the text of the script after `python -c`, and no variable."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.read_text(), *arguments],
        env={},
        cwd=CHART.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_are_three_pods_with_the_script_and_they_are_deleted_when_they_pass() -> None:
    pods = {one["metadata"]["name"]: one for one in rendered("minimal").kind("Pod")}
    assert sorted(pods) == ["slipway-test-ready", "slipway-test-schema", "slipway-test-write"]
    for name, pod in pods.items():
        assert pod["metadata"]["annotations"][HOOK] == "test"
        assert pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        (container,) = pod["spec"]["containers"]
        assert container["command"] == ["python", "-c", SCRIPT.read_text()]
        assert container["args"][0] == name.rpartition("-")[2]


SECRETS_FOR_ALL = (
    'defaults.env.TOKEN={"valueFrom": {"secretKeyRef": {"name": "theirs", "key": "token"}}}',
    'defaults.volumes.theirs={"mountPath": "/theirs", "source": {"secret": {"secretName": "theirs"}}}',
)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_test_pod_holds_no_secret(profile: str) -> None:
    """A test is a client: what it holds, whoever may read the namespace's pods or their log can have."""
    for pod in rendered(profile, *SECRETS_FOR_ALL).kind("Pod"):
        assert pod["spec"]["automountServiceAccountToken"] is False
        texts = [value for path, value in walk(pod["spec"]) if not path.endswith("command/2")]
        assert [path for path, _ in walk(pod["spec"]) if path.endswith(("Ref", "/volumes", "/volumeMounts"))] == []
        assert [text for text in texts if isinstance(text, str) and "secret" in text.lower()] == []
        assert all("env" not in container for container in pod["spec"]["containers"])


def test_every_component_is_asked_whether_it_is_ready_and_has_its_schemas() -> None:
    objects = rendered("microservices", "components.items.service.port=8080")
    for name in ("ready", "schema"):
        (container,) = objects.one("Pod", f"slipway-test-{name}")["spec"]["containers"]
        assert container["args"] == [name, "http://slipway-items:8080", "http://slipway-users:80"]


def test_a_user_is_made_and_an_item_written_where_each_is_served() -> None:
    (container,) = rendered("microservices").one("Pod", "slipway-test-write")["spec"]["containers"]
    assert container["args"] == ["write", "http://slipway-users:80", "http://slipway-items:80"]
    (container,) = rendered("minimal").one("Pod", "slipway-test-write")["spec"]["containers"]
    assert container["args"] == ["write", "http://slipway-api:80", "http://slipway-api:80"]


@pytest.mark.parametrize("empty", ["tests.logIn=", "tests.write="])
def test_without_one_of_the_two_nothing_is_written(empty: str) -> None:
    names = {one["metadata"]["name"] for one in rendered("microservices", empty).kind("Pod")}
    assert names == {"slipway-test-ready", "slipway-test-schema"}


def test_a_service_that_works_passes(service: Service) -> None:
    result = run("ready", url(service))
    assert (result.returncode, result.stderr) == (0, "")


def test_where_registration_is_closed_no_user_is_made(database: Database, tmp_path: Path) -> None:
    with live_service(tmp_path, database, SLIPWAY_ACCOUNTS__REGISTRATION="closed") as closed:
        result = run("write", url(closed), url(closed))
    assert (result.returncode, result.stderr) == (0, "")


def test_a_service_that_is_not_ready_fails_with_its_answer(service: Service) -> None:
    result = run("ready", f"{url(service)}/nowhere")
    assert result.returncode == 1
    assert "404 instead of 200" in result.stderr


def test_a_schema_that_is_there_passes(service: Service) -> None:
    result = run("schema", url(service))
    assert (result.returncode, result.stderr) == (0, "")


def test_a_schema_that_is_missing_fails_and_names_the_job(empty_database: Database, tmp_path: Path) -> None:
    program = ("-m", "app.cli", "serve")
    service = Service(tmp_path, variables=variables(empty_database), program=program)
    try:
        until(lambda: service.answers("/livez"), "the service to answer")
        result = run("schema", url(service))
    finally:
        service.kill()
    assert result.returncode == 1
    assert "/startupz: 503 instead of 200" in result.stderr
    assert result.stderr.rstrip().endswith("see the log of the Job that migrates")


def test_a_user_can_log_in_and_write(service: Service) -> None:
    result = run("write", url(service), url(service))
    assert (result.returncode, result.stderr) == (0, "")
