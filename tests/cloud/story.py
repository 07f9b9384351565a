"""The story of a deployment, from its first minute to its last; each test goes on where the one before it ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.cloud import socket_client
from tests.cloud.deployment import STACK, STAGE, Deployment, streaming

from fixtures.house import wait_for
from fixtures.stub_llm import StubLLM

if TYPE_CHECKING:
    from tests.cloud.parts import Administrator, Postgres

pytest_plugins = ["tests.cloud.parts"]

NOTE = "The harbour crane of Vellin is greased with seal fat every second Tuesday."
QUESTION = "What is the harbour crane greased with?"


SMALL = {
    "global_settings": {"mode": "MAX", "max_steps": 600, "seed": 7},
    "environment": {"id": "CartPole-v1"},
    "rl_plugin": {"backend": "numpy", "learning_starts": 100},
}
ENDED = {"completed", "failed", "cancelled", "paused"}


def executions(deployment: Deployment) -> list[dict[str, Any]]:
    """The executions of the machine of jobs."""
    states = deployment.cloud.client("stepfunctions")
    (machine,) = (one for one in states.list_state_machines()["stateMachines"] if one["name"].endswith("-training"))
    found: list[dict[str, Any]] = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    return found


def facts(http: httpx.Client, avatar: str) -> list[dict[str, Any]]:
    """What the avatar knows of olives."""
    found: list[dict[str, Any]] = http.get(f"/api/v1/avatars/{avatar}/facts").json()["items"]
    return [fact for fact in found if "olive" in json.dumps(fact)]


def chat(http: httpx.Client, message: str, **more: Any) -> dict[str, Any]:
    """One turn that succeeds."""
    answer = http.post("/api/v1/chat", json={"message": message, **more})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """What one test leaves to the next."""
    return {}


def test_the_outputs_name_where_it_is(deployment: Deployment) -> None:
    outputs = deployment.outputs
    for name, scheme in {"ApiUrl": "https", "StreamUrl": "https", "SocketUrl": "wss", "ConsoleUrl": "https"}.items():
        assert urlsplit(outputs[name]).scheme == scheme, name
    assert outputs["FirstAdminLink"].startswith(outputs["ApiUrl"])
    assert outputs["BucketName"]


def test_the_set_up_migrated_an_empty_database(deployment: Deployment, postgres: Postgres) -> None:
    assert postgres.ask("select count(*) > 5 from schema_migrations") == [(True,)]
    again = deployment.invoke("migrate", {"phase": None, "dry_run": True})
    assert again["migrations"] == []


def test_no_function_knows_the_owner(deployment: Deployment, postgres: Postgres) -> None:
    password = urlsplit(postgres.owner_url).password
    assert password
    for name in ("chat", "retrieve", "manage", "ingest", "reflect", "training", "outbox", "migrate"):
        assert password not in json.dumps(deployment.function(name)["Environment"]), name


def test_without_a_key_the_door_stays_shut(http: httpx.Client) -> None:
    answer = http.get("/api/v1/users/me")
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"].endswith("/unauthenticated")


def test_the_first_link_makes_the_administrator(http: httpx.Client, administrator: Administrator) -> None:
    """The link sets a password once, which signs in; then a key is made with it."""
    token = urlsplit(administrator.link).fragment
    body = {"link": token, "password": administrator.password}
    assert http.post("/api/v1/password", json=body).is_success
    assert http.post("/api/v1/password", json=body).status_code == 410
    signed = http.post("/api/v1/token", data={"username": "admin", "password": administrator.password}).json()
    bearer = {"Authorization": f"Bearer {signed['access_token']}"}
    assert "admin" in http.get("/api/v1/users/me", headers=bearer).json()["roles"]
    administrator.key = http.post("/api/v1/api-keys", json={"name": "cloud"}, headers=bearer).json()["key"]


def test_a_turn(http: httpx.Client, known: dict[str, Any], postgres: Postgres, stub_provider: StubLLM) -> None:
    avatar = http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"})
    assert avatar.status_code == 201, avatar.text
    known["avatar"] = avatar.json()["avatar_id"]
    stub_provider.script("Hello Diego.")
    said = chat(http, "Hello, I am Diego and I hate olives.", avatar_id=known["avatar"])
    assert said["content"] == "Hello Diego."
    kept = postgres.ask(
        "select role, content from messages where session_id = %s order by message_id", said["session_id"]
    )
    assert kept == [("user", "Hello, I am Diego and I hate olives."), ("assistant", "Hello Diego.")]


def test_what_follows_a_turn_comes_over_the_queue(http: httpx.Client, known: dict[str, Any]) -> None:
    """Nobody calls the outbox: the function that took the turn sends, the queue brings it to the other."""
    found = wait_for(lambda: facts(http, known["avatar"]), 90)
    assert len(found) == 1


def test_a_document_comes_over_the_queue_and_is_found(http: httpx.Client, known: dict[str, Any]) -> None:
    sent = http.post("/api/v1/documents", json={"title": "Harbour", "text": NOTE})
    assert sent.status_code == 202, sent.text
    known["document"] = sent.json()["document_id"]
    shown = f"/api/v1/documents/{known['document']}"
    wait_for(lambda: http.get(shown).json()["state"] == "done", 90)
    hits = http.post("/api/v1/search", json={"query": QUESTION}).json()["hits"]
    assert [hit["document_id"] for hit in hits] == [known["document"]]


def test_a_file_lies_in_the_bucket(http: httpx.Client, deployment: Deployment) -> None:
    text = b"The ferry to Vellin leaves at noon from the northern pier."
    sent = http.post("/api/v1/documents", files={"file": ("ferry.txt", text, "text/plain")})
    assert sent.status_code == 202, sent.text
    held = deployment.cloud.client("s3").list_objects_v2(Bucket=deployment.outputs["BucketName"])
    assert {each["Size"] for each in held["Contents"]} == {len(NOTE), len(text)}
    wait_for(lambda: http.get(f"/api/v1/documents/{sent.json()['document_id']}").json()["state"] == "done", 90)


def test_it_streams_from_its_port(
    deployment: Deployment, administrator: Administrator, stub_provider: StubLLM, known: dict[str, Any]
) -> None:
    body = {"avatar_id": known["avatar"], "message": QUESTION, "stream": True}
    bearer = {"Authorization": f"Bearer {administrator.key}"}
    with (
        streaming(deployment, stub_provider.url) as url,
        httpx.stream("POST", f"{url}/api/v1/chat", json=body, headers=bearer, timeout=60, trust_env=False) as answer,
    ):
        names = [line[7:] for line in answer.iter_lines() if line.startswith("event: ")]
    assert names[0] == "started"
    assert names[-1] == "done"
    assert names.count("token") > 1


def test_a_one_shot_schedule_fires(deployment: Deployment, postgres: Postgres, known: dict[str, Any]) -> None:
    """What was emitted armed a wake; an event that nobody sent is sent by it, and what it does is not done twice."""
    scheduler, group = deployment.cloud.client("scheduler"), f"anima-{STAGE}"
    armed = scheduler.list_schedules(GroupName=group)["Schedules"]
    assert armed
    postgres.ask(
        "update outbox set delivered_at = null, next_attempt_at = now() where topic = 'turn.finished' returning true"
    )
    wake = scheduler.get_schedule(GroupName=group, Name=armed[0]["Name"])
    assert wake["ActionAfterCompletion"] == "DELETE"
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    kept = {name: wake[name] for name in ("GroupName", "Name", "Target", "FlexibleTimeWindow", "ActionAfterCompletion")}
    scheduler.update_schedule(ScheduleExpression=soon, ScheduleExpressionTimezone="UTC", **kept)
    wait_for(lambda: postgres.ask("select 1 from outbox having count(*) = count(delivered_at)"), 60)
    left = scheduler.list_schedules(GroupName=group)["Schedules"]
    assert armed[0]["Name"] not in [each["Name"] for each in left]


def test_a_job_runs_in_the_state_machine(http: httpx.Client, deployment: Deployment, postgres: Postgres) -> None:
    """Asked for over HTTP, begun over the queue, run as in SageMaker, registered; then its GPU is given back."""
    asked = http.post("/api/v1/jobs", json={"name": "cart", "gpus": 1, "simulation": SMALL})
    assert asked.status_code == 202, asked.text
    shown = f"/api/v1/jobs/{asked.json()['job_id']}"
    wait_for(lambda: http.get(shown).json()["status"] in ENDED, 240)
    job = http.get(shown).json()
    assert (job["status"], job["error"]) == ("completed", None)
    assert job["result"]["steps"] == SMALL["global_settings"]["max_steps"]
    assert job["registered_model"]["name"]
    assert postgres.ask("select count(*), count(released_at) from gpu_sessions") == [(1, 1)]
    wait_for(lambda: executions(deployment)[0]["status"] != "RUNNING", 60)  # its last state is after all of this
    (execution,) = executions(deployment)
    assert execution["status"] == "SUCCEEDED"
    history = deployment.cloud.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])
    assert "ThrottlingException: Rate exceeded" in json.dumps(history["events"], default=str)


def test_a_job_whose_execution_is_stopped_by_hand_gives_its_gpu_back(
    http: httpx.Client, deployment: Deployment, postgres: Postgres
) -> None:
    long = {**SMALL, "global_settings": {**SMALL["global_settings"], "max_steps": 2_000_000}}
    job = http.post("/api/v1/jobs", json={"name": "long", "gpus": 1, "simulation": long}).json()["job_id"]
    wait_for(lambda: postgres.ask("select 1 from gpu_sessions where released_at is null"), 120)
    (running,) = (one for one in executions(deployment) if one["status"] == "RUNNING")
    deployment.cloud.client("stepfunctions").stop_execution(executionArn=running["executionArn"])
    wait_for(lambda: postgres.ask("select 1 from gpu_sessions having count(*) = count(released_at)"), 120)
    assert http.get(f"/api/v1/jobs/{job}").json()["status"] in {"failed", "cancelled"}


def test_the_schedule_of_jobs_recurs_with_jitter(deployment: Deployment) -> None:
    made = deployment.cloud.client("scheduler").get_schedule(Name=f"anima-{STAGE}-training-cycle")
    assert made["ScheduleExpression"] == "rate(1440 minutes)"
    assert made["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}


def test_the_socket_opens(deployment: Deployment, administrator: Administrator) -> None:
    status = socket_client.handshake(deployment.cloud.url, deployment.outputs["SocketUrl"], administrator.key)
    assert status == 101
    assert socket_client.handshake(deployment.cloud.url, deployment.outputs["SocketUrl"], "anima_wrong") != 101


def test_a_killed_database_comes_back(
    http: httpx.Client, postgres: Postgres, known: dict[str, Any], stub_provider: StubLLM
) -> None:
    """While it is away the caller is asked to come again; when it is there, everything is, in the same functions."""
    postgres.kill()
    away = http.post("/api/v1/search", json={"query": QUESTION})
    assert away.status_code == 503, away.text
    assert int(away.headers["retry-after"]) > 0
    postgres.start()
    hits = http.post("/api/v1/search", json={"query": QUESTION}).json()["hits"]
    assert known["document"] in [hit["document_id"] for hit in hits]
    stub_provider.script("Good evening.")
    assert chat(http, "Good evening.", avatar_id=known["avatar"])["content"] == "Good evening."
    assert len(facts(http, known["avatar"])) == 1


def test_a_second_deployment_moves_the_alias(deployment: Deployment, http: httpx.Client, known: dict[str, Any]) -> None:
    """Another setting makes a new version; traffic reaches it by the alias, and what was known still is."""
    before, link = deployment.version("chat"), deployment.outputs["FirstAdminLink"]
    deployment.deploy(LogLevel="debug")
    assert int(deployment.version("chat")) == int(before) + 1
    assert deployment.outputs["FirstAdminLink"] == link
    assert chat(http, "And now?", avatar_id=known["avatar"])["content"]
    assert len(facts(http, known["avatar"])) == 1


def test_it_is_taken_down(deployment: Deployment, postgres: Postgres) -> None:
    """No stack, function or schedule is left; the database, which is not its own, has all that was said."""
    deployment.delete()
    stacks = deployment.cloud.client("cloudformation").list_stacks()["StackSummaries"]
    left = [each["StackName"] for each in stacks if not each["StackStatus"].startswith("DELETE")]
    assert [name for name in left if name.startswith(STACK)] == []
    assert deployment.cloud.client("lambda").list_functions()["Functions"] == []
    assert deployment.cloud.client("scheduler").list_schedules(GroupName=f"anima-{STAGE}")["Schedules"] == []
    assert postgres.ask("select count(*) > 0 from messages") == [(True,)]
