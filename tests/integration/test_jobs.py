"""Jobs at home: begun by events, followed, stopped, killed and gone on with; nothing is left lent or running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.kernel import config, db, delivery, outbox
from anima.kernel.errors import BadInput
from anima.registry import run_reading_service
from anima.training import (
    capacity_service,
    jobs_service,
    leaving_service,
    live_service,
    run_service,
    upkeep_service,
    worker,
)
from anima.training.errors import JobNotFound, JobState, NoRoomEver, TooManyJobs
from anima.training.model import Limits
from anima.vendors.job_backends import local_training, training
from fixtures.jobs import nobody

if TYPE_CHECKING:
    from fixtures.api import MakeUser
    from fixtures.jobs import Jobs


def test_a_job_runs_to_its_end(jobs: Jobs) -> None:
    job = jobs.ask(4)
    assert (job.status, job.attempt) == ("queued", 0)
    done = jobs.until(job, "completed")
    assert (done.step, done.of, done.exit_code, done.attempt) == (4, 4, 0, 1)
    assert done.result is not None
    assert done.result["returns"] == [1.0, 2.0]
    assert jobs.lines(done)[0].startswith('{"begun": 0')


def test_steps_that_the_server_was_told_are_not_those_of_its_jobs(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_STEPS", "3")
    done = jobs.until(jobs.ask(1), "completed")
    assert json.loads(jobs.lines(done)[0])["steps"] is None


def test_a_killed_child_goes_on_from_its_checkpoint(jobs: Jobs) -> None:
    job = jobs.ask(6, dies_at=3)
    done = jobs.until(job, "completed")
    assert done.attempt == 2
    begun = [line for line in jobs.lines(done) if "begun" in line]
    assert [json.loads(line)["begun"] for line in begun] == [0, 3]
    assert done.error is None


def test_a_child_that_dies_again_and_again_has_failed(jobs: Jobs) -> None:
    job = jobs.ask(5, holds_at=2)
    for _ in range(jobs_service.MOST_ATTEMPTS):
        one = jobs.until(job, "running", "failed", step=2)
        before = one.attempt
        os.killpg(jobs.shell(one), signal.SIGKILL)  # the shell too: nobody writes an exit code
        while jobs.now(job).attempt == before and jobs.now(job).status != "failed":
            jobs.drain()
    done = jobs.until(job, "failed")
    assert (done.attempt, done.exit_code) == (3, 137)
    assert "killed" in str(done.error)
    assert run_reading_service.session(jobs.person.principal, done.run_id).status == "failed"


@pytest.mark.parametrize(
    ("told", "status", "error", "code"),
    [
        ({"words": "no-reward: the environment gave NaN\x1b[31m~ at step 2\n"}, "failed", "NaN [31m  at step 2", 1),
        (
            {"words": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1") + "x" * 9000, "code": 2},
            "failed",
            "x",
            2,
        ),
        ({"words": "", "limits": Limits(memory_bytes=1 << 40)}, "failed", "exit code 1", 1),
    ],
)
def test_why_it_failed_reaches_its_person(jobs: Jobs, told: dict[str, Any], status: str, error: str, code: int) -> None:
    done = jobs.until(jobs.ask(5, fails_at=2, **told), status)
    assert error in str(done.error)
    assert ("memory_bytes" in str(done.error)) == ("limits" in told)
    assert str(done.error).isprintable()
    assert len(str(done.error)) <= 2000
    assert (done.exit_code, done.attempt) == (code, 1)


def test_paused_and_resumed_it_loses_nothing(jobs: Jobs) -> None:
    job = jobs.ask(5, holds_at=3)
    jobs.until(job, "running", step=3)
    assert jobs_service.pause(jobs.person.principal, job.job_id).status == "stopping"
    paused = jobs.until(job, "paused")
    assert (paused.exit_code, paused.ended_at) == (143, None)
    assert jobs_service.pause(jobs.person.principal, job.job_id).status == "paused"
    jobs.go(job)
    jobs_service.resume(jobs.person.principal, job.job_id)
    done = jobs.until(job, "completed")
    assert [json.loads(line)["begun"] for line in jobs.lines(done) if "begun" in line] == [0, 3]
    told = jobs.person.http.get(f"/api/v1/jobs/{job.job_id}").json()
    assert (told["attempt"], told["most_attempts"]) == (1, 3), "what was paused was no attempt"
    assert done.attempt == 2, "but it has a name of its own"


def test_one_that_is_deaf_is_killed_after_its_grace(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_training, "GRACE_SECONDS", 0.05)
    job = jobs.ask(5, holds_at=2, hears=False)
    running = jobs.until(job, "running", step=2)
    shell = jobs.shell(running)
    jobs_service.cancel(jobs.person.principal, job.job_id)
    done = jobs.until(job, "cancelled")
    assert (done.exit_code, local_training._begun(shell)) == (137, None)
    assert jobs_service.cancel(jobs.person.principal, job.job_id).status == "cancelled"
    with pytest.raises(JobState):
        jobs_service.resume(jobs.person.principal, job.job_id)
    assert run_reading_service.session(jobs.person.principal, done.run_id).status == "cancelled"


def test_one_that_takes_too_long_is_ended(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_service, "LATER_SECONDS", 0)
    job = jobs.ask(5, holds_at=2, limits=Limits(wall_seconds=0))
    done = jobs.until(job, "failed")
    assert "wall_seconds" in str(done.error)


def test_a_server_that_was_killed_finds_its_children(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this process is needed: what is known lies in the row and in the folder."""
    job = jobs.ask(5, holds_at=2)
    jobs.until(job, "running", step=2)
    restarted = local_training.LocalTraining(jobs.folder / "jobs")
    assert restarted.look(jobs.now(job).attempt_name).state == "running"
    order = run_service.order(jobs.person.principal, jobs.now(job))
    assert restarted.start(order) == order.name, "it is not started twice"
    jobs.go(job)
    done = jobs.until(job, "completed")
    assert len([line for line in jobs.lines(done) if "begun" in line]) == 1


def test_who_died_between_starting_and_saying_so_does_not_start_it_twice(jobs: Jobs) -> None:
    job = jobs.ask(5, holds_at=2)
    person = jobs.person.principal
    assert run_service.take(person, job) == "taken"
    taken = jobs.now(job)
    training.backend("local").start(run_service.order(person, taken))  # … and then the process was killed
    assert (taken.status, taken.handle) == ("starting", None)
    assert upkeep_service.look_again(timedelta(0)) == 1
    jobs.go(job)
    done = jobs.until(job, "completed")
    assert (done.attempt, len([line for line in jobs.lines(done) if "begun" in line])) == (1, 1)


def test_what_is_cancelled_before_it_began_never_begins(jobs: Jobs) -> None:
    job = jobs.ask(5, holds_at=2)
    run_service.take(jobs.person.principal, job)  # … and then the process was killed
    assert jobs_service.cancel(jobs.person.principal, job.job_id).status == "stopping"
    assert jobs.until(job, "cancelled").attempt == 1
    assert not jobs.place(job).exists()


def test_events_that_come_twice_do_nothing_twice(jobs: Jobs) -> None:
    job = jobs.ask(3)
    for _ in range(3):
        run_service.advance(jobs.person.principal, job.job_id)
    done = jobs.until(job, "completed")
    for _ in range(2):
        run_service.advance(jobs.person.principal, job.job_id)
    assert jobs.now(job).attempt == done.attempt == 1
    assert not jobs.armed()


@pytest.mark.parametrize("payload", [{}, {"job_id": "x"}, {"job_id": None}, {"job_id": 7}, {"job_id": ["a"]}])
def test_an_event_that_names_no_job_says_so(jobs: Jobs, payload: dict[str, object]) -> None:
    event = outbox.Event(uuid.uuid4(), "training.check", "k", jobs.person.user_id, payload, 1)
    with pytest.raises(BadInput, match="names no job"):
        worker.handle(delivery.as_sqs(event), raising=True)
    gone = outbox.Event(uuid.uuid4(), "training.check", "k", jobs.person.user_id, {"job_id": str(nobody())}, 1)
    assert worker.handle(delivery.as_sqs(gone), raising=True) == {"batchItemFailures": []}


class TestRoom:
    """Never more runs than room; what is lent always comes back."""

    @pytest.fixture(autouse=True)
    def room(self, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANIMA_TRAINING_GPUS", "2")
        config.settings.cache_clear()

    def test_gpus_are_lent_and_come_back(self, jobs: Jobs) -> None:
        first = jobs.ask(3, gpus=2, holds_at=1)
        jobs.until(first, "running", step=1)
        second, third = jobs.ask(3, gpus=1), jobs.ask(3)
        jobs.until(third, "completed")
        waiting = jobs.now(second)
        assert (waiting.status, waiting.waiting_for, waiting.attempt) == ("queued", "gpus", 0)
        room = capacity_service.capacity(jobs.person.principal)
        assert (room.gpus, room.gpus_free, room.waiting) == (2, 0, 1)
        assert not leaving_service.leave(jobs.person.principal, replace(jobs.now(first), attempt=0), "failed")
        assert capacity_service.capacity(jobs.person.principal).gpus_free == 0, "that was about an earlier attempt"
        assert json.loads(jobs.lines(first)[0])["devices"] == "0,1"
        jobs.go(first)
        jobs.until(first, "completed")
        jobs.until(second, "completed")
        assert capacity_service.capacity(jobs.person.principal).gpus_free == 2

    def test_many_at_once_never_get_more_than_there_is(
        self, jobs: Jobs, owner_conn: psycopg.Connection[Any], make_user: MakeUser
    ) -> None:
        others = [jobs.person, make_user("researcher")]
        asked = [jobs.ask(2, gpus=1, person=others[n % 2]) for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda one: run_service.take(db.Principal(one.owner_id), one), asked))
        assert sorted(outcomes) == ["gpus"] * 6 + ["taken"] * 2
        lent = owner_conn.execute("select gpu_id from gpu_sessions where released_at is null").fetchall()
        assert sorted(lent) == [("0",), ("1",)]

    def test_places_on_this_machine_too(self, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANIMA_TRAINING_PROCESSES", "1")
        config.settings.cache_clear()
        first = jobs.ask(3, holds_at=1)
        jobs.until(first, "running", step=1)
        second = jobs.ask(3)
        jobs.drain()
        assert jobs.now(second).waiting_for == "processes"
        monkeypatch.setenv("ANIMA_TRAINING_PROCESSES", "2")  # and started anew, there is more room
        config.settings.cache_clear()
        assert upkeep_service.begin() >= 1
        jobs.until(second, "completed")
        jobs.go(first)
        jobs.until(first, "completed")

    @pytest.mark.parametrize("how", ["fails", "killed", "cancelled", "lost"])
    def test_however_it_ends(
        self, jobs: Jobs, how: str, owner_conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shell = 2**31 - 1
        job = jobs.ask(3, gpus=1, **({"fails_at": 1, "words": "no"} if how == "fails" else {"holds_at": 1}))
        if how != "fails":
            one = jobs.until(job, "running", step=1)
            shell = jobs.shell(one)
            owner_conn.execute("update training_jobs set most_attempts = 1 where job_id = %s", [job.job_id])
            if how == "cancelled":
                jobs_service.cancel(jobs.person.principal, job.job_id)
            elif how == "killed":
                os.killpg(shell, signal.SIGKILL)
            else:  # its folder, and every event; the process itself goes on
                owner_conn.execute("delete from outbox where owner_id = %s", [jobs.person.user_id])
                shutil.rmtree(jobs.place(one))
                upkeep_service.look_again(timedelta(0))
        jobs.until(job, "failed", "cancelled")
        assert local_training._begun(shell) is None, "nothing of it goes on"
        row = owner_conn.execute(
            "select count(*), count(released_at) from gpu_sessions where job_id = %s", [job.job_id]
        )
        assert row.fetchone() == (1, 1)

    def test_more_than_there_is_would_never_begin(self, jobs: Jobs) -> None:
        with pytest.raises(NoRoomEver):
            jobs.ask(3, gpus=3)


def test_a_person_may_have_so_many(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, owner_conn: psycopg.Connection[Any]
) -> None:
    monkeypatch.setenv("ANIMA_TRAINING_JOBS_PER_PERSON", "3")
    config.settings.cache_clear()

    def ask(_n: int) -> bool:
        try:
            jobs.ask(1)
        except TooManyJobs:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == 3
    runs = owner_conn.execute("select count(*) from training_sessions where owner_id = %s", [jobs.person.user_id])
    assert runs.fetchone() == (3,), "no run is left of those that were refused"


def test_deleted_with_its_folder(jobs: Jobs) -> None:
    job = jobs.ask(2)
    jobs.until(job, "completed")
    assert jobs.place(job).is_dir()
    jobs_service.remove(jobs.person.principal, job.job_id)
    assert not jobs.place(job).exists()
    with pytest.raises(JobNotFound):
        jobs.now(job)


def test_live_samples_begin_with_the_last_and_end_with_the_job(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.ask(4, holds_at=2)
    jobs.until(job, "running", step=2)
    with monkeypatch.context() as crowded:  # then a stream ends soon, for another's sake
        crowded.setattr(live_service, "_MOST_WATCHERS", 0)
        crowded.setattr(live_service, "BUFFERED_SECONDS", 0.0)
        assert len(list(live_service.samples(jobs.person.principal, job.job_id, threading.Event()))) == 2
    samples = live_service.samples(jobs.person.principal, job.job_id, threading.Event())
    assert [next(samples).data["step"] for _ in range(2)] == [1, 2]
    jobs.go(job)
    jobs.until(job, "completed")
    rest = list(samples)
    assert [one.data.get("step") for one in rest[:-1]] == [3, 4]
    assert (rest[-1].event, rest[-1].data) == ("end", {"status": "completed"})


@given(
    lines=st.lists(st.text(max_size=30) | st.sampled_from(['{"step": 3}', '{"step": NaN}', '{"step": -1}', "[" * 3000]))
)
def test_whatever_a_job_writes_is_lines_and_heartbeats(lines: list[str]) -> None:
    beats, others = run_service.split(lines)
    assert all(type(one["step"]) is int and one["step"] >= 0 for one in beats)
    assert all(line.isprintable() and 0 < len(line) <= 2000 for line in others)
    assert len(beats) >= lines.count('{"step": 3}')


def test_no_heartbeat_is_more_than_a_row_can_hold() -> None:
    told = {"step": 1, "log": "9", "a\0": 1, "b": "\ud800", "c": "x" * 300, "d": -2, **{f"n{n}": n for n in range(99)}}
    [beat], others = run_service.split([json.dumps(told)])
    assert (beat["step"], beat["d"], len(beat), others) == (1, -2, 50, [])
    assert not {"log", "a\0", "b", "c"} & beat.keys()


def test_why_a_job_failed_stands_in_its_log_as_words() -> None:
    lines = ['{"failed": "It is full."}', '{"failed": 3}', '{"failed": "x", "more": 1}', "[1]", '{"step": true}']
    assert run_service.split(lines) == ([], ["failed: It is full.", *lines[1:]])


def test_of_one_that_floods_its_log_the_last_words_are_kept(tmp_path: Path) -> None:
    backend = local_training.LocalTraining(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_text("noise\n" * 100_000 + "the end\n")
    assert backend.logs("a-1", "0").lines[-1] == "the end"


def test_one_that_is_interrupted_without_a_step_is_not_begun_for_ever(jobs: Jobs) -> None:
    done = jobs.until(jobs.ask(5, fails_at=1, words="", code=143), "failed")
    assert (done.exit_code, done.attempt) == (143, 1 + jobs_service.MOST_ATTEMPTS)


def test_one_that_ends_without_a_result_has_failed(jobs: Jobs) -> None:
    done = jobs.until(jobs.ask(5, fails_at=1, words="", code=0), "failed")
    assert "without a result" in str(done.error)
