"""The command line of the library: `slipway serve package.module:app`."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from .control_commands import add_control_commands
from .process.listen import ListenError
from .settings import EXIT_CONFIG, Settings, SettingsError, load_settings

ServerKind = Annotated[Literal["uvicorn", "gunicorn"], typer.Option(help="Server. gunicorn runs several workers.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Number of processes. Needs gunicorn.")]
Host = Annotated[str | None, typer.Option(help="Overrides SLIPWAY_HTTP__HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Overrides SLIPWAY_HTTP__PORT.")]
Reload = Annotated[bool, typer.Option("--reload", help="Restart when a Python file in this directory changes.")]


def command_line(default_target: str | None = None) -> typer.Typer:
    """The commands of the library. A service adds its own commands and the default application of `serve`."""
    commands = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # rich costs a quarter of a second at each start
    )

    @commands.callback()
    def _commands() -> None:
        """Serve ASGI applications with request ids, metrics, traces, health checks and a graceful shutdown."""

    @commands.command()
    def serve(
        target: Annotated[
            str | None,
            typer.Argument(help="package.module:attribute of an ASGI application or of a function that returns one."),
        ] = default_target,
        server: ServerKind = "uvicorn",
        workers: Workers = 1,
        host: Host = None,
        port: Port = None,
        reload: Reload = False,
    ) -> None:
        """Serve an application until SIGTERM or Ctrl-C."""
        if target is None:
            raise typer.BadParameter("missing: give the application, such as package.module:app", param_hint="TARGET")
        if workers > 1 and server != "gunicorn":
            raise typer.BadParameter("several workers need --server gunicorn", param_hint="--workers")
        if reload and server == "gunicorn":
            raise typer.BadParameter("gunicorn does not reload", param_hint="--reload")
        if reload and find_spec("watchfiles") is None:
            raise typer.BadParameter("needs the package watchfiles", param_hint="--reload")
        sys.path.insert(0, str(Path.cwd()))
        settings = with_address(load_settings(), host, port)
        raise typer.Exit(_reload(target, settings) if reload else _serve(target, settings, server, workers))

    add_control_commands(commands)
    return commands


def _serve(target: str, settings: Settings, server: Literal["uvicorn", "gunicorn"], workers: int) -> int:
    from .server import serve

    return serve(target, settings, server=server, workers=workers)


def _reload(target: str, settings: Settings) -> int:
    from .server.reload import serve_with_reload

    try:
        return serve_with_reload(target, settings, [Path.cwd()])
    except ListenError as error:
        print(error, file=sys.stderr)
        return 1


def with_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings with this host and port, where they are not None."""
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"http": settings.http.model_copy(update=changes)}) if changes else settings


def run(commands: typer.Typer) -> None:
    """Runs the command. An invalid configuration exits with code 78."""
    try:
        commands()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_CONFIG)


def main() -> None:
    """Entry point of the library's console script."""
    run(command_line())


if __name__ == "__main__":
    main()
