"""Which model answers: request, avatar, active profile, a key, a server, the local model; and who stands in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from anima.gateway import local_service, profiles, servers_service
from anima.gateway.model import Model
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, FieldError, Unavailable

GENERAL, CODING, VISION = "general", "coding", "vision"


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
        found = resolve(requested)
        if found is None:
            wrong = FieldError("model", f"one of: {', '.join(accepted())}")
            raise UnknownModel(model=requested, accepted=", ".join(accepted()), fields=[wrong])
        return found
    if avatar_model is not None:
        found = resolve(avatar_model)
        if found is None:
            raise ModelNotConfigured(model=avatar_model, accepted=", ".join(accepted()))
        return found
    return default(role)


def default(role: str = GENERAL) -> Model:
    """The model of a role where nobody asks for another. Raises NoModel."""
    found = _of_role(role) or _of_role(GENERAL)
    if found is not None:
        return found
    servers = servers_service.named_by_settings()
    if not servers:
        raise NoModel
    return servers[0]


def chain(model: Model, role: str | None, permitted: Callable[[Model], bool]) -> list[Model]:
    """The model, and behind it those that may answer in its place, each once: its own fallbacks, else its role's."""
    stand_ins = model.fallbacks
    if not stand_ins and role is not None and (found := _of_role(role)) is not None:
        stand_ins = (found.id, *found.fallbacks)
    if not stand_ins:
        return [model]
    found_ones = {one.id: one for one in _resolved(stand_ins) if permitted(one)}
    found_ones.pop(model.id, None)
    return [model, *found_ones.values()]


def seeing() -> Model | None:
    """The model that takes images: that of the role `vision`, else the first of the servers that does; None without."""
    found = _of_role(VISION)
    if found is not None:
        return found
    return next((model for model in servers_service.named_by_settings() if model.sees), None)


def local() -> Model | None:
    """The model on this machine, where there is one that runs or is being started."""
    starting = local_service.is_starting()
    found = [model for model in configured() if model.provider == "local" and model.is_here]
    return next((model for model in found if starting or is_available(model)), None)


def configured() -> list[Model]:
    """Every model that is configured, each once: those of the active profile first."""
    entries = profiles.active(settings())
    roles = list(dict.fromkeys([*entries, *(role for role in (GENERAL, CODING) if _wished(role))]))
    found = [model for role in roles if (model := _of_role(role))] + servers_service.named_by_settings()
    return list({model.id: model for model in reversed(found)}.values())[::-1]


def accepted() -> list[str]:
    """What a request may ask for: names of configured models, and `provider:*` where a server has more."""
    names = [model.id for model in configured()]
    return names + [f"{provider}:*" for provider in servers_service.open_providers()]


def is_available(model: Model) -> bool:
    """Whether a model can be asked now; for a server of others that is not tried."""
    return model.provider != "local" or model.endpoint is not None or local_service.is_served(model)


def resolve(name: str) -> Model | None:
    """A configured model by `provider:name` or by its bare name; any model of an open provider."""
    for model in configured():
        if name in (model.id, model.name):
            return model
    provider, _, bare = name.partition(":")
    return servers_service.model(provider, bare) if bare and provider in servers_service.open_providers() else None


def _of_role(role: str) -> Model | None:
    """The model of a role: by the active profile, else by a setting of its own."""
    entry = profiles.active(settings()).get(role)
    if entry is not None:
        return servers_service.of_entry(entry)
    wish = _wished(role)
    if wish is None:
        return None
    provider, _, name = wish.rpartition(":") if ":" not in wish else wish.partition(":")
    return servers_service.model(provider or servers_service.first_provider(), name)


def _wished(role: str) -> str | None:
    """What LLM_GENERAL_MODEL and LLM_CODING_MODEL say: `provider:name`, or a name of the first provider's."""
    return {GENERAL: settings().llm_general_model, CODING: settings().llm_coding_model}.get(role)


def _resolved(names: tuple[str, ...]) -> Iterator[Model]:
    for name in names:
        found = _of_role(name) if ":" not in name else resolve(name)
        if found is not None:
            yield found
