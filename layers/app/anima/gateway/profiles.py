"""The JSON file of LLM profiles: which model stands for which role, by the name of a profile."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anima.kernel.config import Settings
from anima.kernel.errors import AnimaError, FieldError

_DEFAULT = "default"
_KNOWN_SERVERS = {"local", "openai", "ollama"}


class BadProfiles(AnimaError):
    """The LLM profiles are not valid: {reason}."""

    slug = "bad-profiles"


class Entry(BaseModel):
    """The model of one role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, pattern=r"^[a-z0-9_.-]+$")
    model: str = Field(min_length=1)
    endpoint: str | None = Field(None, pattern=r"^https?://")
    params: dict[str, Any] = Field(default_factory=dict)
    context_len: int | None = Field(None, gt=0)
    download: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    profiles: dict[str, dict[str, Entry]] = Field(min_length=1)


def active(settings: Settings) -> dict[str, Entry]:
    """The entries of the active profile by role; none where no file is configured. Raises BadProfiles."""
    path = settings.llm_models_config_path
    if path is None:
        if settings.llm_models_profile is not None:
            raise BadProfiles(reason="LLM_MODELS_PROFILE is set, LLM_MODELS_CONFIG_PATH is not")
        return {}
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise BadProfiles(reason=f"{path} cannot be read ({error.strerror})") from None
    return _chosen(_read(path, changed), settings.llm_models_profile, path)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, dict[str, Entry]]:  # noqa: ARG001
    """All profiles of a file; `changed` makes a changed file be read anew."""
    try:
        profiles = _File.model_validate(json.loads(path.read_text(encoding="utf-8"))).profiles
    except ValidationError as error:
        wrong = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_url=False)]
        told = "; ".join(f"{field.path}: {field.message}" for field in wrong)
        raise BadProfiles(reason=f"{path}: {told}", fields=wrong) from None
    except (OSError, ValueError) as error:
        raise BadProfiles(reason=f"{path} is no JSON file ({error})") from None
    _check_endpoints(path, profiles)
    return profiles


def _check_endpoints(path: Path, profiles: dict[str, dict[str, Entry]]) -> None:
    for name, roles in profiles.items():
        for role, entry in roles.items():
            if entry.endpoint is None and entry.provider not in _KNOWN_SERVERS:
                where = f"profiles.{name}.{role}.endpoint"
                wrong = FieldError(where, f"the address of {entry.provider}'s server is needed")
                raise BadProfiles(reason=f"{path}: {where}: {wrong.message}", fields=[wrong])


def _chosen(profiles: dict[str, dict[str, Entry]], name: str | None, path: Path) -> dict[str, Entry]:
    if name is None:
        name = next(iter(profiles)) if len(profiles) == 1 else _DEFAULT
    if name not in profiles:
        reason = f"{path} has no profile {name}; set LLM_MODELS_PROFILE to one of {', '.join(sorted(profiles))}"
        raise BadProfiles(reason=reason)
    return profiles[name]
