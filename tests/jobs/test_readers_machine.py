"""The reader's state machine, run by an interpreter of its language: it starts the container and tells the queue."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".venvs" / "cloud" / "bin" / "ministack"
GIVEN = {"document_id": 7, "owner_id": 1, "uri": "s3://files/documents/7", "into": "parsed/1/7", "kind": "image"}


@dataclass
class Cloud:
    """Queues, containers that never really run, and state machines, on this machine."""

    url: str

    def client(self, service: str) -> Any:
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.url, **keys)

    def told(self, queue: str) -> list[dict[str, Any]]:
        found = self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    if not PROGRAM.is_file():
        pytest.skip("NO LOCAL CLOUD: `make test-cloud` installs it")
    url = f"http://127.0.0.1:{_free_port()}"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "GATEWAY_PORT": url.rpartition(":")[2],
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(tmp_path_factory.mktemp("cloud")),
    }
    process = subprocess.Popen(
        [str(PROGRAM)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while True:
            assert process.poll() is None
            try:
                httpx.get(f"{url}/_ministack/health", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield Cloud(url)
    finally:
        process.terminate()
        process.wait()


def definition(queue: str, task: str) -> str:
    """The machine as the template fills it in; only its pauses are shorter, and its tries fewer."""
    text = (ROOT / "infra" / "readers.asl.json").read_text()
    for name, value in {
        "RunTask": "arn:aws:states:::ecs:runTask.sync",
        "SendMessage": "arn:aws:states:::sqs:sendMessage",
        "Cluster": "readers",
        "TaskDefinition": task,
        "Subnets": "subnet-1,subnet-2",
        "PublicIp": "ENABLED",
        "QueueUrl": queue,
    }.items():
        text = text.replace(f"${{{name}}}", value)
    text = re.sub(r'"IntervalSeconds": \d+', '"IntervalSeconds": 1', text)
    return re.sub(r'"MaxAttempts": \d+', '"MaxAttempts": 1', text)


def started(cloud: Cloud, name: str, queue: str, task: str) -> str:
    states = cloud.client("stepfunctions")
    role = "arn:aws:iam::000000000000:role/readers"
    made = states.create_state_machine(name=name, definition=definition(queue, task), roleArn=role)
    execution = states.start_execution(
        stateMachineArn=made["stateMachineArn"], name="document-7-1", input=json.dumps(GIVEN)
    )
    return str(execution["executionArn"])


def ended(cloud: Cloud, execution: str) -> str:
    states = cloud.client("stepfunctions")
    while (status := states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        time.sleep(0.1)
    return str(status)


def test_when_the_container_has_stopped_the_queue_is_told(cloud: Cloud) -> None:
    ecs = cloud.client("ecs")
    ecs.create_cluster(clusterName="readers")
    container = {"name": "read-media", "image": "read-media", "memory": 128}
    made = ecs.register_task_definition(family="read-media", containerDefinitions=[container])
    queue = cloud.client("sqs").create_queue(QueueName="read")["QueueUrl"]
    execution = started(cloud, "reads", queue, made["taskDefinition"]["taskDefinitionArn"])
    while not (tasks := ecs.list_tasks(cluster="readers")["taskArns"]):
        time.sleep(0.05)
    (task,) = ecs.describe_tasks(cluster="readers", tasks=tasks)["tasks"]
    (override,) = task["overrides"]["containerOverrides"]
    (variable,) = override["environment"]
    assert variable["name"] == "ANIMA_JOB_CONFIG"
    assert json.loads(variable["value"]) == GIVEN
    assert cloud.told(queue) == []
    ecs.stop_task(cluster="readers", task=tasks[0])
    assert ended(cloud, execution) == "SUCCEEDED"
    (body,) = cloud.told(queue)
    assert body.pop("event_id")
    assert body == {
        "topic": "document.queued",
        "key": "document:7",
        "owner_id": 1,
        "payload": {"document_id": 7, "reading": "done"},
    }


def test_when_no_container_can_be_started_the_queue_is_told_so(cloud: Cloud) -> None:
    queue = cloud.client("sqs").create_queue(QueueName="failed")["QueueUrl"]
    assert ended(cloud, started(cloud, "fails", queue, "nothing:1")) == "FAILED"
    (body,) = cloud.told(queue)
    assert body["payload"] == {"document_id": 7, "reading": "failed"}
