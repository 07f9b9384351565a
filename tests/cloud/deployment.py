"""The built template in the local cloud: `sam deploy`, what it answers, and its end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from scripts import cloud as builds
from scripts.venvs import python_of
from tests.cloud.place import Cloud
from tests.emulator.runtime import free_port

from fixtures.house import wait_for

STACK, STAGE = "anima-test", "test"
DEPLOY_SECONDS = 180


@dataclass(slots=True)
class Deployment:
    """The stack of this run."""

    cloud: Cloud
    parameters: dict[str, str]
    seconds: list[float] = field(default_factory=list)

    def deploy(self, **changed: str) -> None:
        """Deploys, or deploys again with other parameters; waits until the stack is complete."""
        self.parameters |= changed
        given = [f"{name}={value}" for name, value in self.parameters.items()]
        started = time.monotonic()
        self._sam(
            *("deploy", "--template-file", str(builds.BUILT / "template.yaml"), "--resolve-s3", "--no-progressbar"),
            *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset"),
            *("--parameter-overrides", *given),
        )
        self.seconds.append(round(time.monotonic() - started, 1))

    def delete(self) -> None:
        """Takes the stack down. Not by `sam delete`, which knows nested templates only at addresses of AWS."""
        formation = self.cloud.client("cloudformation")
        formation.delete_stack(StackName=STACK)
        formation.get_waiter("stack_delete_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 90}
        )

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack says of itself."""
        found = self.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def function(self, name: str) -> Mapping[str, Any]:
        """The configuration of a function."""
        answer: Mapping[str, Any] = self.cloud.client("lambda").get_function_configuration(
            FunctionName=f"anima-{STAGE}-{name}"
        )
        return answer

    def layers(self) -> dict[str, int]:
        """Bytes of each layer's archive."""
        found = self.cloud.client("lambda").list_layers()["Layers"]
        arns = {each["LayerName"]: each["LatestMatchingVersion"]["LayerVersionArn"] for each in found}
        get = self.cloud.client("lambda").get_layer_version_by_arn
        return {name: get(Arn=arn)["Content"]["CodeSize"] for name, arn in arns.items()}

    def version(self, name: str) -> str:
        """The version that traffic reaches."""
        alias = self.cloud.client("lambda").get_alias(FunctionName=f"anima-{STAGE}-{name}", Name="live")
        return str(alias["FunctionVersion"])

    def invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        """What a function answers to an event."""
        answer = self.cloud.client("lambda").invoke(
            FunctionName=f"anima-{STAGE}-{name}:live", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    def _sam(self, verb: str, *arguments: str) -> None:
        sam = str(python_of("sam").parent / "sam")
        done = subprocess.run(
            [sam, verb, "--stack-name", STACK, *arguments],
            cwd=builds.SOURCE,
            env={**os.environ, **self.cloud.credentials, "SAM_CLI_TELEMETRY": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEPLOY_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{_told(done)}\n{self.failures()}"

    def failures(self) -> str:
        """What the cloud could not make, and why."""
        return "\n".join(
            line for line in self.cloud.log().splitlines() if re.search(r"ERROR|WARNING|Traceback|Failed|Error", line)
        )


def _told(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@contextmanager
def streaming(deployment: Deployment, stub_url: str) -> Iterator[str]:
    """What Lambda Web Adapter finds: the built app of chat_stream on its port, with what the function was given."""
    built, port = builds.BUILT, str(free_port())
    layers = [str(built / name / "python") for name in ("DepsLayer", "EmbedderLayer", "AppLayer")]
    environment = {
        **deployment.function("chat-stream")["Environment"]["Variables"],
        **deployment.cloud.credentials,
        "OPENAI_BASE_URL": stub_url,
        "ANIMA_MODEL_DIR": str(built / "EmbedderLayer" / "models"),
        "PYTHONPATH": os.pathsep.join(layers),
        "PATH": f"{deployment.cloud.folder}{os.pathsep}{os.environ['PATH']}",
        "AWS_LWA_PORT": port,
    }
    process = subprocess.Popen(["sh", "run.sh"], cwd=built / "ChatStreamFunction", env=environment)
    try:
        wait_for(lambda: _healthy(f"http://127.0.0.1:{port}/healthz"), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False
