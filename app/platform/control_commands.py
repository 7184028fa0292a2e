"""`slipway log-level` and `slipway trace-ratio`: change what running processes log and trace, for a while."""

import getpass
import json
import re
import socket
from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn

import typer

from .settings import load_settings

DEFAULT_DURATION = "10m"
_DURATION = re.compile(r"(\d{1,5})([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}


def _refuse(given: object) -> None:
    if given:
        raise typer.BadParameter(
            "--print, --signed and --url were removed: run the command as the user of the process, on its machine or "
            "in its container"
        )


For = Annotated[str, typer.Option("--for", help="until it is as configured again: 90s, 10m; at most 1h")]
Pid = Annotated[int | None, typer.Option(help="one process; without it, all with the metrics port of the settings")]
By = Annotated[str | None, typer.Option(help="who requests it, for the audit line; the user of this machine if unset")]
Url = Annotated[str | None, typer.Option("--url", hidden=True, callback=_refuse)]
Print = Annotated[bool, typer.Option("--print", hidden=True, callback=_refuse)]
Signed = Annotated[bool, typer.Option("--signed", hidden=True, callback=_refuse)]


def add_control_commands(commands: typer.Typer) -> None:
    """Adds the commands."""

    @commands.command()
    def log_level(
        level: Annotated[Literal["debug", "info", "warning", "error"] | None, typer.Argument()] = None,
        seconds: For = DEFAULT_DURATION,
        pid: Pid = None,
        by: By = None,
        url: Url = None,
        only_print: Print = False,
        signed: Signed = False,
    ) -> None:
        """Write other log levels for a while; without a level, show what is in force."""
        _run("log_level", level, seconds, pid, by)

    @commands.command()
    def trace_ratio(
        ratio: Annotated[float | None, typer.Argument(min=0, max=1)] = None,
        seconds: For = DEFAULT_DURATION,
        pid: Pid = None,
        by: By = None,
        url: Url = None,
        only_print: Print = False,
        signed: Signed = False,
    ) -> None:
        """Record another share of traces for a while; without a share, show what is in force."""
        _run("sample_ratio", ratio, seconds, pid, by)


def _run(
    setting: Literal["log_level", "sample_ratio"],
    value: str | float | None,
    duration: str,
    pid: int | None,
    by: str | None,
) -> None:
    from .process.control_socket import process_numbers

    change: dict[str, object] = {}
    if value is not None:
        change = {"setting": setting, "value": value, "seconds": seconds_of(duration), "by": by or _user()}
    port = load_settings().metrics.port
    try:
        processes = process_numbers(port)
    except OSError as error:
        _fail(f"the processes cannot be listed: {error}")
    if pid is not None:
        processes = [process for process in processes if process == pid]
    if not processes:
        number = "" if pid is None else f" and the number {pid}"
        _fail(
            f"no process of this user has metrics port {port}{number}: run the command as the user of the process, "
            "on its machine or in its container, with its SLIPWAY_METRICS__PORT"
        )
    for process in processes:
        typer.echo(_sentence(setting, _send(port, process, change)))


def seconds_of(duration: str) -> int:
    """`10m` as seconds. Raises `typer.BadParameter` for anything but a number and s, m or h, up to an hour."""
    parsed = _DURATION.fullmatch(duration)
    seconds = int(parsed[1]) * _UNITS[parsed[2]] if parsed else 0
    if not 1 <= seconds <= 3600:
        raise typer.BadParameter("a number and s, m or h, from 1s to 1h", param_hint="--for")
    return seconds


def _send(port: int, process: int, change: dict[str, object]) -> dict[str, Any]:
    """The state of the process after the change."""
    from .process.control_socket import connect_to, read_line

    try:
        with connect_to(port, process) as connection:
            connection.sendall(json.dumps(change).encode() + b"\n")
            state: dict[str, Any] = json.loads(read_line(connection))
    except (OSError, ValueError) as error:
        _fail(f"process {process} does not answer: {error or type(error).__name__}")
    if "error" in state:
        _fail(f"process {process} refused: {state['error']}")
    return state


def _sentence(setting: str, state: dict[str, Any]) -> str:
    override = state[setting]
    name, value, configured = setting.replace("_", " "), override["value"], override["configured"]
    if override["until"] is None:
        return f"process {state['process']}: {name} is {value}, as configured"
    until = datetime.fromisoformat(override["until"]).strftime("%H:%M:%S UTC")
    return f"process {state['process']}: {name} is {value} until {until}, then {configured} again; by {override['by']}"


def _user() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"slipway: {sentence}", err=True)
    raise typer.Exit(1)
