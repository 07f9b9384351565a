"""all-MiniLM-L6-v2 in fp32 on onnxruntime: 384 dimensions, the first 256 tokens of a text."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anima.kernel.config import settings
from anima.kernel.errors import Unavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

DIGEST = "85bb1de96885"
"""The first digits of the sha256 over those of the three files, as the catalogue of assets pins them."""

_FOLDER = "all-MiniLM-L6-v2"
_MAX_TOKENS = 256
_BATCH_TOKENS = 1024
_THREADS = 2


class EmbedderMissing(Unavailable):
    """The embedding model is not in {folder}: fetch it with `anima provision`."""

    slug = "embedder-missing"


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: Any
    inputs: frozenset[str]
    cutting: Tokenizer
    whole: Tokenizer


class MiniLM:
    """The default embedder; it is loaded when a text first needs it. Raises EmbedderMissing then."""

    dimension = 384
    max_tokens = _MAX_TOKENS

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """The model's name and the first digits of its files' sha256."""
        return f"{_FOLDER}@{DIGEST}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last hidden states over the text's tokens, scaled to length 1 (Reimers 2019)."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        loaded = self._load()
        encodings = loaded.cutting.encode_batch_fast(list(texts))
        for rows in _batches([len(encoding.ids) for encoding in encodings]):
            vectors[rows] = _embed_batch(loaded, [encodings[row] for row in rows])
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, with the two that mark its ends."""
        if not texts:
            return []
        return [len(encoding.ids) for encoding in self._load().whole.encode_batch_fast(list(texts))]

    def _load(self) -> _Loaded:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(settings().model_dir / _FOLDER)
        return self._loaded


def _load(folder: Path) -> _Loaded:
    if not (folder / "tokenizer.json").is_file():
        raise EmbedderMissing(folder=folder)
    session = _session(folder / "onnx" / "model.onnx")
    inputs = frozenset(given.name for given in session.get_inputs())
    cutting = _tokenizer(folder / "tokenizer.json")
    cutting.enable_truncation(_MAX_TOKENS)
    return _Loaded(session, inputs, cutting, whole=_tokenizer(folder / "tokenizer.json"))


def _session(model: Path) -> Any:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # threads that wait must not spin: the cores are shared with the database and the chat model
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _tokenizer(file: Path) -> Tokenizer:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()  # the published file pads and cuts every text to 128 tokens
    tokenizer.no_truncation()
    return tokenizer


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows in groups of like length, so that little is spent on padding."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and lengths[row] * (len(rows) + 1) > _BATCH_TOKENS:
            yield rows
            rows = []
        rows.append(row)
    yield rows


def _embed_batch(loaded: _Loaded, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
    width = max(len(encoding.ids) for encoding in encodings)
    ids = np.zeros((len(encodings), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    hidden = loaded.session.run(None, {name: given[name] for name in loaded.inputs})[0]
    weights = mask[..., None].astype(np.float32)
    means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    unit: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit
