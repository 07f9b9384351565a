"""The embedder's files: what is pinned, and what one is told where they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from anima.kernel import config
from anima.vendors import assets
from anima.vendors.embeddings.onnx import EmbedderMissing, OnnxEmbedder
from anima.vendors.embeddings.profiles import DEFAULT, DIGEST


def test_the_name_says_which_files() -> None:
    assert OnnxEmbedder(DEFAULT).name == f"all-MiniLM-L6-v2@{DIGEST}"
    assert assets.embedder_digest().startswith(DIGEST)


def test_missing_files_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMA_MODEL_DIR", str(tmp_path))
    config.settings.cache_clear()
    try:
        with pytest.raises(EmbedderMissing, match="anima provision"):
            OnnxEmbedder(DEFAULT).embed(["a text"])
    finally:
        config.settings.cache_clear()
