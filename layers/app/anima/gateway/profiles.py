"""LLM profiles: which model stands for which role, by the name of a profile; the user's JSON file, and ready ones."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from anima.gateway.spend_model import Price
from anima.kernel.config import Settings
from anima.kernel.errors import AnimaError, FieldError
from anima.vendors.llm import providers

_DEFAULT = "default"
_READY = "profiles.json"


class BadProfiles(AnimaError):
    """The LLM profiles are not valid: {reason}."""

    slug = "bad-profiles"


class Priced(BaseModel):
    """US dollars for a million tokens, as the provider's price list says; `cached`: tokens that it had read before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Decimal = Field(ge=0, allow_inf_nan=False)
    completion: Decimal = Field(ge=0, allow_inf_nan=False)
    cached: Decimal | None = Field(None, ge=0, allow_inf_nan=False)

    @property
    def price(self) -> Price:
        """The same as a price."""
        return Price(self.prompt, self.completion, self.cached)


class Download(BaseModel):
    """Where the file of a local model is; without `sha256` the digest holds that its publisher's server states."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$")
    licence: str = "as its publisher says"


class Entry(BaseModel):
    """The model of one role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, pattern=r"^[a-z0-9_.-]+$")
    model: str = Field(min_length=1)
    endpoint: str | None = Field(None, pattern=r"^https?://")
    params: dict[str, Any] = Field(default_factory=dict)
    context_len: int | None = Field(None, gt=0)
    download: bool | Download = False
    fallbacks: list[str] = Field(default_factory=list, max_length=8)
    price: Priced | None = None
    images: bool | None = None
    tools: bool | None = None
    patience_seconds: float | None = Field(None, gt=0)

    @field_validator("download")
    @classmethod
    def _only_local_ones_are_fetched(cls, value: bool | Download, info: Any) -> bool | Download:
        if isinstance(value, Download) and info.data.get("provider") != "local":
            raise ValueError("only a local model is fetched from an address")
        return value


Profile = dict[str, Entry]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    profiles: dict[str, Profile] = Field(min_length=1)
    prices: dict[str, Priced] = Field(default_factory=dict)


def active(settings: Settings) -> Profile:
    """The entries of the active profile by role; none where none is configured. Raises BadProfiles."""
    name, path = settings.llm_models_profile, settings.llm_models_config_path
    if path is None:
        return {} if name is None else _chosen(ready(), name, "the program")
    found = _file(path).profiles
    return ready()[name] if name in ready() and name not in found else _chosen(found, name, str(path))


def prices(settings: Settings) -> dict[str, Price]:
    """What models cost, by `provider:name`, as the file says. Raises BadProfiles."""
    path = settings.llm_models_config_path
    return {} if path is None else {name: one.price for name, one in _file(path).prices.items()}


@lru_cache(maxsize=1)
def ready() -> dict[str, Profile]:
    """The profiles that come with the program."""
    text = resources.files(__package__).joinpath(_READY).read_text(encoding="utf-8")
    return _File.model_validate(json.loads(text)).profiles


def _file(path: Path) -> _File:
    try:
        read = _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise BadProfiles(reason=f"{path} cannot be read ({error.strerror})") from None
    _check(path, read)  # each time, for it rests on settings as well
    return read


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> _File:  # noqa: ARG001
    """The whole file; `changed` makes a changed file be read anew."""
    try:
        return _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_url=False)]
        told = "; ".join(f"{field.path}: {field.message}" for field in wrong)
        raise BadProfiles(reason=f"{path}: {told}", fields=wrong) from None
    except (OSError, ValueError) as error:
        raise BadProfiles(reason=f"{path} is no JSON file ({error})") from None


def _check(path: Path, read: _File) -> None:
    for name, roles in read.profiles.items():
        for role, entry in roles.items():
            where = f"profiles.{name}.{role}"
            if entry.endpoint is None and not providers.is_placed(entry.provider):
                _refuse(path, f"{where}.endpoint", f"the address of {entry.provider}'s server is needed")
            for place, each in enumerate(entry.fallbacks):
                if ":" not in each and each not in roles:
                    _refuse(path, f"{where}.fallbacks.{place}", "a model (provider:name) or a role of this profile")


def _refuse(path: Path, where: str, expected: str) -> None:
    raise BadProfiles(reason=f"{path}: {where}: {expected}", fields=[FieldError(where, expected)])


def _chosen(profiles: dict[str, Profile], name: str | None, source: str) -> Profile:
    if name is None:
        name = next(iter(profiles)) if len(profiles) == 1 else _DEFAULT
    if name not in profiles:
        reason = f"{source} has no profile {name}; set LLM_MODELS_PROFILE to one of {', '.join(sorted(profiles))}"
        raise BadProfiles(reason=reason)
    return profiles[name]
