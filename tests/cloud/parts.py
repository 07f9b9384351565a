"""One cloud, one database, one stub of a provider and one deployment for the whole run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from scripts import cloud as builds
from tests.cloud import place
from tests.cloud.deployment import STAGE, Deployment

from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.processes import pid_file
from anima.kernel.postgres.urls import with_database
from fixtures.stub_llm import StubLLM


@pytest.fixture(scope="session")
def stub_provider() -> Iterator[StubLLM]:
    """What functions take for OpenAI."""
    stub = StubLLM()
    yield stub
    stub.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, stub_provider: StubLLM) -> Iterator[place.Cloud]:
    """The local cloud; what it wrote is kept in build/cloud."""
    folder = tmp_path_factory.mktemp("cloud")
    started = place.start(folder / "place", OPENAI_BASE_URL=stub_provider.url)
    yield started
    started.close()
    (builds.PLACE / "cloud.log").write_text(started.log())
    jobs = sorted((folder / "place" / "jobs").glob("*/log"))
    (builds.PLACE / "jobs.log").write_text("\n".join(f"{log.parent.name}\n{log.read_text()}" for log in jobs))
    builds.note(not_played=sorted({each["type"] for each in started.not_played()}))
    # Gigabytes: every copy of a function has its layers unpacked.
    shutil.rmtree(folder)


@dataclass(slots=True)
class Postgres:
    """The database of the deployment, on a server that a test may kill."""

    server: Server
    owner_url: str

    def kill(self) -> None:
        """kill -9 of the whole server."""
        held = pid_file(self.server.data_dir / "pgdata")
        assert held is not None
        os.kill(held.pid, signal.SIGKILL)

    def start(self) -> None:
        """The server is there again, where it was."""
        self.server = self.server.ensure()

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the owner, who sees everything, finds."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="session")
def postgres(cluster: Server) -> Postgres:
    """An empty database, as somebody who just made an account has it."""
    with psycopg.connect(with_database(cluster.owner_url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier("cloud")))
    return Postgres(cluster, with_database(cluster.owner_url, "cloud"))


def _archive(name: str, content: str) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr(name, content)
    return held.getvalue()


@pytest.fixture(scope="session")
def deployment(cloud: place.Cloud, postgres: Postgres) -> Iterator[Deployment]:
    """The template, deployed with the parameters that its users give."""
    key = cloud.client("secretsmanager").create_secret(
        Name="provider", SecretString=json.dumps({"openai_api_key": "a-key-of-the-stub"})
    )
    # The adapter is a layer of AWS's own account; one of ours stands in its place and is never asked.
    adapter = cloud.client("lambda").publish_layer_version(
        LayerName="web-adapter", Content={"ZipFile": _archive("bootstrap", "#!/bin/sh\nexit 1\n")}
    )
    made = Deployment(
        cloud,
        {
            "Stage": STAGE,
            "DatabaseUrl": postgres.owner_url,
            "ChatKeySecretArn": key["ARN"],
            "WebAdapterLayerArn": adapter["LayerVersionArn"],
            # An image that nobody fetches: what it would hold runs as a process.
            "TrainingImage": "111111111111.dkr.ecr.eu-central-1.amazonaws.com/anima-jobs:1",
            "TrainingCycleMinutes": "1440",
        },
    )
    made.deploy()
    builds.note(layers_zipped=made.layers())
    yield made
    builds.note(deploy_s=made.seconds)


@dataclass(slots=True)
class Administrator:
    """Who was given the first link; `http` sends the key that was made with it."""

    link: str
    password: str = "a password of the administrator"
    key: str = ""


@pytest.fixture(scope="session")
def administrator(deployment: Deployment) -> Administrator:
    """The administrator, who has only the link at first."""
    return Administrator(deployment.outputs["FirstAdminLink"])


@pytest.fixture
def http(deployment: Deployment, administrator: Administrator) -> Iterator[httpx.Client]:
    """The deployed API, asked by the administrator."""
    with deployment.cloud.http(deployment.outputs["ApiUrl"]) as client:
        if administrator.key:
            client.headers["Authorization"] = f"Bearer {administrator.key}"
        yield client
