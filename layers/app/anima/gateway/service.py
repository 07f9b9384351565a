"""Which model answers, and the call: request, avatar, active profile, a key, Ollama, the local model."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any

from anima.gateway import profiles
from anima.gateway.model import (
    Model,
    default_context_len,
    default_params,
    estimate_messages,
    estimate_tokens,
    takes_images,
)
from anima.kernel import telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, FieldError, Unavailable
from anima.vendors.llm import client
from anima.vendors.llm.client import Completion, Delta, Endpoint, Message, Usage
from anima.vendors.llm.errors import ModelUnavailable
from anima.vendors.llm.local_found import FoundServer

GENERAL = "general"
_OPENAI = "https://api.openai.com/v1"

_local: list[FoundServer] = []
_keep: Callable[[FoundServer, list[dict[str, str]]], object] | None = None
"""Has the local server keep what it read of the beginning of a prompt."""


def keep_beginnings(keep: Callable[[FoundServer, list[dict[str, str]]], object]) -> None:
    """Says how the local model keeps what it read of the beginnings of prompts; whoever composes the app does."""
    global _keep
    _keep = keep


class UnknownModel(BadInput):
    """There is no model {model} here; accepted are: {accepted}."""

    slug = "unknown-model"


class ModelNotConfigured(Unavailable):
    """The avatar's model {model} is not configured here; configured are: {accepted}."""

    slug = "model-not-configured"


class NoModel(Unavailable):
    """No language model is configured: set OPENAI_API_KEY, OLLAMA_HOST or LLM_MODELS_CONFIG_PATH, or have the local
    one started (ANIMA_LOCAL_LLM).
    """

    slug = "no-model"


def choose(requested: str | None, avatar_model: str | None, role: str = GENERAL) -> Model:
    """The model that answers: the one asked for, else the avatar's, else the first that is configured.

    Raises UnknownModel (422) and ModelNotConfigured with the list of what is accepted, NoModel, BadProfiles.
    """
    if requested is not None:
        found = _named(requested)
        if found is None:
            wrong = FieldError("model", f"one of: {', '.join(accepted())}")
            raise UnknownModel(model=requested, accepted=", ".join(accepted()), fields=[wrong])
        return found
    if avatar_model is not None:
        found = _named(avatar_model)
        if found is None:
            raise ModelNotConfigured(model=avatar_model, accepted=", ".join(accepted()))
        return found
    return default(role)


def default(role: str = GENERAL) -> Model:
    """The model of a role where nobody asks for another. Raises NoModel."""
    entries = profiles.active(settings())
    entry = entries.get(role) or entries.get(GENERAL)
    if entry is not None:
        return _of_entry(entry)
    servers = _servers()
    if not servers:
        raise NoModel
    return servers[0]


def seeing() -> Model | None:
    """The model that takes images: that of the role `vision`, else OpenAI's where it is one; None without any."""
    entry = profiles.active(settings()).get("vision")
    if entry is not None:
        return _of_entry(entry)
    if settings().openai_api_key is None or not takes_images(settings().openai_model):
        return None
    return _model("openai", settings().openai_model)


def local() -> Model | None:
    """The model on this machine, where there is one that runs or is being started."""
    starting = FoundServer.is_starting(settings().data_dir / "run")
    found = [model for model in configured() if model.provider == "local" and model.is_here]
    return next((model for model in found if starting or is_available(model)), None)


def configured() -> list[Model]:
    """Every model that is configured, each once: those of the active profile first."""
    found = [_of_entry(entry) for entry in profiles.active(settings()).values()] + _servers()
    return list({model.id: model for model in reversed(found)}.values())[::-1]


def accepted() -> list[str]:
    """What a request may ask for: names of configured models, and `provider:*` where a server has more."""
    names = [model.id for model in configured()]
    return names + [f"{provider}:*" for provider in _open_providers()]


def is_available(model: Model) -> bool:
    """Whether a model can be asked now; for a server of others that is not tried."""
    if model.provider != "local" or model.endpoint is not None:
        return True
    server = _local_server()
    return server is not None and server.model == model.name


@lru_cache(maxsize=1)
def expect() -> None:
    """A model is asked soon: what that needs is loaded meanwhile, once a process."""
    threading.Thread(target=client.load, name="model", daemon=True).start()


def stream(
    model: Model,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    deadline: float,
    response_format: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    fixed: int = 0,
) -> Generator[Delta, None, None]:
    """The model's answer piece by piece; closing the generator stops it.

    `deadline` is a moment of time.monotonic(); `params` go over the model's own; the first `fixed` messages are the
    same for many calls and hold nothing personal: a local model keeps what it read of them.
    Raises the errors of `anima.vendors.llm.errors`.
    """
    given = {**model.params, **(params or {})}
    with _measured(model, messages) as heard:
        for last in (False, True):
            endpoint = _endpoint(model, messages[:fixed], deadline)
            call = client.Call(endpoint, model.name, messages, max_tokens, deadline, given, response_format)
            begun = False
            try:
                with closing(client.stream(call)) as deltas:
                    for delta in deltas:
                        begun = True
                        heard(delta)
                        yield delta
                return
            except ModelUnavailable:
                if model.provider != "local" or model.endpoint is not None:
                    raise
                _local.clear()  # it died; its owner starts it again
                if begun or last:
                    raise


@contextmanager
def _measured(model: Model, messages: Sequence[Message]) -> Iterator[Callable[[Delta], None]]:
    """Counts a call, and what its pieces tell of it; the tokens of one that is stopped early are estimated."""
    about = {"provider": model.provider, "model": model.name}
    begun, said, counted = time.perf_counter(), list[str](), list[Usage]()

    def heard(delta: Delta) -> None:
        if delta.text and not said:
            telemetry.observe("llm.first_token", time.perf_counter() - begun, "s", **about)
        said.extend([delta.text] if delta.text else [])
        counted.extend([delta.usage] if delta.usage else [])
        for kind in ("prompt", "completion", "cached") if delta.usage else ():
            telemetry.count("llm.tokens", getattr(delta.usage, f"{kind}_tokens"), kind=kind, **about)

    telemetry.count("llm.calls", **about)
    try:
        with telemetry.span("llm", **about):
            yield heard
    except GeneratorExit:
        if not counted:  # it was stopped before the server said what it counted
            asked = estimate_messages([str(message["content"]) for message in messages])
            telemetry.count("llm.tokens", asked, kind="prompt", **about)
            telemetry.count("llm.tokens", estimate_tokens("".join(said)), kind="completion", **about)
        raise
    except AnimaError as error:
        telemetry.count("llm.errors", error=error.slug, **about)
        raise
    finally:
        telemetry.observe("llm.latency", time.perf_counter() - begun, "s", **about)


def complete(
    model: Model,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    deadline: float | None = None,
    response_format: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    fixed: int = 0,
) -> Completion:
    """The model's whole answer; takes and raises what `stream` does. Without a deadline that of a turn holds."""
    limit = deadline if deadline is not None else time.monotonic() + settings().turn_deadline_seconds
    deltas = stream(
        model,
        messages,
        max_tokens=max_tokens,
        deadline=limit,
        response_format=response_format,
        params=params,
        fixed=fixed,
    )
    return client.joined(deltas)


def _servers() -> list[Model]:
    """The models of the servers that settings name, in the order in which they are asked."""
    found: list[Model] = []
    if settings().openai_api_key is not None:
        found.append(_model("openai", settings().openai_model))
    if settings().ollama_host is not None:
        found.append(_model("ollama", settings().ollama_model))
    if settings().local_llm:
        found.append(_model("local", settings().local_model))
    return found


def _open_providers() -> list[str]:
    """Providers whose every model may be asked for by name."""
    known = {"openai": settings().openai_api_key, "ollama": settings().ollama_host}
    return [name for name, value in known.items() if value is not None]


def _named(name: str) -> Model | None:
    """A configured model by `provider:name` or by its bare name; any model of an open provider."""
    found = configured()
    for model in found:
        if name in (model.id, model.name):
            return model
    provider, _, bare = name.partition(":")
    return _model(provider, bare) if bare and provider in _open_providers() else None


def _of_entry(entry: profiles.Entry) -> Model:
    return _model(entry.provider, entry.model, entry.endpoint, entry.params, entry.context_len)


def _model(
    provider: str,
    name: str,
    endpoint: str | None = None,
    params: Mapping[str, Any] | None = None,
    context_len: int | None = None,
) -> Model:
    address, key = endpoint, None
    if provider == "openai":
        secret = settings().openai_api_key
        key = secret.get_secret_value() if secret is not None else None
        address = endpoint or settings().openai_base_url or _OPENAI
    elif provider == "ollama":
        address = endpoint or _ollama_url(settings().ollama_host or "127.0.0.1:11434")
    size = context_len or default_context_len(provider, name)
    return Model(provider, name, size, address, key, {**default_params(provider), **(params or {})})


def _ollama_url(host: str) -> str:
    """The OpenAI-protocol address of what OLLAMA_HOST holds: a host, a host and port, or a URL."""
    if "://" in host:
        return f"{host.rstrip('/').removesuffix('/v1')}/v1"
    return f"http://{host if ':' in host else host + ':11434'}/v1"


def _local_server() -> FoundServer | None:
    """The running local model, looked for until found, and again once its process has ended or it has failed."""
    if _local and not _runs(_local[0].pid):
        _local.clear()
    if not _local:
        found = FoundServer.find(settings().data_dir / "run")
        if found is not None:
            _local.append(found)
    return _local[0] if _local else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _endpoint(model: Model, fixed: Sequence[Message], deadline: float) -> Endpoint:
    """Where the model is asked; a local one is waited for while it is being loaded, and made ready for the beginning
    of the prompt.
    """
    if model.endpoint is not None:
        return Endpoint(model.endpoint, model.api_key)
    server = _local_server() or FoundServer.await_one(settings().data_dir / "run", deadline)
    if server is None:
        reason = "the local model is not running; `anima up` starts it"
        raise ModelUnavailable(model=model.name, reason=reason, retry_after=5)
    if server.model != model.name:
        raise ModelUnavailable(model=model.name, reason=f"the local server runs {server.model}")
    if fixed and _keep is not None:
        _keep(server, [{"role": m["role"], "content": m["content"]} for m in fixed])
    return Endpoint(server.url, server.api_key)
