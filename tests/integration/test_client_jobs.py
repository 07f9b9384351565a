"""The client and jobs: asked for, watched as they run, stopped, taken up again, compared, forgotten; awaited too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from anima.client import Anima, AsyncAnima, BadInput, Conflict, Forbidden, NotFound, Problem
from fixtures.coroutines import awaited
from fixtures.job_files import file_of

if TYPE_CHECKING:
    from fixtures.api import Person
    from fixtures.jobs import Jobs


@pytest.fixture
def anima(listening: str, jobs: Jobs) -> Iterator[Anima]:
    """The client of who may start jobs."""
    with Anima(listening, key=jobs.person.key) as client:
        yield client


def test_a_job_is_watched_paused_resumed_and_compared(anima: Anima, delivered_jobs: Jobs) -> None:
    ready = {one.name: one.simulation for one in anima.list_ready_simulations()}
    assert "cartpole" in ready
    assert anima.get_simulation_schema()["properties"]["environment"]
    assert anima.get_job_capacity().processes == 4
    held = anima.start_job(file_of(5, holds_at=3), name="held")
    assert (held.status, held.label, held.source) == ("queued", "standard", "api")
    watched = anima.watch_job(held.job_id)
    with watched:
        assert next(one["step"] for one in watched if one["step"] >= 3) == 3
    assert watched.end is None
    anima.pause_job(held.job_id)
    assert anima.wait_for_job(held.job_id).status == "paused"
    (delivered_jobs.folder / "jobs" / held.job_id.hex / "go").touch()
    anima.resume_job(held.job_id)
    done = anima.wait_for_job(held.job_id)
    assert (done.status, done.ended, done.step) == ("completed", True, 5)
    again = anima.watch_job(held.job_id)
    assert [one["step"] for one in again][-1] == 5
    assert again.end == {"status": "completed"}
    assert any("begun" in one.line for one in anima.list_job_lines(held.job_id))
    assert anima.get_job_metrics(held.job_id).run_id == held.run_id
    other = anima.start_job(file_of(5))
    assert anima.wait_for_job(other.job_id).status == "completed"
    assert [(one.path, one.a, one.b) for one in anima.compare_jobs(held.job_id, other.job_id)] == [
        ("global_settings.seed", 3, 0)
    ]
    assert [one.job_id for one in anima.list_jobs(status="completed", kind="simulation")] == [
        other.job_id,
        held.job_id,
    ]
    for name in (anima.get_job_trajectory, anima.get_job_answers):
        with pytest.raises(NotFound):
            name(other.job_id)
    anima.delete_job(other.job_id)
    with pytest.raises(NotFound):
        anima.get_job(other.job_id)
    with pytest.raises(NotFound):
        next(iter(anima.watch_job(other.job_id)))
    with pytest.raises(Conflict):
        anima.cancel_job(held.job_id)


def test_the_same_is_awaited(listening: str, delivered_jobs: Jobs) -> None:
    async def story() -> None:
        async with AsyncAnima(listening, key=delivered_jobs.person.key) as anima:
            job = await anima.start_job(file_of(4, holds_at=2))
            async with anima.watch_job(job.job_id) as watched:
                async for sample in watched:
                    if sample["step"] == 2:
                        await anima.cancel_job(job.job_id)
            assert watched.end == {"status": "cancelled"}
            assert (await anima.wait_for_job(job.job_id)).status == "cancelled"

    awaited(story())


def test_what_is_wrong_with_a_file_is_told_with_its_path(anima: Anima, listening: str, alice: Person) -> None:
    def problem(call: Callable[[], object]) -> Problem:
        with pytest.raises(BadInput) as refused:
            call()
        return refused.value.problem

    told = problem(lambda: anima.start_job({**file_of(5), "rl_plugin": {"batch_size": -1, "colour": "red"}}))
    assert sorted(one.path for one in told.errors) == ["rl_plugin.batch_size", "rl_plugin.colour"]
    assert problem(lambda: anima.start_job("no such one")).errors
    assert problem(lambda: anima.start_job()).errors
    with Anima(listening, key=alice.key) as looker, pytest.raises(Forbidden):
        looker.start_job("cartpole")
