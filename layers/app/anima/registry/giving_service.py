"""Tensors given out over HTTP: a whole one or a slice, those of a checkpoint as one file, two checkpoints compared.

Nothing is ever in memory as a whole but a slice, and that is bounded.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from anima.kernel import db, pages
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, FieldError, NotFound, TooLarge, Unavailable
from anima.registry import checkpoint_service, giving_repo, npy, safetensors_header, service, slices
from anima.registry.giving_repo import Stored
from anima.registry.service import owner
from anima.tensors import service as tensors
from anima.tensors.model import BLOCKS, DTYPES, TensorRef

if TYPE_CHECKING:
    from anima.registry.compare_model import TensorDifference

_NEEDED = ("numpy", "blake3", "xxhash")
_MOST_POSITIONS = 2**31 - 1


class NoBulkWorkHere(Unavailable):
    """Tensors are not read or written here, for want of packages; a server with the extra `tensors` does it."""

    slug = "no-bulk-work-here"


@dataclass(frozen=True, slots=True)
class GivenOut:
    """Bytes on their way: how many, of which type and shape, and the pieces."""

    n_bytes: int
    dtype: str
    shape: tuple[int, ...]
    pieces: Iterator[bytes | memoryview]


@dataclass(frozen=True, slots=True)
class TensorOf:
    """A tensor of a checkpoint."""

    name: str
    role: str
    tensor_id: uuid.UUID
    dtype: str
    shape: tuple[int, ...]
    n_bytes: int


def check_here() -> None:
    """Raises NoBulkWorkHere where the packages are missing, as in a function that answers small questions only."""
    if any(find_spec(name) is None for name in _NEEDED):
        raise NoBulkWorkHere


def tensor(principal: db.Principal, tensor_id: uuid.UUID) -> Stored:
    """What a tensor is and how it is stored. Raises NotFound."""
    with db.transaction(principal) as tx:
        found = giving_repo.one(tx, owner(principal), tensor_id)
    stored = found.first()
    if stored is None:
        raise NotFound(what="tensor", id=tensor_id)
    return stored


def of_model(principal: db.Principal, model_id: uuid.UUID, cursor: str | None, limit: int) -> pages.Page[Stored]:
    """What a model's weights are stored as, in their order. Raises NotFound, BadInput for an unknown cursor."""
    service.get(principal, model_id)
    after = pages.number(cursor, _MOST_POSITIONS)
    with db.transaction(principal) as tx:
        found = giving_repo.of_model(tx, owner(principal), model_id, -1 if after is None else after, limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.position])


def of_checkpoint(
    principal: db.Principal, checkpoint_id: uuid.UUID, cursor: str | None, limit: int
) -> pages.Page[TensorOf]:
    """The tensors of a checkpoint, in their order. Raises NotFound, BadInput for an unknown cursor."""
    after = pages.number(cursor, _MOST_POSITIONS) or 0
    entries = checkpoint_service.tensors(principal, checkpoint_id)[after : after + limit + 1]
    rows = [
        TensorOf(one.name, one.role, one.ref.tensor_id, one.ref.dtype, tuple(one.ref.shape), one.ref.n_bytes)
        for one in entries
    ]
    return pages.page(rows, limit, lambda _: [after + limit])


def data(principal: db.Principal, tensor_id: uuid.UUID, part: str, *, with_header: bool) -> GivenOut:
    """The numbers of a tensor, or of a slice of it. Raises NotFound, BadInput, TooLarge; DamagedChunk as it is read."""
    check_here()
    with db.transaction(principal) as tx:
        (ref,) = tensors.refs(tx, owner(principal), [tensor_id])
    if part.strip():
        return _slice(principal, ref, part, with_header=with_header)
    pieces: Iterator[bytes | memoryview] = iter(tensors.chunks(principal, ref))
    if ref.dtype.startswith(BLOCKS):  # its shape is that of the numbers, its bytes are blocks
        return _headed("uint8", (ref.n_bytes,), pieces, with_header=with_header, dtype=ref.dtype)
    return _headed(ref.dtype, tuple(ref.shape), pieces, with_header=with_header)


def _slice(principal: db.Principal, ref: TensorRef, part: str, *, with_header: bool) -> GivenOut:
    if ref.dtype.startswith(BLOCKS):
        raise BadInput(reason=f"{ref.dtype} has no slices", fields=[FieldError("slice", "nothing, for this tensor")])
    wanted = slices.parse(part, ref.shape)
    shape = slices.shape_of(wanted, ref.shape)
    _bound("slice", math.prod(shape) * DTYPES[ref.dtype])
    found = tensors.read_slice(principal, ref, wanted)
    return _headed(ref.dtype, shape, iter([found.tobytes()]), with_header=with_header)


def _headed(
    stored: str,
    shape: tuple[int, ...],
    pieces: Iterator[bytes | memoryview],
    *,
    with_header: bool,
    dtype: str | None = None,
) -> GivenOut:
    size = math.prod(shape) * DTYPES[stored]
    head = npy.header(stored, DTYPES[stored], shape) if with_header else b""
    return GivenOut(len(head) + size, dtype or stored, shape, _after(head, pieces))


def _after(head: bytes, pieces: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    if head:
        yield head
    yield from pieces


def file(principal: db.Principal, checkpoint_id: uuid.UUID, role: str) -> GivenOut:
    """Tensors of a checkpoint as a safetensors file. Raises NotFound, BadInput where the format cannot hold one."""
    check_here()
    refs = [one.ref for one in checkpoint_service.tensors(principal, checkpoint_id) if one.role == role]
    head = safetensors_header.encoded(refs, {"format": "pt"})
    size = len(head) + sum(ref.n_bytes for ref in refs)
    return GivenOut(size, "", (), _after(head, _in_turn(principal, refs)))


def _in_turn(principal: db.Principal, refs: Sequence[TensorRef]) -> Iterator[memoryview]:
    yield from tensors.all_chunks(principal, refs)


def compared(principal: db.Principal, left: uuid.UUID, right: uuid.UUID) -> list[TensorDifference]:
    """Two checkpoints, weight by weight. Raises NotFound, TooLarge where more would be read than HTTP waits for."""
    from anima.registry import compare_service

    check_here()
    sides = compare_service.checkpoint(left), compare_service.checkpoint(right)
    _bound("difference", compare_service.to_read(principal, *sides))
    return list(compare_service.compare(principal, *sides))


def _bound(what: str, size: int) -> None:
    most = settings().max_slice_bytes
    if size > most:
        raise TooLarge(what=what, size=f"{size} bytes", limit=f"{most} bytes (ANIMA_MAX_SLICE_BYTES)")


def small_enough(principal: db.Principal, model_id: uuid.UUID) -> None:
    """Raises TooLarge for a model that is compressed by `anima model` only, and NotFound, NoBulkWorkHere."""
    check_here()
    _bound("model to compress over HTTP", service.get(principal, model_id).n_bytes)
