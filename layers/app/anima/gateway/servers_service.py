"""Servers of language models as settings and profiles name them, made into models that can be asked."""

from __future__ import annotations

from pydantic import AliasChoices

from anima.gateway import profiles
from anima.gateway.model import Model, default_context_len, default_params, takes_images
from anima.gateway.spend_model import Price
from anima.kernel.config import settings
from anima.vendors.llm import providers
from anima.vendors.llm.calls import Endpoint

_LOCAL = "local"
_FOR_DOWNLOADS_TOO = frozenset({"huggingface"})


def named_by_settings() -> list[Model]:
    """The models of the servers that settings name, in the order in which they are asked: those of others by the
    table of providers, then the local one. A token that many have for downloads alone sends nobody's words away
    while that one answers.
    """
    names = {name: providers.default_model(name) for name in providers.PROVIDERS if providers.is_configured(name)}
    if _LOCAL in names:
        names[_LOCAL] = local_name()
    ordered = sorted(names.items(), key=lambda one: one[0] in _FOR_DOWNLOADS_TOO)
    return [model(provider, name) for provider, name in ordered if name is not None]


def local_name() -> str:
    """The model that runs on this machine: that of the active profile, else the one that settings name."""
    entries = profiles.active(settings())
    ordered = [entries[role] for role in sorted(entries, key=lambda role: role != "general")]
    found = [entry.model for entry in ordered if entry.provider == _LOCAL and entry.endpoint is None]
    return found[0] if found else settings().local_model


def open_providers() -> list[str]:
    """Providers whose every model may be asked for by name."""
    return [name for name in providers.PROVIDERS if name != _LOCAL and providers.is_configured(name)]


def first_provider() -> str:
    """The provider of a name that names none."""
    return next((one.provider for one in named_by_settings()), _LOCAL)


def of_entry(entry: profiles.Entry) -> Model:
    """The model of a profile's entry."""
    return model(entry.provider, entry.model, entry)


def model(provider: str, name: str, entry: profiles.Entry | None = None) -> Model:
    """A model of a provider, with what an entry says of it and what its provider is known for."""
    given = entry or profiles.Entry(provider=provider, model=name)
    here = provider == _LOCAL and given.endpoint is None
    server = None if here else providers.endpoint(provider, given.endpoint)
    return Model(
        provider,
        name,
        given.context_len or default_context_len(provider, name),
        server.base_url if server else None,
        server.api_key if server else None,
        {**default_params(provider), **given.params},
        price=_price(provider, name, given),
        fallbacks=tuple(given.fallbacks),
        sees=given.images if given.images is not None else _sees(provider, name),
        tools=given.tools if given.tools is not None else provider != _LOCAL and providers.known(provider).tools,
        patience=given.patience_seconds,
    )


def setting_of(provider: str) -> str | None:
    """The name of the setting by which a provider is configured."""
    row = providers.known(provider)
    field = row.key if row.base_url is not None else row.address or {"bedrock": "bedrock_region"}.get(provider)
    if field is None:
        return "ANIMA_LOCAL_LLM" if provider == _LOCAL else None
    alias = type(settings()).model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"ANIMA_{field.upper()}"


def endpoint(asked: Model) -> Endpoint:
    """Where a model of a server is asked."""
    assert asked.endpoint is not None, "the local model is found by itself"
    return providers.endpoint(asked.provider, asked.endpoint)


def _sees(provider: str, name: str) -> bool:
    return providers.known(provider).images and takes_images(name)


def _price(provider: str, name: str, entry: profiles.Entry) -> Price | None:
    """What the entry says, else the file's list; never a guess."""
    return entry.price.price if entry.price else profiles.prices(settings()).get(f"{provider}:{name}")
