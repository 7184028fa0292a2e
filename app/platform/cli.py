"""The command line of the library: `slipway serve package.module:app`."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from .control_commands import add_control_commands
from .process.listen import ListenError
from .settings import EXIT_CONFIG, Settings, SettingsError, load_settings

ServerKind = Annotated[Literal["uvicorn", "gunicorn"], typer.Option(help="gunicorn is for several workers")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="processes; with gunicorn only")]
Host = Annotated[str | None, typer.Option(help="instead of SLIPWAY_HTTP__HOST")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="instead of SLIPWAY_HTTP__PORT")]
Reload = Annotated[bool, typer.Option("--reload", help="anew at each change of a Python file below this folder")]


def command_line(default_target: str | None = None) -> typer.Typer:
    """The commands of the library. A service adds its own, and names the application that `serve` takes by default."""
    commands = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # rich costs a quarter of a second at each start
    )

    @commands.callback()
    def _commands() -> None:
        """Serves ASGI applications: request ids, metrics, traces, health and a stop that loses no request."""

    @commands.command()
    def serve(
        target: Annotated[
            str | None, typer.Argument(help="package.module:attribute, an ASGI application or what makes one")
        ] = default_target,
        server: ServerKind = "uvicorn",
        workers: Workers = 1,
        host: Host = None,
        port: Port = None,
        reload: Reload = False,
    ) -> None:
        """Serve an application until SIGTERM or Ctrl-C."""
        if target is None:
            raise typer.BadParameter("name the application, such as package.module:app", param_hint="TARGET")
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
    """The settings with the address of the API replaced, where one is given."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"http": settings.http.model_copy(update=given)}) if given else settings


def run(commands: typer.Typer) -> None:
    """Runs the command of this process; a configuration that cannot be used ends it with code 78."""
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
