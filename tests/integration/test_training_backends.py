"""Jobs elsewhere than in a child: in a container here, in SageMaker, in AWS Batch, led by a state machine."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError, NoRegionError
from moto import mock_aws

from anima.kernel import clock, config, db
from anima.kernel.errors import BadInput
from anima.snapshots import erase_jobs_service
from anima.training import configuration_service, jobs_service, run_service, worker
from anima.training.errors import BackendNotSetUp, JobState
from anima.vendors.job_backends import JobsUnavailable, aws, local_training, step_functions
from anima.vendors.job_backends.batch import Batch
from anima.vendors.job_backends.sagemaker import SageMaker
from anima.vendors.job_backends.training import JobOrder, Seen
from fixtures.house import wait_for
from fixtures.jobs import nobody

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.jobs import Jobs

NAME = "0" * 31 + "a"
# Speaks the command line of docker: a container is a process of this machine, its /opt/ml the folder that it is given.
DOCKER = """#!{python}
import os, signal, subprocess, sys
place = "{folder}"
words = sys.argv[1:]
def after(flag):
    return [words[n + 1] for n, word in enumerate(words) if word == flag]
if words[0] == "run":
    open(place + "/asked", "w").write(" ".join(words))
    told = {{name: os.environ[name] for name in after("--env")}}
    folder = next(one for one in after("--volume") if one.endswith(":/opt/ml")).partition(":")[0]
    child = subprocess.Popen([sys.executable, "{script}"], env={{**os.environ, **told, "ANIMA_JOB_DIR": folder,
        "CUDA_VISIBLE_DEVICES": ""}}, start_new_session=True)
    open(place + "/" + after("--name")[0], "w").write(str(child.pid))
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)
if words[0] == "kill":
    os.kill(int(open(place + "/" + words[-1]).read()), getattr(signal, "SIG" + after("--signal")[0]))
"""


def test_a_container_is_a_job_too(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackendNotSetUp):
        configuration_service.new_simulation("cartpole", backend="container")
    tools = tmp_path / "bin"
    tools.mkdir()
    docker = tools / "docker"
    docker.write_text(DOCKER.format(python=sys.executable, folder=tmp_path, script=tmp_path / "small.py"))
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("ANIMA_TRAINING_IMAGE", "anima-jobs:test")
    config.settings.cache_clear()
    job = jobs.ask(5, holds_at=2, backend="container")
    jobs.until(job, "running", step=2)
    jobs_service.pause(jobs.person.principal, job.job_id)
    assert jobs.until(job, "paused").exit_code == 143
    asked = (tmp_path / "asked").read_text()
    assert "--network host" in asked
    assert asked.endswith("anima-jobs:test")
    assert "postgresql://" not in asked, "no secret stands in the list of processes"
    jobs_service.resume(jobs.person.principal, job.job_id)
    one = jobs.until(job, "running", step=3)
    inside = int((tmp_path / f"anima-{one.attempt_name}").read_text())
    os.killpg(jobs.shell(one), signal.SIGKILL)  # the command alone: its container goes on
    jobs.until(job, "running", step=4)
    assert local_training._begun(inside) is None, "there are never two of one job"
    jobs.go(job)
    assert jobs.until(job, "completed").step == 5


@pytest.fixture
def cloud(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS, with a bucket; SageMaker and Batch are set up."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "ANIMA_STAGE": "test",
        "ANIMA_OBJECT_STORE_URL": "s3://files/here",
        "ANIMA_TRAINING_IMAGE": "registry/anima-jobs:1",
        "ANIMA_TRAINING_ROLE": "arn:aws:iam::123456789012:role/jobs",
        "ANIMA_TRAINING_QUEUE": "jobs",
        "ANIMA_TRAINING_DEFINITION": "job",
    }.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    forget = aws.client.cache_clear  # a test may put another in its place
    forget()
    with mock_aws():
        place = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket="files", CreateBucketConfiguration=place)
        yield jobs
    forget()


def order(**more: Any) -> JobOrder:
    told = {"simulation": {"long": "x" * 5000}, "task": "train"}
    return JobOrder(
        f"{NAME}-1", NAME, "simulate.py", told, {"ANIMA_JOB_RUN": "r"}, image="registry/anima-jobs:1", **more
    )


def archive(**files: object) -> bytes:
    """A model.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, value in files.items():
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(f"{name}.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


class TestSageMaker:
    def test_a_training_job_is_made_once_on_spot_with_its_files_in_s3(self, cloud: Any) -> None:
        backend = SageMaker()
        handle = backend.start(order(wall_seconds=600))
        assert backend.start(order(wall_seconds=600)) == handle, "asked twice, it is one"
        told = boto3.client("sagemaker").describe_training_job(TrainingJobName=f"anima-test-{NAME}-1")
        assert told["EnableManagedSpotTraining"]
        assert told["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 4200}
        assert told["CheckpointConfig"]["S3Uri"] == f"s3://files/here/training/{NAME}/checkpoints/"
        assert all(len(value) <= 2500 for value in told["HyperParameters"].values())
        on_demand = backend.asked(order(wall_seconds=600, spot=False), "x", "s3://x/")
        assert on_demand["EnableManagedSpotTraining"] is False
        assert on_demand["StoppingCondition"] == {"MaxRuntimeInSeconds": 600}, "another wait is refused"
        assert backend.asked(order(), "x", "s3://x/")["Environment"]["ANIMA_JOB_RUN"] == "r"
        key = f"here/training/{NAME}/input/hyperparameters.json"
        kept = json.loads(boto3.client("s3").get_object(Bucket="files", Key=key)["Body"].read())
        assert kept["simulation"]["long"] == "x" * 5000

    def test_how_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said: dict[str, str] = {}

        class Told:
            def describe_training_job(self, **_asked: str) -> dict[str, str]:
                return said

        monkeypatch.setattr(aws, "client", lambda _service: Told())
        for status, more, seen in (
            ("InProgress", {}, Seen("running")),
            ("Stopping", {}, Seen("running")),
            ("Completed", {}, Seen("ended", 0)),
            ("Stopped", {"SecondaryStatus": "MaxWaitTimeExceeded"}, Seen("ended", 143, "MaxWaitTimeExceeded")),
            ("Failed", {"FailureReason": "NaN, exit code: 2"}, Seen("ended", 2, "NaN, exit code: 2")),
            ("Failed", {"FailureReason": "CapacityError"}, Seen("ended", None, "CapacityError")),
        ):
            said = {"TrainingJobStatus": status, **more}
            assert SageMaker().look(f"{NAME}-1") == seen

    def test_one_that_is_not_there_is_lost_and_stopped_without_a_word(self, cloud: Any) -> None:
        assert SageMaker().look(f"{NAME}-9").state == "lost"

    def test_what_it_wrote_and_what_came_of_it(self, cloud: Any) -> None:
        logs, group = boto3.client("logs"), "/aws/sagemaker/TrainingJobs"
        assert SageMaker().logs(f"{NAME}-1").lines == ()
        logs.create_log_group(logGroupName=group)
        stream = f"anima-test-{NAME}-1/algo-1"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(clock.now().timestamp() * 1000)
        logs.put_log_events(
            logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": "begun"}]
        )
        first = SageMaker().logs(f"{NAME}-1")
        assert first.lines == ("begun",)
        assert SageMaker().logs(f"{NAME}-1", first.since).lines == ()
        assert SageMaker().result(f"{NAME}-1") is None
        key = f"here/training/{NAME}/anima-test-{NAME}-1/output/model.tar.gz"
        boto3.client("s3").put_object(Bucket="files", Key=key, Body=archive(weights={}, result={"steps": 7}))
        assert SageMaker().result(f"{NAME}-1") == {"steps": 7}
        SageMaker().remove(f"{NAME}-1")
        assert SageMaker().result(f"{NAME}-1") is None

    @pytest.mark.parametrize("why", ["throttled", "no region"])
    def test_what_cannot_be_done_now_waits_with_nothing_lent(
        self, cloud: Jobs, monkeypatch: pytest.MonkeyPatch, why: str
    ) -> None:
        told = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
        error = ClientError(told, "CreateTrainingJob") if why == "throttled" else NoRegionError()

        class Busy:
            def __getattr__(self, _name: str) -> Any:
                raise error

        monkeypatch.setattr(aws, "client", lambda _service: Busy())
        job = cloud.ask(3, backend="sagemaker")
        cloud.drain()
        now = cloud.now(job)
        assert (now.status, now.not_before is not None, now.progress["waits"]) == ("queued", True, 1)
        assert ("ThrottlingException" if why == "throttled" else "NoRegionError") in str(now.error)
        run_service.take(cloud.person.principal, now)
        taken = cloud.now(job)
        jobs_service.cancel(cloud.person.principal, job.job_id)
        run_service._start(cloud.person.principal, taken)
        assert cloud.now(job).status == "cancelled", "it was cancelled while it could not be started"

    def test_while_nobody_answers_how_it_is_it_is_looked_at_again_later(
        self, cloud: Jobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = cloud.ask(3, backend="sagemaker")
        cloud.until(job, "running")
        monkeypatch.setattr(SageMaker, "look", _throttled)
        cloud.until(job, "running")
        run_service.advance(cloud.person.principal, job.job_id)
        now = cloud.now(job)
        assert now.status == "running"
        assert now.check_at is not None


def _throttled(_self: SageMaker, _handle: str) -> Seen:
    raise JobsUnavailable(reason="ThrottlingException")


class TestBatch:
    def test_a_job_is_submitted_once_with_what_it_needs(self, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[dict[str, Any]] = []

        class Told:
            """What Batch remembers of jobs, as far as it is asked."""

            def list_jobs(self, jobQueue: str, **_asked: Any) -> Any:  # noqa: N803
                there = [(str(n), one) for n, one in enumerate(asked) if one["jobQueue"] == jobQueue]
                return {"jobSummaryList": [{"jobName": one["jobName"], "jobId": n} for n, one in there]}

            def submit_job(self, **job: Any) -> None:
                asked.append(job)

            def describe_jobs(self, jobs: list[str]) -> Any:
                state = {"status": "FAILED", "statusReason": "Host EC2 (instance i-1) terminated."}
                return {"jobs": [{"jobId": jobs[0], **state, "container": {"logStreamName": "s"}}]}

            def terminate_job(self, **job: str) -> None:
                asked[int(job["jobId"])]["ended"] = job["reason"]

        real = aws.client
        monkeypatch.setattr(aws, "client", lambda name: Told() if name == "batch" else real(name))
        backend = Batch()
        assert backend.start(order(devices=("0",), memory_bytes=2 << 30)) == f"{NAME}-1"
        backend.start(order(devices=("0",)))
        assert len(asked) == 1
        overrides = asked[0]["containerOverrides"]
        assert {"type": "GPU", "value": "1"} in overrides["resourceRequirements"]
        assert {"type": "MEMORY", "value": "2048"} in overrides["resourceRequirements"]
        told = {one["name"]: one["value"] for one in overrides["environment"]}
        assert told["ANIMA_JOB_CHECKPOINTS"] == f"s3://files/here/training/{NAME}/checkpoints/"
        assert backend.look(f"{NAME}-1") == Seen("ended", 143, "Host EC2 (instance i-1) terminated.")
        backend.stop(f"{NAME}-1")
        assert asked[0]["ended"] == "stopped by its person"
        assert backend.look(f"{NAME[:-1]}b-1").state == "lost"
        assert asked[0]["jobQueue"] == "jobs"
        with pytest.raises(BackendNotSetUp, match="ANIMA_TRAINING_ON_DEMAND_QUEUE"):
            configuration_service.new_simulation("cartpole", backend="batch", spot=False)
        monkeypatch.setenv("ANIMA_TRAINING_ON_DEMAND_QUEUE", "steady")
        config.settings.cache_clear()
        assert configuration_service.new_simulation("cartpole", backend="batch", spot=False).limits.spot is False
        assert backend.start(replace(order(spot=False), name=f"{NAME}-2")) == f"{NAME}-2"
        assert asked[1]["jobQueue"] == "steady"
        assert backend.look(f"{NAME}-2").state == "ended", "it is found in whichever queue it is"


class TestMachine:
    """The tasks of the state machine, as it calls them; each twice."""

    @pytest.fixture(autouse=True)
    def machine(self, cloud: Jobs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.setenv("ANIMA_TRAINING_MACHINE", "arn:aws:states:eu-central-1:123456789012:stateMachine:training")
        monkeypatch.setenv("ANIMA_TRAINING_GPUS", "1")
        config.settings.cache_clear()
        begun: list[str] = []

        def begins(_self: step_functions.StateMachine, name: str, _told: Any) -> bool:
            begun.append(name)
            return begun.count(name) == 1  # each has ended by the time that one of its name is asked for again

        monkeypatch.setattr(step_functions.StateMachine, "begins", begins)
        return begun

    def call(self, job: Any, task: str, **more: Any) -> dict[str, Any]:
        event = {"task": task, "job_id": str(job.job_id), "owner_id": job.owner_id, **more}
        first = worker.step(event)
        assert worker.step(event) == first
        return first

    def test_from_order_to_end(self, cloud: Jobs, machine: list[str], owner_conn: psycopg.Connection[Any]) -> None:
        job = cloud.ask(3, backend="sagemaker", gpus=1)
        cloud.drain()
        assert machine == [f"{job.job_id.hex}-1"]
        assert self.call(job, "validate") == {"backend": "sagemaker"}
        given = self.call(job, "allocate")
        assert (given["allocated"], given["name"], given["seconds"]) == (True, f"{job.job_id.hex}-1", 86_400)
        assert {"Type": "GPU", "Value": "1"} in given["resources"]
        assert (given["spot"], given["queue"]) == (True, "jobs")
        assert given["stopping"] == {"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 90_000}
        assert self.call(cloud.ask(3, backend="sagemaker", gpus=1), "allocate") == {"allocated": False}
        key = f"here/training/{job.job_id.hex}/anima-test-{job.job_id.hex}-1/output/model.tar.gz"
        boto3.client("s3").put_object(Bucket="files", Key=key, Body=archive(result={"steps": 3}))
        self.call(job, "register")
        self.call(job, "evaluate")
        self.call(job, "release")
        done = cloud.now(job)
        assert (done.status, done.result) == (
            "completed",
            {"steps": 3, "registration": "the run has no checkpoint with weights"},
        )
        assert (done.step, done.of) == (3, 3), "nobody listened to it, and its result says how far it came"
        row = owner_conn.execute("select count(*) from gpu_sessions where released_at is null").fetchone()
        assert row == (0,)

    def test_on_demand_is_what_the_machine_is_told(self, cloud: Jobs) -> None:
        body = {"simulation": "cartpole", "backend": "sagemaker", "spot": False}
        made = cloud.person.http.post("/api/v1/jobs", json=body).json()
        assert made["limits"]["spot"] is False
        given = self.call(jobs_service.get(cloud.person.principal, made["job_id"]), "allocate")
        assert (given["spot"], given["stopping"]) == (False, {"MaxRuntimeInSeconds": 86_400})

    def test_what_failed_is_tried_again_and_then_told(self, cloud: Jobs) -> None:
        job = cloud.ask(3, backend="sagemaker")
        cause = json.dumps({"TrainingJobStatus": "Failed", "FailureReason": "InternalServerError"})
        for n in range(1, jobs_service.MOST_ATTEMPTS + 1):
            assert self.call(job, "allocate")["name"].endswith(f"-{n}")
            again = self.call(job, "failed", fault={"Error": "States.TaskFailed", "Cause": cause})
            assert again == {"again": n < jobs_service.MOST_ATTEMPTS}
            self.call(job, "release")
        failed = cloud.now(job)
        assert failed.status == "failed"
        assert "InternalServerError" in str(failed.error)

    def test_one_that_had_no_place_before_it_was_paused_or_failed_gets_another_execution(
        self, cloud: Jobs, machine: list[str]
    ) -> None:
        """An execution that has ended keeps its name for 90 days, and the job's attempt is the first one still."""
        job = cloud.ask(3, backend="sagemaker")
        cloud.drain()
        name = f"{job.job_id.hex}-1"
        jobs_service.pause(cloud.person.principal, job.job_id)
        jobs_service.resume(cloud.person.principal, job.job_id)
        cloud.drain()
        assert self.call(job, "failed", fault={"Error": "NoRoom"}) == {"again": False}
        assert cloud.now(job).status == "failed"
        jobs_service.resume(cloud.person.principal, job.job_id)
        cloud.drain()
        assert machine == [name, name, f"{name}-2", name, f"{name}-2", f"{name}-3"]
        assert cloud.now(job).execution == f"{name}-3"
        assert self.call(job, "allocate")["name"] == name

    @pytest.mark.parametrize("kind", ["States.ABORTED", "States.TIMED_OUT", "NoRoom"])
    def test_an_execution_that_ends_leaves_no_zombie(self, cloud: Jobs, kind: str) -> None:
        job = cloud.ask(3, backend="sagemaker", gpus=1)
        self.call(job, "allocate")
        assert self.call(job, "failed", fault={"Error": kind}) == {"again": False}
        self.call(job, "release")
        assert cloud.now(job).status == "failed"

    def test_a_job_that_was_cancelled_is_cancelled_not_failed(self, cloud: Jobs) -> None:
        job = cloud.ask(3, backend="sagemaker")
        self.call(job, "allocate")
        jobs_service.cancel(cloud.person.principal, job.job_id)
        cause = json.dumps({"TrainingJobStatus": "Stopped"})
        assert self.call(job, "failed", fault={"Error": "States.TaskFailed", "Cause": cause}) == {"again": False}
        assert cloud.now(job).status == "cancelled"
        for task in ("allocate", "start"):
            with pytest.raises(JobState):
                worker.step({"task": task, "job_id": str(job.job_id), "owner_id": job.owner_id})

    @pytest.mark.parametrize(
        "event",
        [
            *({}, {"task": "x"}, {"task": "look"}, {"task": "look", "job_id": "1", "owner_id": 1}),
            *({"task": "look", "job_id": str(nobody()), "owner_id": wrong} for wrong in (True, "1", -1, 2**63, 10**30)),
        ],
    )
    def test_what_is_no_task_says_so(self, event: dict[str, Any]) -> None:
        with pytest.raises(BadInput):
            worker.step(event)

    def test_of_a_job_that_is_gone_nothing_is_left_to_do(self, cloud: Jobs) -> None:
        job = cloud.ask(3, backend="sagemaker")
        jobs_service.cancel(cloud.person.principal, job.job_id)
        jobs_service.remove(cloud.person.principal, job.job_id)
        assert self.call(job, "failed") == {"again": False}
        assert self.call(job, "release") == {}


def test_erasing_ends_jobs_and_waits_for_no_backend(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, owner_conn: psycopg.Connection[Any]
) -> None:
    job = jobs.ask(5, holds_at=2)
    running = jobs.until(job, "running", step=2)
    shell = jobs.shell(running)
    far = jobs.ask(5)
    owner_conn.execute(
        "update training_jobs set backend = 'sagemaker', status = 'running', attempt = 1 where job_id = %s",
        [far.job_id],
    )
    owner = db.Principal(jobs.person.user_id, login="worker")
    erase_jobs_service.end_jobs(owner, jobs.person.user_id)
    assert not jobs.place(job).exists()
    wait_for(lambda: local_training._begun(shell) is None)
    told = owner_conn.execute("select payload->>'backend' from outbox where topic = 'training.stop'").fetchall()
    assert sorted(told) == [("local",), ("sagemaker",)]
