"""The command line `slipway`; every command imports what it needs when it runs."""

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
    """Bring the database up to this release; a database that is ahead is left alone."""
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
    """Add the demo user and items, if they are not there; never in production, and only in a checkout."""
    from importlib.util import find_spec

    settings = load_settings()
    if settings.production:
        typer.echo("slipway seed: this is production; the demo user is for development", err=True)
        raise typer.Exit(1)
    if find_spec("tools") is None:
        typer.echo("slipway seed: the demo data is not installed here; run it in a checkout", err=True)
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
    show: Annotated[bool, typer.Option(help="Print the effective settings, secrets masked.")] = True,
) -> None:
    """Check the configuration and print what is effective; exits 78 and names each variable that is wrong."""
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
    """Every setting as its variable and value; a secret shows only whether it is set."""
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
    """Entry point; configuration errors are printed as sentences, with exit code 78."""
    run(cli)
