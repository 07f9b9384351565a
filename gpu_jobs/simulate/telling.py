"""Whom a run tells how it goes: its log, the plugins of its file, and what stores of knowledge said at its start.

None of them can stop it: what fails is written into the log, and the run goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from anima.kernel.errors import AnimaError

from .calling import key_for, posted
from .trajectory import disk_guarded

MOST_SHOWN = 20_000
"""Letters of what was found that a plugin is shown."""
_TIMEOUT = 5.0
_MEASURED = "measured"


class Telling:
    """The log and the plugins of one run; `own` says that nobody else started it (see `calling`).

    `say` hears each line of the log but what was measured, which a job's metrics have.
    """

    def __init__(
        self,
        simulation: Any,
        folder: Path,
        resume_step: int,
        *,
        own: bool = True,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._simulation, self._folder, self._own = simulation, folder, own
        self._log = _logger(simulation, folder)
        if self._log is not None and say is not None:
            self._log.addHandler(_Said(say))
        self._plugins = [each for each in simulation.plugins if each.enabled]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="plugins") if self._plugins else None
        self._under_way: Future[None] | None = None
        self.found = self._known()
        word = "goes on" if resume_step else "begins"
        self.said(
            "INFO", word, step=resume_step, label=simulation.physics().label, environment=simulation.environment.id
        )

    def said(self, level: str, message: str, **values: Any) -> None:
        """A line of the log."""
        if self._log is not None:
            self._log.log(logging.getLevelNamesMapping()[level], message, extra={"values": values})

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """What was measured at a step: into the log, and to the plugins, unless they are still busy with the last."""
        self.said("INFO", _MEASURED, step=step, **values)
        if self._thread is None or (self._under_way is not None and not self._under_way.done()):
            return
        shown = prompt(self._simulation, step, values, self.found)
        self._under_way = self._thread.submit(self._send, {"step": step, "prompt": shown, **_told(values)})

    def close(self) -> None:
        """Ends; a plugin that is being told may finish."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        if self._log is not None:
            self.said("INFO", "ends")
            for handler in self._log.handlers:
                handler.close()

    def _send(self, body: dict[str, Any]) -> None:
        for plugin in self._plugins:
            try:
                answer = posted(plugin.config.url, body, plugin.config.timeout_seconds, own=self._own)
                self.said("DEBUG", "told a plugin", plugin=plugin.name, answer=answer[:200])
            except (OSError, AnimaError) as error:
                self.said("WARNING", "a plugin did not answer", plugin=plugin.name, reason=str(error)[:200])

    def _known(self) -> list[dict[str, Any]]:
        """What the stores of knowledge say, once for a run; it lies in `knowledge.json` of its folder."""
        asked = self._simulation.knowledge_base
        kept = self._folder / "knowledge.json"
        if not asked.stores:
            return []
        if kept.exists():
            found: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
            return found
        found = self._searched()
        with disk_guarded(self._folder):
            kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
        return found

    def _searched(self) -> list[dict[str, Any]]:
        asked = self._simulation.knowledge_base
        query = asked.query or self._simulation.environment.id
        body = {"query": query, "purposes": list(asked.stores), "top_k": asked.limit}
        url = f"{asked.url.rstrip('/')}/api/v1/search"
        key = key_for(asked.url) if self._own else None  # of whoever started the server, not of the run's person
        try:
            hits = json.loads(posted(url, body, _TIMEOUT, own=self._own, key=key))["hits"]
            return [{"store": hit["purpose"], "title": hit["title"], "text": hit["text"]} for hit in hits]
        except (OSError, AnimaError, ValueError, KeyError, TypeError) as error:
            self.said("WARNING", "the stores of knowledge did not answer", url=asked.url, reason=str(error)[:200])
            return []


def prompt(simulation: Any, step: int, values: Mapping[str, float], found: list[dict[str, Any]]) -> str:
    """How much of the state plugins and their language models are shown, as words; by `prompt_mode`."""
    mode = simulation.global_settings.prompt_mode
    if mode == "NONE":
        return ""
    felt = {name.removeprefix("c."): value for name, value in values.items() if name.startswith("c.")}
    shown = [f"Step {step} of {simulation.global_settings.max_steps} in {simulation.environment.id}."]
    shown.append("Modulators (nM): " + ", ".join(f"{name} {value:.4g}" for name, value in felt.items()) + ".")
    if mode == "FULL":
        shown += [f"{name}: {value:.6g}." for name, value in values.items() if not name.startswith("c.")]
        shown += [f"Known ({each['store']}): {each['text']}" for each in found]
    return "\n".join(shown)[:MOST_SHOWN]


def _told(values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[name] for name in ("return_mean", "cumulative_reward") if name in values}


class _Lines(logging.Formatter):
    """Lines of words, or of JSON."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        values = getattr(record, "values", {})
        if self._as_json:
            told = {"at": self.formatTime(record), "level": record.levelname, "message": record.getMessage()}
            return json.dumps({**told, **values}, default=str)
        said = " ".join(f"{name}={value}" for name, value in values.items())
        return f"{super().format(record)} {said}".rstrip()


class _Said(logging.Handler):
    """Lines of words, without what was measured, for whoever reads what the run says."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self.setFormatter(_Lines(as_json=False))

    def emit(self, record: logging.LogRecord) -> None:
        """Says a line."""
        if record.msg != _MEASURED:
            self._say(self.format(record))


def _logger(simulation: Any, folder: Path) -> logging.Logger | None:
    settings = simulation.global_settings
    if not settings.enable_logging:
        return None
    logger = logging.Logger(f"simulation {folder}", settings.log_level)  # its own: runs do not share handlers
    path = folder / simulation.logging.file
    with disk_guarded(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Lines(as_json=simulation.logging.format == "json"))
    logger.addHandler(handler)
    return logger
