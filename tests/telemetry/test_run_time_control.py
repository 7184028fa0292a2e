"""Log level and trace ratio of a running process, changed by the command line for a while."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from app.features.users.tokens import TokenIssuer
from app.platform.auth.keys import signing_key
from app.platform.auth.signed_change import ChangeError, ChangeVerifier, sign_change
from app.platform.auth.tokens import TokenVerifier
from app.platform.ids import new_id
from app.platform.settings import Auth, Database, Settings
from app.platform.settings import Telemetry as TelemetrySettings
from app.platform.telemetry import build_telemetry
from app.platform.telemetry.overrides import Change, OverrideError
from tests.auth.forge import key, key_id, pem
from tests.server.process import REPOSITORY, Service, scrape
from tests.support.application import SIGNING_KEY
from tests.support.live import live_service
from tests.support.waiting import until
from tests.telemetry.collector import collecting
from tests.telemetry.served import PROBLEM

AUTH = Auth(signing_key=SecretStr(SIGNING_KEY))
DEBUG = Change("log_level", "debug", 600, "alice")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, server: Database) -> Iterator[Service]:
    """Logs warnings only, and has a collector."""
    with collecting() as collector:
        more = {
            "SLIPWAY_FEATURES": "",
            "SLIPWAY_TELEMETRY__LOG_LEVEL": "warning",
            "SLIPWAY_TELEMETRY__OTLP_ENDPOINT": collector.endpoint,
            "SLIPWAY_TELEMETRY__SAMPLE_RATIO": "0",
        }
        with live_service(tmp_path_factory.mktemp("controlled"), server, **more) as running:
            yield running


def slipway(service: Service, *arguments: str, key: str = SIGNING_KEY, given: str = "") -> tuple[int, str]:
    """The exit code of a command and what it says, beside the process or with another key."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "SLIPWAY_METRICS__PORT": str(service.metrics_port),
        "SLIPWAY_AUTH__SIGNING_KEY": key,
    }
    command = [sys.executable, "-m", "app.cli", *arguments]
    done = subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def put(port: int, document: bytes, path: str = "/admin/telemetry") -> tuple[int, dict[str, Any]]:
    """The status and the JSON of the answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("PUT", path, document)
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == ("application/json" if answer.status == 200 else PROBLEM)
        return answer.status, json.load(answer)


def lines(service: Service, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, service.log().splitlines()) if line["event"] == event]


def overridden(service: Service, setting: str) -> float:
    prefix = f'telemetry_override_active{{setting="{setting}"}} '
    (line,) = (line for line in scrape(service.metrics_port).splitlines() if line.startswith(prefix))
    return float(line.removeprefix(prefix))


def test_the_log_level_is_changed_for_a_while_and_told_to_the_log(service: Service) -> None:
    assert service.answers("/info")
    code, said = slipway(service, "log-level", "debug", "--for", "3s", "--by", "alice")
    assert (code, "log level is debug until" in said, "then warning again; by alice" in said) == (0, True, True), said
    assert overridden(service, "log_level") == 1
    assert slipway(service, "log-level")[1].count("debug until") == 1, "without a level it only tells"
    before = len(lines(service, "request"))
    scrape(service.port, "/info")
    until(lambda: len(lines(service, "request")) > before, "the access line of a request")
    until(lambda: overridden(service, "log_level") == 0, "the end of the change")
    until(lambda: len(lines(service, "telemetry reverted")) == 1, "the line that tells of the end")
    scrape(service.port, "/info")
    time.sleep(0.1)
    assert len(lines(service, "request")) == before + 1, "access lines have ended"
    (changed,) = lines(service, "telemetry changed")
    assert {name: changed[name] for name in ("level", "logger", "setting", "value", "by")} == {
        "level": "warning",
        "logger": "audit",
        "setting": "log_level",
        "value": "debug",
        "by": "alice",
    }
    assert changed["until"] > changed["ts"]


def test_the_trace_ratio_is_changed_for_a_while(service: Service) -> None:
    def recorded() -> float:
        (line,) = (one for one in scrape(service.metrics_port).splitlines() if 'outcome="ended"' in one)
        return float(line.rpartition(" ")[2])

    scrape(service.port, "/info")
    assert recorded() == 0
    code, said = slipway(service, "trace-ratio", "1", "--for", "10m")
    assert (code, "sample ratio is 1" in said) == (0, True), said
    scrape(service.port, "/info")
    until(lambda: recorded() == 1, "a span")
    assert slipway(service, "trace-ratio", "0", "--for", "1s")[0] == 0
    until(lambda: overridden(service, "sample_ratio") == 0, "the end of the shorter change, which replaced the other")


def test_a_change_is_signed_where_the_key_is_and_sent_where_it_is_not(service: Service) -> None:
    code, document = slipway(service, "log-level", "info", "--for", "1s", "--print")
    assert code == 0
    assert slipway(service, "log-level", "info", key="")[0] == 1
    assert "--signed" in slipway(service, "log-level", "info", key="")[1]
    code, said = slipway(service, "log-level", "--signed", key="", given=document)
    assert (code, "log level is info until" in said) == (0, True), said
    code, said = slipway(service, "log-level", "--signed", key="", given=document)
    assert (code, "was used before" in said) == (1, True), said
    until(lambda: overridden(service, "log_level") == 0, "the end of the change")


def test_a_stranger_changes_nothing(service: Service) -> None:
    other = Auth(signing_key=pem(key("other")))
    user = TokenIssuer(AUTH).issue(new_id(), ["telemetry:admin", "admin"])
    for document in (b"", b"x", b"a.b.c", user.encode(), sign_change(other, DEBUG).encode()):
        status, problem = put(service.metrics_port, document)
        assert (status, problem["status"]) == (401, 401), document
    assert overridden(service, "log_level") == 0


def test_a_change_that_makes_no_sense_is_refused_in_words(service: Service) -> None:
    for change, word in (
        (Change("log_level", "loud", 60, "alice"), "debug, info, warning, error"),
        (Change("log_level", "debug", 3601, "alice"), "3600 seconds"),
        (Change("log_level", "debug", 0, "alice"), "3600 seconds"),
        (Change("sample_ratio", 1.5, 60, "alice"), "from 0 to 1"),
        (Change("sample_ratio", "all", 60, "alice"), "from 0 to 1"),
    ):
        status, problem = put(service.metrics_port, sign_change(AUTH, change).encode())
        assert (status, word in problem["detail"]) == (422, True), problem
    assert put(service.metrics_port, b"x" * 5000)[0] == 413
    assert put(service.metrics_port, b"x", "/metrics")[0] == 404


def test_the_public_port_knows_nothing_of_it(service: Service) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        scrape(service.port, "/admin/telemetry")


def test_a_process_that_is_not_there_is_named(service: Service) -> None:
    code, said = slipway(service, "log-level", "debug", "--url", "http://127.0.0.1:9")
    assert (code, "http://127.0.0.1:9/admin/telemetry cannot be reached" in said) == (1, True), said
    assert slipway(service, "log-level", "debug", "--for", "2h")[0] == 2


def forged(**changes: object) -> bytes:
    """A good document of a change, with changes: None takes a claim away, and times are in seconds from now."""
    private = signing_key(AUTH.signing_key)
    claims: dict[str, object] = jwt.decode(sign_change(AUTH, DEBUG), options={"verify_signature": False})
    head = {"typ": "telemetry-change+jwt", "kid": key_id(private.public_key())}
    head |= {name: str(changes.pop(name)) for name in ("typ", "kid") if name in changes}
    for name in ("iat", "exp"):
        if isinstance(seconds := changes.get(name), int):
            changes[name] = int(time.time()) + seconds
    changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(changed, private, "EdDSA", head).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "at+jwt"},
        {"kid": "other"},
        {"iss": "other"},
        {"aud": "slipway"},
        {"aud": None},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"sub": None},
        {"exp": -20},
        {"exp": 3600},
        {"iat": 3600, "exp": 3630},
        {"iat": "1"},
        {"exp": "9999999999"},
        {"exp": 1e300},
    ],
    ids=str,
)
def test_a_document_that_is_signed_but_not_for_this_is_refused(changes: Mapping[str, object]) -> None:
    verifier = ChangeVerifier(TokenVerifier(AUTH).keys, AUTH.issuer)
    assert verifier.read(forged()) == DEBUG
    with pytest.raises(ChangeError) as refused:
        verifier.read(forged(**{"jti": str(new_id()), **changes}))
    assert refused.value.forged


@pytest.mark.parametrize(
    "changes",
    [
        {"setting": "password"},
        {"setting": ["log_level"]},
        {"value": True},
        {"value": None},
        {"value": [1]},
        {"value": 10**400},
        {"value": float("nan")},
        {"seconds": 1.5},
        {"seconds": "60"},
        {"sub": "\ud800"},
    ],
    ids=str,
)
def test_a_document_of_the_wrong_shape_is_refused_as_such(changes: Mapping[str, object]) -> None:
    with pytest.raises(ChangeError) as refused:
        ChangeVerifier(TokenVerifier(AUTH).keys, AUTH.issuer).read(forged(**changes))
    assert not refused.value.forged


def test_no_change_passes_for_an_access_token() -> None:
    answer = TokenVerifier(AUTH).authenticate(b"Bearer " + sign_change(AUTH, DEBUG).encode())
    assert type(answer).__name__ == "InvalidToken"


def test_a_process_without_a_collector_says_that_it_records_nothing() -> None:
    telemetry = build_telemetry(Settings(environment="test", telemetry=TelemetrySettings(sample_ratio=0.5)))
    with pytest.raises(OverrideError, match="SLIPWAY_TELEMETRY__OTLP_ENDPOINT"):
        telemetry.overrides.apply(Change("sample_ratio", 1, 60, "alice"))
