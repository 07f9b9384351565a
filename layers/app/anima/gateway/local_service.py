"""The model on this machine as the gateway finds it: its server, looked for until found, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anima.gateway.model import Model
from anima.kernel.config import settings
from anima.vendors.llm.calls import Endpoint, Message, words
from anima.vendors.llm.errors import ModelUnavailable
from anima.vendors.llm.local_found import FoundServer, runs

Keep = Callable[[FoundServer, list[dict[str, str]], str | None], object]

_local: list[FoundServer] = []
_keep: Keep | None = None
"""Has the local server keep what it read of the beginning of a prompt."""


def keep_beginnings(keep: Keep) -> None:
    """Says how the local model keeps what it read of the beginnings of prompts; whoever composes the app does."""
    global _keep
    _keep = keep


def is_served(model: Model) -> bool:
    """Whether it is the model that runs on this machine now."""
    server = _server()
    return server is not None and server.model == model.name


def is_starting() -> bool:
    """Whether it is being started at this moment."""
    return FoundServer.is_starting(settings().data_dir / "run")


def died() -> None:
    """It did not answer: it is looked for anew, for its owner starts it again."""
    _local.clear()


def endpoint(model: Model, fixed: Sequence[Message], cache_key: str | None, deadline: float) -> Endpoint:
    """Where the model is asked: waited for while it is being loaded, and made ready for the beginning of the prompt.

    Raises ModelUnavailable.
    """
    server = _server() or FoundServer.await_one(settings().data_dir / "run", deadline)
    if server is None:
        reason = "the local model is not running; `anima up` starts it"
        raise ModelUnavailable(model=model.name, reason=reason, retry_after=5)
    if server.model != model.name:
        raise ModelUnavailable(model=model.name, reason=f"the local server runs {server.model}")
    if fixed and _keep is not None:
        _keep(server, [{"role": one["role"], "content": words(one["content"])} for one in fixed], cache_key)
    return Endpoint(server.url, server.api_key, provider="local")


def _server() -> FoundServer | None:
    """The running local model, looked for until found, and again once its process has ended or it has failed."""
    if _local and not runs(_local[0].pid):
        _local.clear()
    if not _local:
        found = FoundServer.find(settings().data_dir / "run")
        if found is not None:
            _local.append(found)
    return _local[0] if _local else None
