"""`make invoke`: one event to one function in the emulator, on the database that `make run` uses."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.emulator import runtime

from anima.kernel.config import settings
from anima.operations import database

_NO_KEY = "anima_put-your-key-here"


def _with_key(text: str) -> str:
    """The event with this machine's own key where the file has none."""
    file = settings().data_dir / "cli.json"
    return text.replace(_NO_KEY, json.loads(file.read_text())["key"]) if file.is_file() else text


def _environment() -> dict[str, str]:
    names = ("ANIMA_", "SECRET_KEY", "OPENAI_", "OLLAMA_")
    ours = {name: value for name, value in os.environ.items() if name.startswith(names)}
    return {**ours, "ANIMA_DATA_DIR": str(settings().data_dir), "ANIMA_MODEL_DIR": str(settings().model_dir)}


def main(name: str, event_file: str) -> int:
    """Prints what the function answers; 1 where it failed."""
    if runtime.emulator() is None:
        print("the runtime interface emulator is not there for this system")
        return 1
    event: Any = json.loads(_with_key(Path(event_file).read_text()))
    with database.opened(), runtime.running(name, _environment()) as function:
        answer = function.invoke(event)
        failed = isinstance(answer, dict) and "errorType" in answer
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        if failed:
            print(function.log(), file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
