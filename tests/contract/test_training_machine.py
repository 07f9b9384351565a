"""The machine of jobs, run state by state: a job gets a place, runs, is registered, and its place is always given back.

Behind its function stands a desk that answers as the room does; the room itself stands there in `make test-cloud`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.venvs import ROOT

from fixtures.asl import Execution, Failure, Lasts, Machine

ASKED = {"job_id": "01998f5c-2a00-7000-8000-000000000001", "owner_id": 7}
ORDER = {
    "allocated": True,
    "name": "01998f5c2a0070008000000000000001-1",
    "job": "simulate",
    "run_id": "01998f5c-2a00-7000-8000-000000000002",
    "input_uri": "s3://files/training/1/input/",
    "output_uri": "s3://files/training/1/",
    "checkpoint_uri": "s3://files/training/1/checkpoints/",
    "instance": "ml.g5.xlarge",
    "seconds": 3600,
    "spot": True,
    "stopping": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    "queue": "arn:aws:batch:eu-central-1:123456789012:job-queue/gpus",
    "resources": [{"Type": "VCPU", "Value": "4"}, {"Type": "GPU", "Value": "1"}],
}
FILLED = {
    "Invoke": "lambda",
    "InvokeAndWait": "lambda-callback",
    "Train": "sagemaker",
    "Submit": "batch",
    "Stage": "test",
}
DEFINITION = (ROOT / "infra/statemachines/training.asl.json").read_text()


@dataclass
class Desk:
    """Plays the room: what it was asked in order, what it is to answer, and who holds the GPU."""

    backend: str = "sagemaker"
    rooms: list[bool] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)
    completed: bool = False
    faults: dict[str, list[Failure]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    held: int = 0

    @property
    def tasks(self) -> list[str]:
        return [one["task"] for one in self.asked]

    def answer(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(payload)
        task = payload["task"]
        if waiting := self.faults.get(task):
            raise waiting.pop(0)
        return getattr(self, "_" + task, dict)()

    def _validate(self) -> dict[str, Any]:
        return {"backend": self.backend}

    def _allocate(self) -> dict[str, Any]:
        if self.rooms and not self.rooms.pop(0):
            return {"allocated": False}
        self.held += 1
        return ORDER

    def _look(self) -> dict[str, Any]:
        return {"completed": self.completed}

    def _failed(self) -> dict[str, Any]:
        return {"again": bool(self.again) and self.again.pop(0)}

    def _release(self) -> dict[str, Any]:
        self.held = 0
        return {}


@dataclass
class Place:
    """Plays what runs the container: what it was given, and what comes of it, one after the other."""

    ends: list[Any] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)

    def run(self, order: dict[str, Any]) -> Any:
        self.orders.append(order)
        end = self.ends.pop(0) if self.ends else Lasts(600)
        if isinstance(end, Failure):
            raise end
        return end


def run(desk: Desk, place: Place, seed: int = 0) -> Execution:
    def invoke(given: dict[str, Any]) -> dict[str, Any]:
        return {"StatusCode": 200, "Payload": desk.answer(given["Payload"])}

    def start(given: dict[str, Any]) -> Any:
        desk.answer(given["Payload"])
        return place.run(given["Payload"])

    text = re.sub(r"\$\{(\w+)\}", lambda found: FILLED.get(found[1], found[1]), DEFINITION)
    services = {"lambda": invoke, "lambda-callback": start, "sagemaker": place.run, "batch": place.run}
    return Machine(text, services, seed).run(ASKED)


BACKENDS = ["sagemaker", "batch", "elsewhere"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_runs_is_registered_and_gives_its_gpu_back(backend: str) -> None:
    desk, place = Desk(backend), Place()
    ended = run(desk, place)
    assert ended.status == "SUCCEEDED"
    started = ["start"] if backend == "elsewhere" else []
    assert desk.tasks == ["validate", "allocate", *started, "register", "evaluate", "release"]
    assert all((one["job_id"], one["owner_id"]) == (ASKED["job_id"], 7) for one in desk.asked)
    assert len(place.orders) == 1
    assert desk.held == 0


def test_what_sagemaker_is_told() -> None:
    place = Place()
    run(Desk(), place)
    (order,) = place.orders
    assert order["TrainingJobName"] == f"anima-test-{ORDER['name']}"
    assert len(order["TrainingJobName"]) <= 63
    assert order["CheckpointConfig"] == {"S3Uri": ORDER["checkpoint_uri"], "LocalPath": "/opt/ml/checkpoints"}
    assert order["EnableManagedSpotTraining"] is True
    assert order["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert order["Environment"]["ANIMA_JOB_RUN"] == ORDER["run_id"]
    assert order["Environment"]["ANIMA_JOB_OWNER"] == "7"
    assert all(type(value) is str for value in {**order["Environment"], **order["HyperParameters"]}.values())


def test_what_batch_is_told() -> None:
    place = Place()
    run(Desk("batch"), place)
    (order,) = place.orders
    overrides = order["ContainerOverrides"]
    assert overrides["ResourceRequirements"] == ORDER["resources"]
    told = {one["Name"]: one["Value"] for one in overrides["Environment"]}
    assert told["ANIMA_JOB_INPUT"] == ORDER["input_uri"]
    assert told["ANIMA_JOB_CHECKPOINTS"] == ORDER["checkpoint_uri"]
    assert order["Timeout"] == {"AttemptDurationSeconds": 3600}
    assert order["JobQueue"] == ORDER["queue"]


def test_what_cannot_run_takes_no_gpu_and_the_job_is_told() -> None:
    desk = Desk(faults={"validate": [Failure("SimulationInvalid", "no such modulator")]})
    assert run(desk, Place()).error == "JobFailed"
    assert desk.tasks == ["validate", "failed", "release"]
    assert desk.asked[1]["fault"] == {"Error": "SimulationInvalid", "Cause": "no such modulator"}


def test_while_no_gpu_is_free_it_waits_each_time_at_random() -> None:
    desk = Desk(rooms=[False, False, False, True])
    ended = run(desk, Place())
    assert ended.status == "SUCCEEDED"
    assert desk.tasks.count("allocate") == 4
    assert len(set(ended.pauses)) == 3
    assert all(60 <= pause < 300 for pause in ended.pauses)
    assert run(Desk(rooms=[False, True]), Place(), seed=1).pauses != run(Desk(rooms=[False, True]), Place()).pauses


def test_who_waited_for_a_day_is_told_so() -> None:
    desk = Desk(rooms=[False] * 1_000)
    ended = run(desk, Place())
    assert ended.error == "JobFailed"
    assert 20 < ended.seconds / 3600 < 28
    assert desk.asked[-2]["fault"]["Error"] == "NoRoom"
    assert desk.tasks[-2:] == ["failed", "release"]
    assert len(ended.states) * 2 < 25_000  # each state is two events at least, and so many may be in a history


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_that_fails_is_told_why_and_gives_its_gpu_back(backend: str) -> None:
    desk, place = Desk(backend), Place([Lasts(90, Failure("States.TaskFailed", "exit code 1"))])
    ended = run(desk, place)
    assert (ended.status, ended.error) == ("FAILED", "JobFailed")
    assert desk.tasks[-2:] == ["failed", "release"]
    assert desk.asked[-2]["fault"] == {"Error": "States.TaskFailed", "Cause": "exit code 1"}
    assert "register" not in desk.tasks
    assert desk.held == 0


def test_it_is_tried_again_where_the_room_says_so_and_holds_one_gpu_at_a_time() -> None:
    taken = Lasts(90, Failure("States.TaskFailed", "taken away"))
    desk, place = Desk(again=[True, True]), Place([taken, taken])
    assert run(desk, place).status == "SUCCEEDED"
    around = ["allocate", "failed", "release"]
    assert [one for one in desk.tasks if one != "validate"] == [
        *around,
        *around,
        "allocate",
        "register",
        *desk.tasks[-2:],
    ]


THROTTLED = {
    "sagemaker": "SageMaker.AmazonSageMakerException",
    "batch": "Batch.AWSBatchException",
    "elsewhere": "Lambda.TooManyRequestsException",
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_throttled_call_is_repeated_later_and_later_under_the_same_name(backend: str) -> None:
    desk, place = Desk(backend), Place([Failure(THROTTLED[backend], "Rate exceeded")] * 4)
    ended = run(desk, place)
    assert ended.status == "SUCCEEDED"
    assert len(place.orders) == 5
    assert len({order.get("TrainingJobName", order.get("JobName")) for order in place.orders}) == 1
    assert len(set(ended.pauses)) == 4
    assert desk.tasks.count("allocate") == 1


def test_who_is_throttled_for_ever_ends() -> None:
    desk, place = Desk(), Place([Failure("SageMaker.AmazonSageMakerException", "Rate exceeded")] * 99)
    assert run(desk, place).error == "JobFailed"
    assert len(place.orders) == 9
    assert desk.tasks[-2:] == ["failed", "release"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_that_never_ends_is_ended(backend: str) -> None:
    desk = Desk(backend)
    ended = run(desk, Place([Lasts(10**9)]))
    assert ended.error == "JobFailed"
    assert desk.tasks[-1] == "release"
    assert desk.asked[-2]["fault"]["Error"] == "States.Timeout"


def test_a_lost_callback_is_looked_after() -> None:
    """The container ended well but its word was lost: after ten minutes of silence the result is looked for."""
    for completed, status in ((True, "SUCCEEDED"), (False, "FAILED")):
        desk = Desk("elsewhere", completed=completed)
        ended = run(desk, Place([Lasts(10**9, silent=10**9)]))
        assert ended.status == status
        assert ended.seconds == 600
        assert desk.tasks[2:4] == ["start", "look"]
        assert ("register" in desk.tasks) == completed
        assert desk.tasks[-1] == "release"


def test_a_database_that_is_away_for_minutes_harms_no_job() -> None:
    away = [Failure("DatabaseUnavailable")] * 6
    tasks = ("validate", "allocate", "register", "evaluate", "release")
    desk = Desk(faults={task: list(away) for task in tasks})
    ended = run(desk, Place())
    assert ended.status == "SUCCEEDED"
    assert Counter(desk.tasks) == {task: 7 for task in tasks}
    assert desk.held == 0


def test_where_the_job_cannot_be_told_its_gpu_is_given_back_all_the_same() -> None:
    desk = Desk(faults={"failed": [Failure("KeyError")]})
    ended = run(desk, Place([Failure("States.TaskFailed")]))
    assert ended.error == "JobFailed"
    assert desk.tasks[-1] == "release"
    assert desk.held == 0


TROUBLE = ["KeyError", "States.Timeout", "DatabaseUnavailable", "Lambda.ServiceException", "Runtime.ExitError"]
TASKS = ["validate", "allocate", "register", "evaluate", "failed", "look"]


@given(
    backend=st.sampled_from(BACKENDS),
    faults=st.dictionaries(st.sampled_from(TASKS), st.lists(st.sampled_from(TROUBLE), max_size=10), max_size=4),
    ends=st.lists(
        st.sampled_from([Lasts(5), Lasts(10**9), Lasts(10**9, silent=700), Failure("States.TaskFailed")]), max_size=4
    ),
    again=st.lists(st.booleans(), max_size=3),
    rooms=st.lists(st.booleans(), max_size=4),
)
def test_whatever_happens_no_gpu_stays_taken_and_every_end_is_told(
    backend: str, faults: dict[str, list[str]], ends: list[Any], again: list[bool], rooms: list[bool]
) -> None:
    waiting = {task: [Failure(error) for error in errors] for task, errors in faults.items()}
    desk = Desk(backend, rooms, again, completed=True, faults=waiting)
    ended = run(desk, Place(ends))
    assert ended.status in {"SUCCEEDED", "FAILED"}
    assert desk.held == 0
    assert desk.tasks[-1] == "release"
    assert ended.status == "SUCCEEDED" or "failed" in desk.tasks
