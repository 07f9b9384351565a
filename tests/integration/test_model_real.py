"""Real models go in and out bit for bit, larger than what is held of them, and their vocabularies mean something."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anima import registry
from anima.registry import export_service, import_service, vocabulary_service
from anima.vendors import assets
from fixtures import model_folders
from fixtures.tensors import Keeper

MODEL = "qwen2.5-coder-0.5b-instruct"
pytestmark = pytest.mark.model


@contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """How much more memory of its own the process held at most than at the beginning of the block, in bytes."""
    seen, over = [_held()], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            seen.append(_held())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: max(seen) - seen[0]
    finally:
        over.set()
        watcher.join()


def _held() -> int:
    """Memory of the process that is no page of a file."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) * 1024


def test_a_real_model_of_gguf_goes_in_and_out_bit_for_bit(keeper: Keeper, tmp_path: Path) -> None:
    path = assets.ensure(MODEL, assets.Lines())
    with memory() as most:
        model = import_service.import_file(keeper.principal, path, "qwen")
    assert most() < path.stat().st_size // 2
    said = model.architecture
    assert (said["family"], said["layers"], said["heads"], said["key_value_heads"]) == ("qwen2", 24, 14, 2)
    assert 490_000_000 < model.parameters < 640_000_000
    near = vocabulary_service.nearest(keeper.principal, model, "cat", 12)
    assert near[0].token in ("cat", "\u0120cat")
    assert {"cats", "Cat", "\u0120Cat", "\u0120cats", "\u0120cat"} & {one.token for one in near[1:]}
    with registry.open(keeper.principal, model) as opened:
        assert len(opened.block(23)) == 12
        assert opened.floats("blk.0.attn_q.weight").shape == (896, 896)
        assert len(opened.structure.heads) == 24 * 14
    with memory() as most:
        out = export_service.export(keeper.principal, model, tmp_path / "out.gguf")
    assert most() < path.stat().st_size // 2
    try:
        with out.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == assets.asset(MODEL).sha256
    finally:
        out.unlink()


def test_the_embedding_model_goes_in_and_out_as_the_folder_that_it_is(
    keeper: Keeper, minilm_folder: Path, tmp_path: Path
) -> None:
    me = keeper.principal
    model = import_service.import_folder(me, minilm_folder)
    assert (str(model), model.type, model.parameters) == ("all-MiniLM-L6-v2@1", "encoder", 22_565_376)
    with registry.open(me, model) as opened:
        assert len(opened.structure.heads) == 6 * 12
        kinds = {weight.category for weight in opened.structure.weights}
    assert {"attention_query", "feedforward_up", "segment_embedding"} <= kinds
    assert "other" not in kinds
    near = {one.token for one in vocabulary_service.nearest(me, model, "london", 10)}
    assert "paris" in near or "england" in near
    cut = vocabulary_service.nearest(me, model, "unbelievably", 5)  # several pieces
    assert len(cut) == 5
    positions = vocabulary_service.nearest(
        me, model, opened["embeddings.position_embeddings.weight"][7], 1, kind="position"
    )
    assert positions[0].position == 7
    out = export_service.export(me, model, tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(minilm_folder)
