"""A language model as the catalogue knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model that the catalogue knows."""

    model_id: int
    provider: str
    model_name: str
    model_version: str
    max_context_len: int
    supported_modalities: list[str]
    default_params: dict[str, Any]
    created_at: datetime
