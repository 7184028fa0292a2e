"""The command line `slipway`. Each command imports its dependencies when it runs, so that the start is fast."""

import asyncio
import os
from typing import Annotated

import typer

from app.platform.auth.weak_secrets import refuse_weak_secrets
from app.platform.cli import command_line, run
from app.platform.settings import Settings, load_settings, unknown_variables

DEFAULT_TARGET = "app.main:create_app"

cli = command_line(DEFAULT_TARGET)


@cli.command()
def migrate() -> None:
    """Upgrade the database to this release. A newer database is not changed."""
    from app.platform.db.migrations import MigrationError
    from app.platform.db.migrations import migrate as bring_up_to_date
    from app.registry import branches, enabled

    settings = load_settings()
    refuse_weak_secrets(settings, database=True, auth=False)
    try:
        outcomes = asyncio.run(bring_up_to_date(settings.database, branches(enabled(settings))))
    except MigrationError as error:
        typer.echo(f"slipway migrate: {error}", err=True)
        raise typer.Exit(1) from None
    for outcome in outcomes:
        typer.echo(f"{outcome.schema}: {outcome.state} {' '.join(outcome.revisions)}".rstrip())


@cli.command()
def seed() -> None:
    """Add the demo user and items if they are missing. Needs a checkout, and is refused in production."""
    from importlib.util import find_spec

    settings = load_settings()
    if settings.production:
        typer.echo("slipway seed: refused in production: the demo user is for development", err=True)
        raise typer.Exit(1)
    if find_spec("tools") is None:
        typer.echo("slipway seed: the demo data is not installed: run the command in a checkout", err=True)
        raise typer.Exit(1)
    from tools.seed import seed as add

    typer.echo(asyncio.run(add(settings)))


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document of the enabled features."""
    import json

    from app.cli.openapi import document

    typer.echo(json.dumps(document(load_settings()), indent=2, ensure_ascii=False))


@cli.command()
def check_config(
    show: Annotated[bool, typer.Option(help="Print the effective settings with masked secrets.")] = True,
) -> None:
    """Check the configuration and print the effective settings. Exits with 78 and names each invalid variable."""
    from app.main import create_app
    from app.platform.settings import load
    from app.platform.settings.groups import with_groups
    from app.registry import enabled

    settings = load_settings()
    features = enabled(settings)
    groups = {section: kind for feature in features for section, kind in feature.settings.items()}
    if show:
        for name, value in effective(load(with_groups(groups))):
            typer.echo(f"{name}={value}")
    for name in unknown_variables(os.environ, groups):
        typer.echo(f"slipway: {name} is not a setting (is it misspelt?)", err=True)
    create_app(settings, features)


def effective(settings: Settings) -> list[tuple[str, object]]:
    """The variable and value of every setting. Secrets are masked."""
    from pydantic import BaseModel, SecretStr

    from app.platform.settings import variable

    def flatten(model: BaseModel, path: tuple[str, ...]) -> list[tuple[str, object]]:
        lines: list[tuple[str, object]] = []
        for name in type(model).model_fields:
            value = getattr(model, name)
            if isinstance(value, BaseModel):
                lines += flatten(value, (*path, name))
            elif isinstance(value, SecretStr):
                lines.append((variable(*path, name), "********" if value.get_secret_value() else "(not set)"))
            else:
                shown = "(PEM)" if isinstance(value, str) and "-----BEGIN" in value else value
                lines.append((variable(*path, name), "(not set)" if value is None else shown))
        return lines

    return flatten(settings, ())


def main() -> None:
    """Entry point. Configuration errors are printed, and the exit code is 78."""
    run(cli)
