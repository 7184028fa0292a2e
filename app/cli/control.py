"""`slipway log-level` and `slipway trace-ratio`: change what a running process tells of itself, for a while."""

import getpass
import json
import re
import socket
import sys
import urllib.error
import urllib.request
from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn

import typer

from app.platform.settings import Settings, load_settings

DEFAULT_SECONDS = "10m"
TIMEOUT_SECONDS = 10.0
_DURATION = re.compile(r"(\d{1,5})([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}

For = Annotated[str, typer.Option("--for", help="until it is as configured again: 90s, 10m; at most 1h")]
Url = Annotated[str | None, typer.Option(help="metrics port of the process; of this machine or pod if not given")]
By = Annotated[str | None, typer.Option(help="who asks, for the audit line; the user of this machine if not given")]
Print = Annotated[bool, typer.Option("--print", help="print the signed change, good for a minute, and send nothing")]
Signed = Annotated[bool, typer.Option("--signed", help="send a signed change from the standard input")]


def add_commands(cli: typer.Typer) -> None:
    """Adds the commands."""

    @cli.command()
    def log_level(
        level: Annotated[Literal["debug", "info", "warning", "error"] | None, typer.Argument()] = None,
        seconds: For = DEFAULT_SECONDS,
        url: Url = None,
        by: By = None,
        only_print: Print = False,
        signed: Signed = False,
    ) -> None:
        """Write other log levels for a while, in one process; without a level, show what is in force there."""
        _run("log_level", level, seconds, url, by, only_print, signed)

    @cli.command()
    def trace_ratio(
        ratio: Annotated[float | None, typer.Argument(min=0, max=1)] = None,
        seconds: For = DEFAULT_SECONDS,
        url: Url = None,
        by: By = None,
        only_print: Print = False,
        signed: Signed = False,
    ) -> None:
        """Record another share of traces for a while, in one process; without a share, show what is in force there."""
        _run("sample_ratio", ratio, seconds, url, by, only_print, signed)


def _run(
    setting: Literal["log_level", "sample_ratio"],
    value: str | float | None,
    lasting: str,
    url: str | None,
    by: str | None,
    only_print: bool,
    signed: bool,
) -> None:
    settings = load_settings()
    address = (url or f"http://127.0.0.1:{settings.metrics.port}").rstrip("/") + "/admin/telemetry"
    if signed:
        document = sys.stdin.read().strip()
    elif value is None:
        typer.echo(_sentence(setting, _ask(address, None)))
        return
    else:
        document = _sign(settings, setting, value, seconds_of(lasting), by or _user())
    if only_print:
        typer.echo(document)
        return
    state = _ask(address, document.encode())
    typer.echo(_sentence(setting, state))


def seconds_of(lasting: str) -> int:
    """`10m` as seconds. Raises `typer.BadParameter` for anything but a number and s, m or h, up to an hour."""
    found = _DURATION.fullmatch(lasting)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= 3600:
        raise typer.BadParameter("a number and s, m or h, from 1s to 1h", param_hint="--for")
    return seconds


def _sign(
    settings: Settings, setting: Literal["log_level", "sample_ratio"], value: str | float, seconds: int, by: str
) -> str:
    from app.platform.auth.keys import key_problem
    from app.platform.auth.signed_change import sign_change
    from app.platform.settings import variable
    from app.platform.telemetry.overrides import Change

    problems = key_problem(variable("auth", "signing_key"), settings.auth.signing_key, private=True)
    if problems:
        _fail(f"{problems[0]}; or sign the change with --print where the key is, and send it here with --signed")
    return sign_change(settings.auth, Change(setting, value, seconds, by))


def _ask(address: str, document: bytes | None) -> dict[str, Any]:
    if not address.startswith(("http://", "https://")):
        raise typer.BadParameter("an address such as http://10.1.2.3:9464", param_hint="--url")
    request = urllib.request.Request(  # noqa: S310 - checked above
        address, document, {"Content-Type": "application/jwt"}, method="PUT" if document else "GET"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            state: dict[str, Any] = json.load(answer)
            return {name: state[name] for name in ("process", "log_level", "sample_ratio")}
    except urllib.error.HTTPError as error:
        _fail(f"{address} refused: {_detail(error)}")
    except OSError as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        _fail(f"{address} cannot be reached ({reason}); --url names the metrics port of a process")
    except (ValueError, KeyError, TypeError):
        _fail(f"{address} is not the metrics port of this service")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


def _sentence(setting: str, state: dict[str, Any]) -> str:
    found = state[setting]
    name, value, configured = setting.replace("_", " "), found["value"], found["configured"]
    if found["until"] is None:
        return f"process {state['process']}: {name} is {value}, as configured"
    until = datetime.fromisoformat(found["until"]).strftime("%H:%M:%S UTC")
    return f"process {state['process']}: {name} is {value} until {until}, then {configured} again; by {found['by']}"


def _user() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"slipway: {sentence}", err=True)
    raise typer.Exit(1)
