"""What was found in jobs by attacking them, and by somebody who met them for the first time: it stays mended."""

from __future__ import annotations

import errno
import json
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from anima.kernel import config, db
from anima.training import (
    configuration_service,
    gpu_repo,
    jobs_service,
    leaving_service,
    live_service,
    machine_service,
    run_service,
)
from anima.training.errors import NoTrajectory
from anima.vendors.job_backends import local_training
from anima.vendors.job_backends.training import Seen
from fixtures.house import wait_for

if TYPE_CHECKING:
    from anima.training.model import Job
    from fixtures.jobs import Jobs

WAITING = """
insert into training_jobs (job_id, owner_id, name, kind, status, backend, configuration, attempt, gpus, waiting_for,
    created_at, updated_at)
select gen_random_uuid(), %(owner_id)s, 'waits', 'simulation', 'queued', 'local', '{}', 0, 0, %(what)s,
    now() - make_interval(mins => %(minutes)s), now()
from generate_series(1, %(count)s)
"""
TELLS = b'{"step": 3, "tokens": 7, "note": "a"}\nwords\n', b'{"step": 4, "log": "9999"}\n'


def taken(jobs: Jobs) -> Job:
    """A job that has its place, and whose process is not begun yet."""
    job = jobs.ask(3)
    assert run_service.take(jobs.person.principal, job) == "taken"
    return jobs.now(job)


def test_who_waits_for_gpus_stands_before_nobody_who_waits_for_something_else(
    jobs: Jobs, owner_conn: psycopg.Connection[Any]
) -> None:
    """Of those that are due a hundred are looked at; before, so many old ones hid all others for ever."""
    for what, minutes, count in (("gpus", 60, 120), ("processes", 1, 1)):
        given = {"owner_id": jobs.person.user_id, "what": what, "minutes": minutes, "count": count}
        owner_conn.execute(WAITING, given)
    with db.transaction(db.Principal(None, login="worker")) as tx:
        due = gpu_repo.due(tx, None)
    found = owner_conn.execute("select job_id from training_jobs where waiting_for = 'processes'").fetchone()
    assert found is not None
    assert len(due.all()) == 100
    assert found[0] in [one.job_id for one in due.all()]


def test_what_a_heartbeat_no_longer_says_is_no_longer_told(jobs: Jobs) -> None:
    one = taken(jobs)
    jobs.place(one).mkdir(parents=True)
    for line in TELLS:
        with (jobs.place(one) / "log").open("ab") as log:
            log.write(line)
        one = run_service.listen(jobs.person.principal, one, one.attempt_name)
    assert one.progress == {"step": 4, "log": str(sum(map(len, TELLS)))}, "and where its log is read is not its to say"
    assert jobs.lines(one) == ["words"]


def test_one_that_is_to_pause_and_breaks_over_it_says_why(jobs: Jobs) -> None:
    one = taken(jobs)
    jobs_service.pause(jobs.person.principal, one.job_id)
    leaving_service.end(jobs.person.principal, jobs.now(one), Seen("ended", 1, "no-room: the disk is full"))
    now = jobs.now(one)
    assert (now.status, now.exit_code, now.error) == ("paused", 1, "no-room: the disk is full")


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({"steps": 3, "name": "é"}, True),
        ({"words": "half a character: \ud800"}, False),
        ({"words": "nothing: \0"}, False),
        ({"loss": float("nan")}, False),
        ({"returns": [0.5] * 70_000}, False),
        ({"deep": reduce(lambda inner, _: [inner], range(5000), [])}, False),
    ],
    ids=["sound", "surrogate", "nul", "nan", "large", "deep"],
)
def test_no_result_of_a_job_keeps_it_from_its_end(result: dict[str, Any], kept: bool) -> None:
    found = leaving_service._bounded(result)
    assert (found == result) is kept
    json.dumps(found, allow_nan=False).encode()


def test_samples_are_json_for_a_browser_too(jobs: Jobs) -> None:
    job = jobs.ask(2)
    jobs.until(job, "completed")
    with (jobs.place(job) / "live.jsonl").open("ab") as live:
        live.write(
            b'{"step": 3, "return": NaN, "td_error": -Infinity, "x": "\xff"}\n[1]\nnot json\n' + b"[" * 9000 + b"\n"
        )
    text = jobs.person.http.get(f"/api/v1/jobs/{job.job_id}/live").text
    assert '{"step": 3, "return": null, "td_error": null, "x": "\\ufffd"}' in text
    assert text.count("event: sample") == 3


def parts(jobs: Jobs) -> Job:
    """A job that has left its record in two parts."""
    job = jobs.ask(2)
    jobs.until(job, "completed")
    for number in (1, 2):
        (jobs.place(job) / f"trajectory-{number}.csv").write_text(f"step\n{number}\n")
    return job


def test_a_record_whose_parts_are_put_together_meanwhile_is_looked_for_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, gathered, gone = parts(jobs), live_service._gathered, [FileNotFoundError()] * 2

    def at_times(*given: Any) -> tuple[Path, bool]:
        if gone:
            raise gone.pop()
        return gathered(*given)

    monkeypatch.setattr(live_service, "_gathered", at_times)
    path, ours = live_service.trajectory(jobs.person.principal, job.job_id)
    assert (ours, zipfile.ZipFile(path).namelist()) == (True, ["trajectory-1.csv", "trajectory-2.csv"])
    path.unlink()
    gone += [FileNotFoundError()] * 9
    with pytest.raises(NoTrajectory, match="it is being written"):
        live_service.trajectory(jobs.person.principal, job.job_id)


def test_an_archive_that_the_disk_has_no_room_for_leaves_nothing(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = parts(jobs)
    (tmp_path / "passing").mkdir()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "passing"))
        patch.setattr(zipfile.ZipFile, "write", full)
        with pytest.raises(OSError, match="no space"):
            live_service.trajectory(jobs.person.principal, job.job_id)
    assert not list((tmp_path / "passing").iterdir())


@pytest.mark.parametrize(("age", "wanted"), [(0.0, "SIGTERM"), (60.0, "SIGKILL"), (-60.0, "SIGKILL")])
def test_one_that_was_asked_to_stop_is_ended_though_the_clock_was_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, wanted: str
) -> None:
    backend, sent = local_training.LocalTraining(tmp_path), list[signal.Signals]()
    monkeypatch.setattr(local_training, "_alive", lambda _process: True)
    monkeypatch.setattr(backend, "end", lambda _process, number: sent.append(number))
    asked = tmp_path / "job" / "attempts" / "job-1.stop"
    asked.parent.mkdir(parents=True)
    asked.touch()
    os.utime(asked, (time.time() - age,) * 2)
    backend.stop("job-1")
    assert [one.name for one in sent] == [wanted]


def test_a_process_whose_folder_is_deleted_ends_with_it(jobs: Jobs) -> None:
    """Or the next attempt would be a second child of one job."""
    job = jobs.ask(5, holds_at=2)
    running = jobs.until(job, "running", step=2)
    shell = jobs.shell(running)
    (jobs.place(job) / "attempts" / running.attempt_name).unlink()
    local_training.LocalTraining(jobs.folder / "jobs").remove(running.attempt_name)
    assert gone(shell), "it was found by its environment alone"
    assert not jobs.place(job).exists()


def gone(process: int) -> bool:
    """Whether no process of this number works any more."""
    deadline = time.monotonic() + 10
    while local_training._begun(process) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return local_training._begun(process) is None


def test_one_that_was_interrupted_is_counted_unless_it_came_further(jobs: Jobs) -> None:
    """One that loses its checkpoint each time, and is interrupted here and there, would be begun for ever."""
    one = taken(jobs)
    told = []
    for step in (20, 10, 30, 25, 29):
        one = replace(one, step=step)
        leaving_service.end(jobs.person.principal, one, Seen("ended", 143))
        told.append((step, jobs.now(one).most_attempts, jobs.now(one).status))
        run_service.take(jobs.person.principal, one)
        one = jobs.now(one)
    steps = [(20, 4, "queued"), (10, 4, "queued"), (30, 5, "queued"), (25, 5, "queued"), (29, 5, "failed")]
    assert told == steps


def test_an_interruption_that_is_told_twice_gives_one_attempt(jobs: Jobs) -> None:
    one = taken(jobs)
    for _ in range(3):
        leaving_service.end(jobs.person.principal, one, Seen("ended", 143))
    assert (jobs.now(one).status, jobs.now(one).most_attempts) == ("queued", jobs_service.MOST_ATTEMPTS + 1)


def test_what_a_job_leaves_behind_ends_with_it(jobs: Jobs) -> None:
    """Its GPU is lent to the next one by then."""
    job = jobs.ask(2, leaves=True)
    jobs.until(job, "completed")
    left = int((jobs.place(job) / "left").read_text())
    wait_for(lambda: local_training._begun(left) is None)
    assert jobs.now(job).status == "completed"


def test_what_a_machine_says_of_an_end_is_words_without_control_characters() -> None:
    assert machine_service._explained("States.Task\x1b[31mFailed", "") == (None, "States.Task [31mFailed")
    assert machine_service._explained("", "")[1] == "the state machine gave no reason"
    assert machine_service._explained("x", "[" * 100_000)[0] is None


def test_a_label_needs_the_physics_alone_and_none_of_an_earlier_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of jobs has many files, of which others' sections may be large, or of a time before this one."""
    told: Callable[[Any], str | None] = configuration_service.label
    assert told({"global_settings": {"mode": "MAX"}, "environment": {"of": "an earlier time"}}) == "max (pathological)"
    assert told({"global_settings": {"mode": "of an earlier time"}}) is None
    monkeypatch.setenv("MODE", "MAX")  # of this process, not of the job
    config.settings.cache_clear()
    assert told({"global_settings": {}}) != "max (pathological)"
