"""Builds the stack and deploys it with SAM, by the part of samconfig.toml that is named; then says where it answers.

python -m scripts.deploy dev | staging | prod [build | stack]: both steps, or that one
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from scripts.venvs import ROOT, ensure

# What CloudFormation prints at the end; the first admin's link among it signs in whoever reads it.
_OUTPUTS = "Outputs"
_SECRET = "Link"  # noqa: S105 - part of an output's name
_STEPS = ("build", "stack")


def main(arguments: list[str]) -> int:
    """Builds for the target that is named, and deploys there; answers the exit status."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    targets = [name for name in config if name != "version"]
    target, only = [*arguments, "", ""][:2]
    if target not in targets or only not in ("", *_STEPS) or len(arguments) > 2:
        print(f"say where ({', '.join(targets)}), and what if not all of it ({', '.join(_STEPS)})", file=sys.stderr)
        return 2
    sam = shutil.which("sam") or str(Path(ensure("sam")).parent / "sam")
    if only != "stack" and (status := _shown([sam, "build", "--config-env", target])):
        return status
    if only == "build":
        return 0
    deploy = [sam, "deploy", "--config-env", target, "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    if status := _shown(deploy):
        return status
    _tell(_outputs(sam, target, stack_name(config, target)))
    return 0


def stack_name(config: dict[str, dict[str, dict[str, dict[str, str]]]], target: str) -> str:
    """The name of the stack, as samconfig.toml has it."""
    for command in ("deploy", "global"):
        found = config[target].get(command, {}).get("parameters", {}).get("stack_name")
        if found:
            return found
    raise SystemExit(f"samconfig.toml names no stack for {target}")


def _shown(command: list[str]) -> int:
    """Runs a command and shows what it says, up to the outputs of the stack."""
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        quiet = False
        for line in process.stdout:
            quiet = quiet or line.strip() == _OUTPUTS or line.startswith("CloudFormation outputs from deployed stack")
            if not quiet:
                print(line, end="", flush=True)
        return process.wait()


def _outputs(sam: str, target: str, stack: str) -> dict[str, str]:
    command = [sam, "list", "stack-outputs", "--stack-name", stack, "--config-env", target, "--output", "json"]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True, check=True)
    return {one["OutputKey"]: one["OutputValue"] for one in json.loads(done.stdout)}


def _tell(outputs: dict[str, str]) -> None:
    """Shows the outputs, in a workflow none that signs somebody in, and hands its next steps the API's address."""
    watched = "GITHUB_ACTIONS" in os.environ
    for name, value in sorted(outputs.items()):
        print(f"{name}  {'(not shown in a log)' if watched and _SECRET in name else value}")
    if target := os.environ.get("GITHUB_OUTPUT"):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"api_url={outputs['ApiUrl']}\n")


def _environment() -> dict[str, str]:
    return {**os.environ, "SAM_CLI_TELEMETRY": "0"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
