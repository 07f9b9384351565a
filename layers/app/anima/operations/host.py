"""The whole of Anima on one machine: database, models, workers and server, started and stopped together."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Protocol

from anima.kernel import telemetry
from anima.kernel.config import server_url, settings
from anima.kernel.errors import Conflict
from anima.operations import database, deliverer, first_use, maintenance, models, running
from anima.operations.quiet import Quiet
from anima.operations.stop import Interruptible, Stop
from anima.operations.supervisor import LocalModel
from anima.vendors.assets import Progress
from anima.vendors.job_backends import training as jobs

Tell = Callable[[str], None]
Show = Callable[[], AbstractContextManager[Progress]]
GRACE_SECONDS = 4
"""What is being answered may go on for so long when the end is wished for."""
_TURN_SECONDS = 2.0


class Server(Protocol):
    """What answers at a door, as uvicorn does."""

    should_exit: bool

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until it should exit."""


MakeServer = Callable[[Callable[[Any], Any], Callable[[], bool]], Server]


class PortTaken(Conflict):
    """Another program has port {port} of {host}: stop it, or set ANIMA_PORT to another one (0: any that is free)."""

    slug = "port-taken"


def bound() -> socket.socket:
    """The address of the settings, taken before anything is started; nobody is answered yet. Raises PortTaken."""
    host, port = settings().host, settings().port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen(128)
    except OSError as error:
        door.close()
        if isinstance(error, PermissionError) or error.errno is None:
            raise
        raise PortTaken(host=host, port=port) from None
    return door


def url_of(door: socket.socket) -> str:
    """Where people of this machine reach the server."""
    configured = settings()
    if configured.public_url or configured.port:
        return server_url(configured)
    return f"{server_url(configured).rpartition(':')[0]}:{door.getsockname()[1]}"


def prepare(tell: Tell, show: Show, stop: Stop, resources: ExitStack) -> Path | None:
    """Models, database, schema and first user; answers the local chat model's file where it is needed.

    Raises Stopped between two steps.
    """
    with show() as progress:
        chat_model = models.fetch(Interruptible(progress, stop))
    stop.check()
    resources.enter_context(database.opened())
    stop.check()
    if applied := database.migrate():
        tell(f"database ready, {len(applied)} migrations applied")
    stop.check()
    first_use.ensure()
    _close_what_was_cut()
    stop.check()
    return chat_model


def _close_what_was_cut() -> None:
    """Turns that a killed predecessor left open are closed, so that their sessions go on."""
    from anima.chat import cut_service as turns

    before = running.last_known()
    turns.close_cut(before.instance if before else None)


def _look_after_jobs() -> None:
    """Jobs that a killed predecessor began are found again, or go on from their checkpoints."""
    try:
        deliverer.look_after_jobs(began=True)
    except Exception as error:  # the day's maintenance looks again
        telemetry.error("training.not_looked_after", error)


def _say_where(url: str) -> None:
    """Says to other processes that this one serves."""
    from anima.chat import service as chat

    running.announce(url, chat.INSTANCE)


def run(tell: Tell, show: Show, stop: Stop, make_server: MakeServer, welcome: Tell) -> None:
    """Starts everything, serves until the end is wished for, and ends everything in order.

    `make_server` gets a wrapper of the app, and how to ask whether something is being worked on.
    Raises PortTaken, and whatever hinders the start; Stopped where the wish came before it served.
    """
    with ExitStack() as resources:
        door = resources.enter_context(bound())
        quiet = Quiet()
        model = LocalModel(tell, quiet)
        # Ends last: what waits for the model then fails for want of a database, and so is done again.
        resources.callback(model.stop)
        chat_model = prepare(tell, show, stop, resources)
        routes = dict(deliverer.workers())
        if chat_model is not None:
            routes["turn.finished"] = quiet.before(routes["turn.finished"])
        delivering = deliverer.Deliverer(routes, upkeep=maintenance.Daily())
        server = make_server(quiet.around, lambda: delivering.busy() or jobs.running_here())
        stop.check()
        _say_where(url_of(door))
        delivering.start()
        resources.callback(delivering.stop)
        _look_after_jobs()
        if chat_model is not None:
            model.start(chat_model)
        _serve(server, door, stop, lambda: welcome(url_of(door)))


def _serve(server: Server, door: socket.socket, stop: Stop, welcome: Callable[[], None]) -> None:
    """Serves in a thread: one call that does not end must not keep the rest from ending."""

    def serve() -> None:
        try:
            server.run(sockets=[door])
        finally:
            stop.ask()

    thread = threading.Thread(target=serve, name="server", daemon=True)
    thread.start()
    welcome()
    stop.wait()
    server.should_exit = True
    deadline = time.monotonic() + GRACE_SECONDS + _TURN_SECONDS
    thread.join(deadline - time.monotonic())
    # Turns whose listener was sent away just now store what was said until then.
    for turn in (one for one in threading.enumerate() if one.name == "turn"):
        turn.join(max(0.0, deadline - time.monotonic()))
