"""`anima up`, `down`, `status`, `settings`: the server of this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import connection, output
from anima.kernel import telemetry, watch
from anima.kernel.config import Settings, server_url, settings
from anima.kernel.errors import AnimaError
from anima.operations import running
from anima.operations.idle import IdleExit
from anima.operations.stop import Stop, Stopped

if TYPE_CHECKING:
    import uvicorn

_STOP_SECONDS = 30.0


class NotStopped(AnimaError):
    """The server (process {pid}) did not stop within {seconds:g} s."""

    slug = "not-stopped"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("settings")(show_settings)


def _tell(text: str) -> None:
    print(text, flush=True)


def _welcome(url: str) -> None:
    connection.tell_first_user(_tell)
    _tell(f"\n  Anima is at {url}\n  Ctrl-C stops it; nothing is lost.\n")


def _server(idle_exit: float, stop: Stop, around: Callable[[Any], Any], busy: Callable[[], bool]) -> uvicorn.Server:
    """The server of all apps; with `idle_exit` it asks for the end after so many seconds with nothing to do."""
    import uvicorn

    from anima.app.main import local
    from anima.operations.host import GRACE_SECONDS
    from anima.socket.incoming import LARGEST_MESSAGE

    app = around(local())
    if idle_exit > 0:
        app = IdleExit(app, idle_exit, stop.ask, busy)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # frames are small, and its tables are not
    )
    return uvicorn.Server(config)


def up(
    idle_exit: Annotated[float, typer.Option(hidden=True, help="Stop after so many idle seconds; 0 never.")] = 0,
) -> None:
    """Start everything: database, models, workers, server. The page is at the address it prints."""
    from anima.operations import host
    from anima.vendors.assets import console_progress

    stop = Stop()
    stop.listen()
    asked_for = "log_level" in settings().model_fields_set
    telemetry.configure(settings().log_level if idle_exit or asked_for else "warning")
    watch.start()
    welcome = (lambda url: _tell(f"serving at {url}")) if idle_exit else _welcome
    try:
        with running.alone():
            host.run(_tell, console_progress, stop, partial(_server, idle_exit, stop), welcome)
    except Stopped:
        _tell("stopped before it was up; nothing is lost")
    except AnimaError:
        if not stop.wanted:  # a Ctrl-C reaches the programs that we started, too
            raise
    else:
        _tell("stopped")
    _leave()


def _leave() -> None:
    """Ends at once where a call is still under way: what it leaves is closed at the next start."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stdout.flush()
        os._exit(0)


def down() -> None:
    """Stop the server of this machine, as Ctrl-C would."""
    pid = running.holder()
    if not pid:
        _tell("nothing runs here")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running.holder() == pid:
        if time.monotonic() > deadline:
            raise NotStopped(pid=pid, seconds=_STOP_SECONDS)
        time.sleep(0.1)
    _tell("stopped")


def status(as_json: output.AsJson = False) -> None:
    """Say whether the server of this machine runs, and where; exit status 1 where it does not."""
    pid, url = running.holder(), connection.running_url()
    state = "running" if url else "starting or stopping" if pid is not None else "stopped"
    fields = {"state": state, "url": url or server_url(settings()), "process": pid or None}
    data_dir = str(settings().data_dir)
    output.print_fields({**fields, "data": data_dir}, as_json=as_json)
    if url is None:
        raise typer.Exit(1)


def show_settings(as_json: output.AsJson = False) -> None:
    """List every setting with its present value (secrets hidden) and what it is for."""
    present = settings().model_dump()
    rows = [
        {
            "name": _name(field, info),
            "value": "" if present[field] is None else str(present[field]),
            "description": info.description,
        }
        for field, info in Settings.model_fields.items()
    ]
    output.print_rows(rows, ["name", "value", "description"], as_json=as_json, empty="")


def _name(field: str, info: Any) -> str:
    alias = getattr(info.validation_alias, "choices", None)
    return str(alias[0]) if alias else f"ANIMA_{field.upper()}"
