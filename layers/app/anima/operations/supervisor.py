"""The local chat model beside the server: loaded in the background, started again when it dies, ended with us."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from anima.kernel import telemetry
from anima.operations import models, personas
from anima.operations.quiet import Quiet
from anima.operations.running import run_dir
from anima.vendors.llm.local_server import LocalModelFailed, LocalServer

_STEADY_SECONDS = 60.0
_TRIES = 3


class LocalModel:
    """Keeps one process of the model alive; three quick deaths in a row end the trying."""

    def __init__(self, tell: Callable[[str], None], quiet: Quiet) -> None:
        self._quiet = quiet
        self._tell = tell
        self._stopping = threading.Event()
        self._server: LocalServer | None = None

    def start(self, path: Path) -> None:
        """Begins to load it; turns that come meanwhile wait for it."""
        threading.Thread(target=self._keep, args=(path,), name="local-model", daemon=True).start()

    def stop(self) -> None:
        """Ends it. One that is still being loaded ends with this process."""
        self._stopping.set()
        if self._server is not None:
            self._server.stop()

    def _keep(self, path: Path) -> None:
        tries = 0
        while tries < _TRIES and not self._stopping.is_set():
            begun = time.monotonic()
            self._serve(path, first=tries == 0)
            steady = time.monotonic() - begun > _STEADY_SECONDS
            tries = 1 if steady else tries + 1
        if not self._stopping.is_set():
            self._tell("the local model does not stay alive; it is not tried again before the next start")

    def _serve(self, path: Path, *, first: bool) -> None:
        """One life of the process."""
        begun = time.monotonic()
        try:
            server = self._server = LocalServer.start(path, run_dir(), name=models.name())
        except (LocalModelFailed, OSError) as error:
            telemetry.error("local_model.failed", error)
            return
        seconds = time.monotonic() - begun
        telemetry.info("local_model.ready", model=server.model, seconds=round(seconds, 1))
        if first:
            self._tell(f"the local model is ready ({server.model}, {seconds:.0f} s)")
        personas.read_ahead(server, self._quiet)
        server.wait()
        if not self._stopping.is_set():
            telemetry.warning("local_model.ended", model=server.model)
