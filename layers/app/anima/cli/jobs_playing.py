"""`anima jobs play`: what a job has learnt is fetched, and plays greedy episodes here."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, jobs_reading, output, simulate, simulation_run
from anima.cli.connection import say
from anima.cli.jobs_reading import Named
from anima.kernel.errors import AnimaError, BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

_PLAYED = ("full", "weights")
"""Kinds of checkpoints that hold weights."""
_STEP = re.compile(r"[0-9]{1,18}")


class NothingToPlay(AnimaError):
    """{name} has kept no weights yet; it keeps them at each checkpoint and at its end."""

    slug = "nothing-to-play"


class NoSuchCheckpoint(AnimaError):
    """{name} has no checkpoint {wanted}; it has kept those of the steps {steps}."""

    slug = "no-such-checkpoint"


def play(
    job: Named,
    episodes: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 10,
    checkpoint: Annotated[
        str | None,
        typer.Option(metavar="best|newest|STEP", help="Which. Not given: the one marked best, else the newest."),
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Fetch what a job has learnt, and let it play greedy episodes here."""
    with connection.connected() as client, tempfile.TemporaryDirectory() as apart:
        known = jobs_reading.found(client, job)
        known = connection.checked(client.get(f"/jobs/{known['job_id']}"))
        one = chosen(known["name"], _kept(client, known), checkpoint)
        if not as_json:
            say(f"plays the {'best ' if one['is_best'] else ''}checkpoint of step {one['step']:,}")
        weights = Path(apart, "weights.safetensors")
        weights.write_bytes(_weights(client, one))
        told = simulation_run.play(jobs_reading.simulation_of(known), weights, episodes)
    played = {name: one[name] for name in ("checkpoint_id", "step", "is_best")}
    simulate.tell_played({**told, "checkpoint": played}, as_json)


def chosen(name: str, kept: Sequence[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The checkpoint that is meant, of those of a job from the newest on. Raises NothingToPlay, NoSuchCheckpoint."""
    if not kept:
        raise NothingToPlay(name=name)
    best = next((one for one in kept if one["is_best"]), None)
    if wanted is None or wanted == "newest":
        return (None if wanted else best) or kept[0]
    if wanted != "best" and not _STEP.fullmatch(wanted):
        raise BadInput(reason=f"--checkpoint is best, newest or a step, not {wanted[:40]!r}")
    found = best if wanted == "best" else next((one for one in kept if one["step"] == int(wanted)), None)
    if found is None:
        steps = ", ".join(str(one["step"]) for one in kept)
        which = "marked best" if wanted == "best" else f"of step {wanted}"
        raise NoSuchCheckpoint(name=name, wanted=which, steps=steps)
    return found


def _kept(client: httpx.Client, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The checkpoints of a job's run that hold weights, the newest first."""
    if job["kind"] != "simulation" or job["run_id"] is None:
        return []
    found = connection.everything(client, f"/registry/runs/{job['run_id']}/checkpoints")
    return [one for one in found if one["kind"] in _PLAYED]


def _weights(client: httpx.Client, one: dict[str, Any]) -> bytes:
    """A file with the weights of a checkpoint."""
    file = client.get(f"/registry/checkpoints/{one['checkpoint_id']}/file")
    if not file.is_success:
        raise connection.refusal(file)
    return file.content
