"""The models that this machine answers with: fetched where missing, served where local."""

from __future__ import annotations

from pathlib import Path

from anima.kernel.config import settings
from anima.vendors import assets
from anima.vendors.assets import Progress


def answers_locally() -> bool:
    """Whether the local chat model is needed: no key or other server stands before it, or it is asked for by name
    (for what an avatar's egress keeps on this machine).
    """
    configured = settings()
    if "local_llm" in configured.model_fields_set:
        return configured.local_llm
    elsewhere = configured.openai_api_key or configured.ollama_host or configured.llm_models_profile
    return configured.local_llm and not elsewhere


def fetch(progress: Progress) -> Path | None:
    """Fetches the embedder, and the local chat model where it is needed; answers the latter's path."""
    assets.ensure_embedder(progress)
    return assets.ensure(settings().local_model, progress) if answers_locally() else None
