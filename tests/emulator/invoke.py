"""`make invoke`: one event to one function in the emulator, on the database that `make run` uses."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from scripts.venvs import ROOT
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


@contextmanager
def _told(event: Any) -> Iterator[Any]:
    """The event, and where it is CloudFormation's, somebody at its ResponseURL who prints the answer."""
    if not isinstance(event, dict) or "ResponseURL" not in event:
        yield event
        return

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answer = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            print(json.dumps({"told to CloudFormation": answer}, indent=2, ensure_ascii=False))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the answer is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {**event, "ResponseURL": f"http://127.0.0.1:{server.server_port}/"}
        server.shutdown()


def _invoke(name: str, event: Any) -> int:
    with _told(event) as asked, runtime.running(name, _environment()) as function:
        answer = function.invoke(asked)
        failed = isinstance(answer, dict) and "errorType" in answer
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        if failed:
            print(function.log(), file=sys.stderr)
    return int(failed)


def _stream(name: str, event: Mapping[str, Any]) -> int:
    """The event's request to a function that is a server, as Lambda Web Adapter would make it."""
    headers = {key: event["headers"][key] for key in ("Accept", "Authorization", "Content-Type")}
    with (
        runtime.serving(name, _environment()) as url,
        httpx.stream(
            event["httpMethod"], url + event["path"], content=event["body"], headers=headers, timeout=120
        ) as response,
    ):
        for text in response.iter_text():
            print(text, end="", flush=True)
        print()
    return int(response.is_error)


def main(name: str, event_file: str) -> int:
    """Prints what the function answers; 1 where it failed, 2 where there is no such function or event."""
    folder = ROOT / "functions" / name
    if not (folder / "handler.py").is_file():
        there = ", ".join(sorted(one.parent.name for one in folder.parent.glob("*/handler.py")))
        print(f"there is no function {name}; there are: {there}", file=sys.stderr)
        return 2
    if not Path(event_file).is_file():
        print(f"there is no file {event_file}; samples are in events", file=sys.stderr)
        return 2
    streams = (folder / "run.sh").is_file()
    if not streams and runtime.emulator() is None:
        print("the runtime interface emulator is not there for this system", file=sys.stderr)
        return 1
    event: Any = json.loads(_with_key(Path(event_file).read_text()))
    with database.opened():
        return _stream(name, event) if streams else _invoke(name, event)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
