"""Search in the vocabulary of a model: which pieces lie near a word or a vector, in its own embedding matrix.

Small matrices are kept as rows of vectors and searched by the database; of large ones the tensor is read in blocks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError
from anima.registry import floats, gguf_header, parts_service, service, vocabulary_model, vocabulary_repo
from anima.registry.architectures_model import Structure
from anima.registry.errors import NoVocabulary
from anima.registry.model import File, Model, Neighbour, Reference
from anima.registry.naming import is_text
from anima.registry.weight import Weight
from anima.registry.weight_file import WeightFile
from anima.tensors import service as tensors_service
from anima.tensors.model import BLOCKS, TensorRef
from anima.vendors import vocabularies

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["token", "position", "segment"]
KINDS: tuple[Kind, ...] = ("token", "position", "segment")
MAX_NUMBERS = 1 << 19
"""A matrix of at most so many numbers is kept as rows."""
MAX_K = 1000
_MAX_HALF = 65504.0
_MAX_DIMENSIONS = 16_000
_MAX_PIECE = 500


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The rows of one matrix, as they are kept."""

    kind: Kind
    tokens: list[str | None]
    vectors: list[str]


def embeddings(
    structure: Structure, weights: Iterable[WeightFile], files: Mapping[str, memoryview]
) -> list[Embeddings]:
    """Those embedding matrices of a model that are small enough to be searched by the database."""
    kinds = {one.name: one.category.removesuffix("_embedding") for one in structure.weights}
    found: dict[Kind, Embeddings] = {}
    for file in weights:
        for entry in file.entries:
            kind = next((one for one in KINDS if one == kinds[entry.name]), None)
            if kind is None or kind in found or not _is_small(entry.dtype, entry.shape):
                continue
            pieces = _pieces_given(file, files) if kind == "token" else {}
            rows = floats.rows(file.data[entry.start : entry.stop], entry.dtype, entry.shape[1])
            if (kept := _as_kept(kind, rows, pieces)) is not None:
                found[kind] = kept
    return list(found.values())


def _is_small(dtype: str, shape: Sequence[int]) -> bool:
    return (
        len(shape) == 2
        and 0 < shape[0] * shape[1] <= MAX_NUMBERS
        and shape[1] <= _MAX_DIMENSIONS
        and ("float" in dtype or dtype.startswith(BLOCKS))
    )


def _pieces_given(file: WeightFile, files: Mapping[str, memoryview]) -> dict[int, str]:
    if file.keys is not None:
        return vocabulary_model.of_gguf(file.keys)
    path = next((one for one in vocabulary_model.FILES if one in files), None)
    return vocabulary_model.pieces(path, bytes(files[path])) if path else {}


def _as_kept(kind: Kind, rows: NDArray[Any], pieces: Mapping[int, str]) -> Embeddings | None:
    import numpy as np

    if not np.isfinite(rows).all() or np.abs(rows).max() > _MAX_HALF:
        return None
    halves = rows.astype(np.float16)
    tokens = [_storable(pieces.get(number)) for number in range(len(halves))]
    return Embeddings(kind, tokens, [db.vector_text(row) for row in halves.tolist()])


def _storable(piece: str | None) -> str | None:
    return piece if piece is not None and len(piece) <= _MAX_PIECE and is_text(piece) else None


def enter(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, given: Iterable[Embeddings]) -> None:
    """Enters the rows of matrices, as part of the transaction that enters the model."""
    for one in given:
        vocabulary_repo.add(tx, owner_id, model_id, one.kind, one.tokens, one.vectors)


def nearest(
    principal: db.Principal,
    model: Reference,
    text_or_vector: str | Sequence[float],
    k: int = 10,
    *,
    kind: Kind = "token",
) -> list[Neighbour]:
    """The rows of a model's embedding matrix nearest to a text (the mean of its pieces) or a vector, by cosine.

    A piece that was asked for is among them, with similarity 1. Raises NotFound, NoVocabulary, BadInput.
    """
    if not 1 <= k <= MAX_K:
        raise BadInput(reason="k is out of range", fields=[FieldError("k", f"1 to {MAX_K}")])
    found = service.get(principal, model)
    search = _Search(principal, found, kind)
    vector = search.vector_of(text_or_vector)
    if len(vector) != search.columns:
        raise BadInput(reason=f"the vector has {len(vector)} numbers where {search.columns} are needed")
    return search.in_rows(vector, k) or search.in_tensor(vector, k)


class _Search:
    """One search: the matrix, and the pieces of its rows."""

    def __init__(self, principal: db.Principal, model: Model, kind: Kind) -> None:
        self.principal, self.model, self.kind = principal, model, kind
        self.weight = self._matrix()
        self.columns = self.weight.shape[1]
        self._pieces: dict[int, str] | None = None

    def _matrix(self) -> Weight:
        category = f"{self.kind}_embedding"
        for weight in parts_service.all_weights(self.principal, self.model):
            if weight.category == category and len(weight.shape) == 2:
                if "float" in weight.dtype or weight.dtype.startswith(BLOCKS):
                    return weight
                reason = f"{weight.name} is kept as {weight.dtype}; ask a version that keeps it in floats"
                raise NoVocabulary(model=str(self.model), reason=reason)
        raise NoVocabulary(model=str(self.model), reason=f"it has no {category.replace('_', ' ')}")

    @property
    def pieces(self) -> dict[int, str]:
        """The pieces of the vocabulary by number; read when they are first needed."""
        if self._pieces is None:
            self._pieces = self._read_pieces() if self.kind == "token" else {}
        return self._pieces

    def _read_pieces(self) -> dict[int, str]:
        files = {one.path: one for one in parts_service.all_files(self.principal, self.model)}
        for path in vocabulary_model.FILES:
            if path in files:
                return vocabulary_model.pieces(path, self._bytes(files[path]))
        for one in files.values():
            if one.format == "gguf":
                head = memoryview(self._bytes(one))
                return vocabulary_model.of_gguf(gguf_header.header(head, one.n_bytes, one.path).keys)
        return {}

    def _bytes(self, file: File) -> bytes:
        if file.literal_tensor_id is None:
            return b""
        owner_id = service.owner(self.principal)
        with db.transaction(self.principal) as tx:
            ref = tensors_service.refs(tx, owner_id, [file.literal_tensor_id])[0]
        return b"".join(bytes(one) for one in tensors_service.chunks(self.principal, ref))

    def _encoder(self) -> Callable[[str], list[int]] | None:
        files = {one.path: one for one in parts_service.all_files(self.principal, self.model)}
        if "tokenizer.json" not in files:
            return None
        return vocabularies.cutter(self._bytes(files["tokenizer.json"]))

    def vector_of(self, asked: str | Sequence[float]) -> list[float]:
        """The vector of a text or of numbers, as `_scaled`. Raises BadInput."""
        import numpy as np

        if not isinstance(asked, str):
            return _scaled([float(one) for one in asked])
        if not self.pieces:
            raise NoVocabulary(model=str(self.model), reason="it came without the words of its tokenizer")
        numbers = vocabulary_model.numbers_of(asked, self.pieces, self._encoder())
        numbers = [one for one in numbers if one < self.weight.shape[0]]
        if not numbers:
            raise BadInput(
                reason="no piece of the vocabulary is in the text", fields=[FieldError("text", "other words")]
            )
        return _scaled([float(one) for one in np.mean(self._rows(numbers), axis=0)])

    def _rows(self, numbers: Sequence[int]) -> NDArray[Any]:
        import numpy as np

        ref = self.weight.tensor
        if not ref.dtype.startswith(BLOCKS):
            read = [tensors_service.read_slice(self.principal, ref, (one,)) for one in numbers]
            return np.stack([np.asarray(row, np.float32) for row in read])
        found: dict[int, NDArray[Any]] = {}
        for first, block in blocks(self.principal, ref):
            found |= {one: block[one - first] for one in numbers if first <= one < first + len(block)}
        return np.stack([found[one] for one in numbers])

    def in_rows(self, vector: Sequence[float], k: int) -> list[Neighbour]:
        """What the database finds; nothing where the matrix is not kept as rows."""
        owner_id, text = service.owner(self.principal), db.vector_text(vector)
        with db.transaction(self.principal) as tx:
            kept = vocabulary_repo.kept(tx, owner_id, self.model.model_id, self.kind).one()
            if kept.rows == 0 or kept.dimensions != len(vector):
                return []
            rows = vocabulary_repo.nearest(tx, owner_id, self.model.model_id, self.kind, text, k)
        return rows.all()

    def in_tensor(self, vector: Sequence[float], k: int) -> list[Neighbour]:
        """What is nearest in the tensor, which is read block by block."""
        import numpy as np

        asked = np.asarray(vector, np.float32)
        asked /= np.linalg.norm(asked)
        best: list[tuple[float, int]] = []
        for first, block in blocks(self.principal, self.weight.tensor):
            lengths = np.linalg.norm(block, axis=1)
            near = np.where(lengths > 0, (block @ asked) / np.maximum(lengths, 1e-30), -2.0)
            top = np.argsort(-near, kind="stable")[:k]
            best = sorted([*best, *((-float(near[one]), first + int(one)) for one in top)])[:k]
        return [Neighbour(at, self.pieces.get(at), -distance) for distance, at in best if distance < 2]


def _scaled(vector: Sequence[float]) -> list[float]:
    """A vector of the same direction whose largest number is from 1/2 to 1: no type of numbers is too narrow for it.

    Raises BadInput for one that has no direction.
    """
    import numpy as np

    largest = max(map(abs, vector), default=0.0)
    if largest == 0 or not np.isfinite(vector).all():
        raise BadInput(reason="the vector must be of numbers, not all of them 0")
    return [float(one) for one in np.ldexp(vector, -np.frexp(largest)[1])]


def blocks(principal: db.Principal, ref: TensorRef) -> Iterator[tuple[int, NDArray[Any]]]:
    """The rows of a matrix as float32, some at a time, each with the number of its first row."""
    width = floats.row_bytes(ref.dtype, ref.shape[1])
    first, left = 0, b""
    for chunk in tensors_service.chunks(principal, ref):
        data = memoryview(left + bytes(chunk)) if left else memoryview(chunk).cast("B")
        whole = len(data) // width * width
        left = bytes(data[whole:])
        if whole:
            rows = floats.rows(data[:whole], ref.dtype, ref.shape[1])
            yield first, rows
            first += len(rows)
