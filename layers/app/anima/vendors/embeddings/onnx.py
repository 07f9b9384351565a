"""Embedding models in fp32 on onnxruntime, read from the model folder."""

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

    from anima.vendors.embeddings.profiles import Local

DIGEST_FILE = "digest"
_BATCH_TOKENS = 1024
_THREADS = 2


class EmbedderMissing(Unavailable):
    """The embedding model is not in {folder}: fetch it with {command}."""

    slug = "embedder-missing"


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: Any
    inputs: frozenset[str]
    cutting: Tokenizer
    whole: Tokenizer


class OnnxEmbedder:
    """A model on onnxruntime; it is loaded when a text first needs it. Raises EmbedderMissing then."""

    def __init__(self, profile: Local) -> None:
        self._profile = profile
        self.dimension, self.max_tokens = profile.dimension, profile.max_tokens
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """The model's name and the first digits of its files' sha256. Raises EmbedderMissing where those of a model
        that is not pinned have never been here.
        """
        return f"{self._profile.name}@{self._profile.digest or _recorded(self._profile)}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last hidden states over the text's tokens, scaled to length 1 (Reimers 2019)."""
        return self._embedded([self._profile.before_passage + text for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """The same of a question, which some models are told that it is."""
        vector: NDArray[np.float32] = self._embedded([self._profile.before_question + text])[0]
        return vector

    def _embedded(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        loaded = self._load()
        encodings = loaded.cutting.encode_batch_fast(texts)
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
                    self._loaded = _load(self._profile)
        return self._loaded


def _recorded(profile: Local) -> str:
    """What was noted of the files when they were fetched."""
    try:
        return (settings().model_dir / profile.name / DIGEST_FILE).read_text().strip()
    except FileNotFoundError:
        raise _missing(profile) from None


def _missing(profile: Local) -> EmbedderMissing:
    command = "`anima provision`" if profile.digest else f"`anima embeddings fetch {profile.name.lower()}`"
    return EmbedderMissing(folder=settings().model_dir / profile.name, command=command)


def _load(profile: Local) -> _Loaded:
    folder = settings().model_dir / profile.name
    if not (folder / "tokenizer.json").is_file():
        raise _missing(profile)
    session = _session(folder / "onnx" / "model.onnx")
    inputs = frozenset(given.name for given in session.get_inputs())
    cutting = _tokenizer(folder / "tokenizer.json")
    cutting.enable_truncation(profile.max_tokens)
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
