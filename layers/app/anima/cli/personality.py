"""`anima personality`: write, check, compare and read personalities. Needs no server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from anima import personality as personalities
from anima.cli import connection, output, personality_source
from anima.kernel.errors import BadInput, FieldError

app = typer.Typer(
    help="Personalities: list, validate, compile, wizard, random, diff, schema.",
    no_args_is_help=True,
)

Source = Annotated[
    str, typer.Argument(help="A JSON file, a character card, - for what is piped in, or a ready personality.")
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write it to this file.")]


@app.command("list")
def list_ready(as_json: output.AsJson = False) -> None:
    """The ready personalities, in a line each."""
    rows = []
    for name in personalities.ready():
        persona = personalities.load_ready(name)["persona"]
        rows.append({"name": name, **{key: persona.get(key, "") for key in ("language", "tone", "description")}})
    output.print_rows(rows, ["name", "language", "tone"], as_json=as_json, empty="")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema, for editors."""
    output.print_json(personalities.SCHEMA)


@app.command("validate")
def validate(source: Source, as_json: output.AsJson = False) -> None:
    """Say whether a personality is valid, and if not, where: line, column and path of every error."""
    if source in personalities.ready():
        print("valid")
        return
    data = personality_source.content(source)
    if personality_source.is_card(data):
        personality_source.from_card(data)
        print("valid (a character card)")
        return
    problems = personalities.check_text(personality_source.text_of(data, source))
    if as_json:
        told = [{"path": one.path, "line": one.line, "column": one.column, "message": one.message} for one in problems]
        output.print_json({"valid": not problems, "errors": told})
    for one in problems if not as_json else ():
        print(f"{source}:{one.line}:{one.column}: {one.path}: {one.message}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)
    if not as_json:
        print("valid")


@app.command("compile")
def compile_(
    source: Source,
    affinity: Annotated[float, typer.Option(min=0, max=100, help="Closeness, 0-100.")] = 0,
    mood: Annotated[str | None, typer.Option(help="A mood, as `cheerful` or `cheerful:0.8`.")] = None,
    emotion: Annotated[
        list[str] | None, typer.Option(help="What it feels, as `joy:0.7`; may be given several times.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The avatar's own name.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Print the prompt that a personality becomes at an affinity, in a mood, with emotions."""
    parsed = personalities.parse(personality_source.load(source))
    felt = None if mood is None else _mood(parsed, mood)
    emotions = personalities.Emotions(words=tuple(_strength(one, "emotion") for one in emotion)) if emotion else None
    parts = personalities.compile_parts(parsed, affinity, felt, emotions=emotions, name=name)
    if as_json:
        from dataclasses import asdict

        output.print_json(asdict(parts))
        return
    print(personalities.compile_prompt(parsed, affinity, felt, emotions=emotions, name=name))


def _mood(parsed: personalities.Personality, given: str) -> personalities.Mood:
    """The mood that is asked for: one of the personality's own, where it has any. Raises BadInput."""
    felt = personalities.Mood(*_strength(given, "mood"))
    known = [one.name for one in parsed.moods]
    if known and felt.name not in known:
        raise BadInput(reason=f"--mood {felt.name} is none of its moods", fields=[FieldError("mood", ", ".join(known))])
    return felt


def _strength(given: str, option: str) -> tuple[str, float]:
    """`joy:0.7` as its name and its strength (0.5 where none is given)."""
    name, _, number = given.partition(":")
    try:
        strength = float(number or 0.5)
    except ValueError:
        strength = -1.0
    if not name.strip() or not 0 <= strength <= 1:
        wrong = FieldError(option, "a name, and after a colon how strong it is, 0 to 1: joy:0.7")
        raise BadInput(reason=f"--{option} {given} is not understood", fields=[wrong])
    return name.strip(), strength


@app.command("random")
def random_(
    seed: Annotated[str | None, typer.Option(help="The same seed makes the same personality.")] = None,
    french: Annotated[bool, typer.Option("--french", help="One that speaks French.")] = False,
    out: Out = None,
) -> None:
    """Make up a personality."""
    if seed is None:
        import secrets

        seed = secrets.token_hex(4)
        print(f"seed {seed}", file=sys.stderr)
    made = personalities.random_personality(int(seed) if seed.isdecimal() else seed, "fr" if french else "en")
    _write(made, out)


@app.command("diff")
def diff(before: Source, after: Source, as_json: output.AsJson = False) -> None:
    """Say what differs between two personalities."""
    changes = personalities.difference(personality_source.load(before), personality_source.load(after))
    if as_json:
        from dataclasses import asdict

        output.print_json([asdict(one) for one in changes])
        return
    for one in changes:
        print(one)
    if not changes:
        print("they say the same")


@app.command("wizard")
def wizard(
    start: Annotated[
        str | None, typer.Option("--from", help="Begin from a ready one, a file, a card, or `random`.")
    ] = None,
    french: Annotated[bool, typer.Option("--french", help="Questions in French, for one that speaks French.")] = False,
    out: Out = None,
) -> None:
    """Make a personality by answering questions; `anima avatar create NAME --personality FILE` gives it to somebody."""
    from anima.cli import wizard as questions
    from anima.cli.wizard_words import LANGUAGES, SAY

    if out is not None and out.exists():
        raise BadInput(reason=f"{out} is there already", fields=[FieldError("out", "a new file")])
    base = None
    if start == "random":
        base = personalities.random_personality(_seed(), "fr" if french else "en")
    elif start is not None:
        base = personality_source.load(start)
    made = questions.asked(_ask, _tell, LANGUAGES[french], base)
    _tell(f"\n{SAY['done'][french]}\n\n{personalities.compile_prompt(personalities.parse(made), 0, None)}\n")
    _write(made, out)


def _seed() -> str:
    import secrets

    return secrets.token_hex(4)


def _ask(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    return input()


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _write(made: dict[str, Any], out: Path | None) -> None:
    """To a file, or to where a pipe takes it."""
    text = json.dumps(made, ensure_ascii=False, indent=2)
    if out is None:
        print(text)
        return
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise connection.ServerRefused(detail=f"{out} cannot be written: {error.strerror}") from None
    print(f"written to {out}", file=sys.stderr)
