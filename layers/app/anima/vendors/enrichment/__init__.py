"""Enrichment: what configured repositories, or a service that knows them, say to a question, within a budget of time.

Whatever goes wrong costs the enrichment and nothing else: it is empty then, and says why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anima.kernel import telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.vendors.enrichment import folders, remote
from anima.vendors.enrichment.model import Enrichment, OutsidePassage, Reference, Status

__all__ = ["BUDGET_SECONDS", "Enrichment", "OutsidePassage", "Reference", "check", "configured", "look"]

BUDGET_SECONDS = 2.0
_MARGIN_SECONDS = 0.15  # for what is done with the results


class UnknownRepository(BadInput):
    """There is no repository {name} here; configured are: {known}."""

    slug = "unknown-repository"


def configured() -> dict[str, Path | None]:
    """The repositories of the settings by name; those without a folder are known to the enrichment service alone."""
    found: dict[str, Path | None] = {}
    for entry in (each.strip() for each in settings().rag_repo_list.split(",")):
        if not entry:
            continue
        path = Path(entry).expanduser()
        is_folder = path.is_absolute() and path.is_dir()
        found[path.name if path.is_absolute() else entry] = path.resolve() if is_folder else None
    return found


def look(
    question: str,
    repositories: Sequence[str] | None = None,
    limit: int | None = None,
    *,
    further: bool = False,
    outside: bool = True,
    seconds: float = BUDGET_SECONDS,
) -> Enrichment:
    """What is known of a question, best first, in two seconds at most; `further` asks the service of passages too.

    Not `outside`: only the folders on this machine are looked into. Who can wait gives it more `seconds`. Raises
    UnknownRepository for a name that is not configured, and nothing else.
    """
    begun = time.monotonic()
    until = begun + seconds - _MARGIN_SECONDS
    most = min(limit or settings().rag_max_results, settings().rag_max_results)
    enabled = settings().rag_enabled
    work = _look_ups(question, _chosen(repositories), most, until, outside) if enabled else {}
    if further and outside and (url := settings().document_retrieval_url) is not None:
        work["passages"] = lambda: remote.passages(url, question, most, until)
    found, failures = _side_by_side(work, until)
    passages = found.pop("passages", [])
    references = [one for result in found.values() for one in result]
    best = sorted(references, key=lambda one: (-one.score, one.repository, one.path, one.line_start))[:most]
    status: Status = "ok" if best else "unavailable" if failures.keys() - {"passages"} else "empty"
    took = round((time.monotonic() - begun) * 1000, 1)
    telemetry.count("enrichment.calls", status=status if enabled else "disabled")
    telemetry.observe("enrichment.latency", took)
    warnings = [f"{name}: {reason}" for name, reason in failures.items()]
    return Enrichment(status if enabled else "disabled", best, took, warnings, passages)


def _chosen(names: Sequence[str] | None) -> dict[str, Path | None]:
    known = configured()
    if names is None:
        return known
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise UnknownRepository(name=name, known=listed, fields=[FieldError("repositories", f"of: {listed}")])
    return {name: known[name] for name in names}


def check(repositories: Sequence[str] | None) -> None:
    """Raises UnknownRepository for a name that is not configured, where anything is looked up at all."""
    if settings().rag_enabled:
        _chosen(repositories)


def _look_ups(
    question: str, chosen: dict[str, Path | None], most: int, until: float, outside: bool
) -> dict[str, Callable[[], Any]]:
    """What is to be asked: the folders, and the service if there is one."""
    roots = {name: path for name, path in chosen.items() if path is not None}
    work: dict[str, Callable[[], Any]] = {}
    if roots:
        work["folders"] = lambda: folders.search(question, roots, most, until)
    if outside and (url := settings().rag_service_url) is not None:
        work["service"] = lambda: remote.references(url, question, list(chosen), most, until)
    return work


def _side_by_side(work: Mapping[str, Callable[[], Any]], until: float) -> tuple[dict[str, Any], dict[str, str]]:
    """The results by name without those that failed or are late, and what is to be told of these."""
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}

    def run(name: str, task: Callable[[], Any]) -> None:
        try:
            results[name] = task()
        except Exception as error:
            failures[name] = error.detail if isinstance(error, AnimaError) else type(error).__name__

    threads = {name: threading.Thread(target=run, args=(name, task), daemon=True) for name, task in work.items()}
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    done = dict(results)
    told = {name: failures.get(name, "it took too long") for name in work if name not in done}
    for name, reason in told.items():
        telemetry.warning("enrichment.failed", part=name, reason=reason)
    return done, told
