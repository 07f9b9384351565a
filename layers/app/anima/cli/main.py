"""`anima`: the commands, and how an error reaches the person (exit code 1; wrong usage 2)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from anima.cli import (
    ask,
    avatars,
    backups,
    branches,
    database,
    documents,
    embeddings,
    health,
    infer,
    jobs,
    memory,
    model,
    model_checkpoints,
    model_runs,
    model_work,
    personality,
    place,
    plugins,
    provision,
    safety,
    simulate,
    stores,
    style,
    talk,
    train,
    users,
)
from anima.cli.output import tame
from anima.kernel.errors import AnimaError

app = typer.Typer(
    name="anima",
    help="Avatars that remember, feel and learn.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"anima {version('anima')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Avatars that remember, feel and learn."""
    branches.say_which()


place.register(app)
talk.register(app)
documents.register(app)
ask.register(app)
provision.register(app)
app.add_typer(avatars.app, name="avatar")
app.add_typer(embeddings.app, name="embeddings")
app.add_typer(stores.app, name="store")
app.add_typer(personality.app, name="personality")
app.add_typer(style.app, name="style")
app.add_typer(safety.app, name="safety")
app.add_typer(plugins.app, name="plugin")
app.add_typer(memory.app, name="memory")
app.add_typer(model.app, name="model")
model_work.register(model.app)
model_runs.register(model.app)
model.app.add_typer(model_checkpoints.app, name="checkpoint")
simulate.register(app)
train.register(app)
infer.register(app)
app.add_typer(jobs.app, name="jobs")
app.add_typer(database.app, name="db")
branches.register(database.app)
backups.register(database.app)
app.add_typer(users.app, name="user")
health.register(app, database.app)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line (that of this process, if none is given)."""
    try:
        app(arguments)
    except AnimaError as error:
        print(f"error: {tame(error.detail)}", file=sys.stderr)
        for field in error.fields:
            if field.message not in error.detail:
                print(tame(f"  {field.path}: {field.message}"), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
