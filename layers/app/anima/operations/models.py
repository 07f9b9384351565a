"""The models that this machine answers with: fetched where missing, served where local."""

from __future__ import annotations

from pathlib import Path

from anima.gateway import profiles, provision_service, servers_service
from anima.kernel.config import settings
from anima.vendors import assets
from anima.vendors.assets import Progress


def answers_locally() -> bool:
    """Whether the local chat model is needed: no key or other server stands before it, the active profile has it, or it
    is asked for by name (for what an avatar's egress keeps on this machine).
    """
    configured = settings()
    if "local_llm" in configured.model_fields_set:
        return configured.local_llm
    if profiles.active(configured):
        return configured.local_llm and _entry() is not None
    first = next(iter(servers_service.named_by_settings()), None)
    return first is not None and first.provider == "local"


def name() -> str:
    """The local chat model, by its name."""
    return servers_service.local_name()


def fetch(progress: Progress) -> Path | None:
    """Fetches the embedder, and the local chat model where it is needed; answers the latter's path.

    What a profile says to download is fetched with LLM_MODELS_AUTO_DOWNLOAD alone: without, it says what fetches it.
    """
    assets.ensure_embedder(progress)
    if not answers_locally():
        return None
    entry = _entry()
    here = assets.recorded(name()) is not None and assets.is_present(name())
    if entry is None or here or name() in assets.built_in():
        return assets.ensure(name(), progress)
    if not settings().llm_models_auto_download:
        progress.note(f"{name()} is not here: `anima provision --roles general` fetches it")
        return None
    path: Path = provision_service.obtain(name(), entry, progress)
    return path


def _entry() -> profiles.Entry | None:
    """The active profile's entry of the local model."""
    entries = profiles.active(settings()).values()
    found = (one for one in entries if one.provider == "local" and one.endpoint is None and one.model == name())
    return next(found, None)
