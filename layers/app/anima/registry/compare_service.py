"""Two models or checkpoints compared tensor by tensor: what is the same is known unread, the rest is read in pieces."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from anima.kernel import db
from anima.kernel.errors import NotFound
from anima.registry import checkpoint_service, compare_repo, service
from anima.registry.compare_model import TensorDifference
from anima.registry.compress_model import Quantization, parts, quantization
from anima.registry.model import Reference
from anima.tensors import service as tensors
from anima.tensors.model import TensorRef

if TYPE_CHECKING:
    from anima.registry.compress_deviation import Distance
    from anima.registry.compress_groups import Array

__all__ = ["Subject", "TensorDifference", "checkpoint", "compare", "model", "sides", "to_read"]
_WEIGHTS = ("weight",)


@dataclass(frozen=True, slots=True)
class Subject:
    """A side of a comparison: a model or a checkpoint."""

    kind: Literal["model", "checkpoint"]
    reference: Reference


@dataclass(frozen=True, slots=True)
class Side:
    """A tensor of one side: as it lies, or, where it is quantised, what it stands for."""

    name: str
    role: str
    dtype: str
    shape: tuple[int, ...]
    refs: Mapping[str, TensorRef]
    how: Quantization | None = None

    @property
    def n_bytes(self) -> int:
        """How much would be read."""
        return sum(ref.n_bytes for ref in self.refs.values())

    def is_same(self, other: Side) -> bool:
        """Whether both are known to be the same without being read."""
        ours, theirs = ([ref.checksum for ref in side.refs.values()] for side in (self, other))
        return ours == theirs and (self.dtype, self.shape) == (other.dtype, other.shape)


def model(reference: Reference) -> Subject:
    """A model as a side."""
    return Subject("model", reference)


def checkpoint(checkpoint_id: uuid.UUID) -> Subject:
    """A checkpoint as a side."""
    return Subject("checkpoint", checkpoint_id)


def compare(
    principal: db.Principal, left: Subject, right: Subject, *, roles: Sequence[str] = _WEIGHTS
) -> Iterator[TensorDifference]:
    """The differences in the order of roles and names, each when it has been found.

    `roles` are `weight`, and of checkpoints also `optimizer` and `state`. Tensors of the same content are not read; of
    the others some MiB are in memory at a time. Raises NotFound at once, and what reading a tensor raises later.
    """
    ours, theirs = sides(principal, left, roles), sides(principal, right, roles)
    return (_difference(principal, ours.get(key), theirs.get(key)) for key in sorted(ours.keys() | theirs.keys()))


def to_read(principal: db.Principal, left: Subject, right: Subject, *, roles: Sequence[str] = _WEIGHTS) -> int:
    """How many bytes a comparison would read. Raises NotFound."""
    ours, theirs = sides(principal, left, roles), sides(principal, right, roles)
    pairs = [(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()]
    return sum(
        one.n_bytes + other.n_bytes for one, other in pairs if one.shape == other.shape and not one.is_same(other)
    )


def sides(principal: db.Principal, subject: Subject, roles: Sequence[str] = _WEIGHTS) -> dict[tuple[str, str], Side]:
    """The tensors of a side by role and name; a quantised weight is one, under its own name. Raises NotFound."""
    owner_id, how = service.owner(principal), None
    if subject.kind == "model":
        found = service.get(principal, subject.reference)
        how = quantization(found.architecture)
        with db.transaction(principal) as tx:
            entries = compare_repo.of_model(tx, owner_id, found.model_id).all()
            refs = tensors.refs(tx, owner_id, [one.tensor_id for one in entries])
    else:
        checkpoint_id = _id(subject.reference)
        checkpoint_service.checkpoint(principal, checkpoint_id)
        with db.transaction(principal) as tx:
            entries = compare_repo.of_checkpoint(tx, owner_id, checkpoint_id, roles).all()
            refs = tensors.refs(tx, owner_id, [one.tensor_id for one in entries])
    by_name = {(one.role, one.name): ref for one, ref in zip(entries, refs, strict=True)}
    return _logical({key: _side(key, ref) for key, ref in by_name.items()}, how)


def _id(reference: Reference) -> uuid.UUID:
    if isinstance(reference, uuid.UUID):
        return reference
    try:
        return uuid.UUID(str(reference))
    except ValueError:
        raise NotFound(what="checkpoint", id=str(reference)[:100]) from None


def _side(key: tuple[str, str], ref: TensorRef) -> Side:
    return Side(key[1], key[0], ref.dtype, ref.shape, {key[1]: ref})


def _logical(found: dict[tuple[str, str], Side], how: Quantization | None) -> dict[tuple[str, str], Side]:
    if how is None:
        return found
    for name, was in how.tensors.items():
        keys = [("weight", part) for part in parts(name, how)]
        if not all(key in found for key in keys):
            continue
        taken = [found.pop(key) for key in keys]
        refs = {part: ref for side in taken for part, ref in side.refs.items()}
        found["weight", name] = Side(name, "weight", was.dtype, was.shape, refs, how)
    return found


def _difference(principal: db.Principal, left: Side | None, right: Side | None) -> TensorDifference:
    there = left or right
    assert there is not None
    base = TensorDifference(
        there.name,
        there.role,
        "changed",
        left.dtype if left else None,
        right.dtype if right else None,
        left.shape if left else None,
        right.shape if right else None,
    )
    if left is None or right is None:
        return replace(base, state="added" if left is None else "removed")
    if left.is_same(right):
        return replace(base, state="same", max_abs=0.0, rmse=0.0, relative=0.0, share_changed=0.0)
    return base if left.shape != right.shape else _measured(principal, base, left, right)


def _measured(principal: db.Principal, base: TensorDifference, left: Side, right: Side) -> TensorDifference:
    from anima.registry.compare_pieces import NoNumbers, of_bytes

    try:
        found = _distance(_numbers(principal, left), _numbers(principal, right))
    except NoNumbers:
        if left.dtype != right.dtype:
            return base
        ours, theirs = (of_bytes(principal, next(iter(side.refs.values()))) for side in (left, right))
        return replace(base, share_changed=_distance(ours, theirs).share_changed)
    return replace(
        base,
        max_abs=_finite(found.max_abs),
        rmse=_finite(found.rmse),
        relative=_finite(found.relative),
        cosine=_finite(found.cosine),
        share_changed=found.share_changed,
        norm_left=_finite(found.norm_left),
        norm_right=_finite(found.norm_right),
    )


def _distance(left: Iterator[Array], right: Iterator[Array]) -> Distance:
    from anima.registry.compare_pieces import paired
    from anima.registry.compress_deviation import Measuring

    measuring = Measuring()
    for one, other in paired(left, right):
        measuring.add(one, other)
    return measuring.distance()


def _numbers(principal: db.Principal, side: Side) -> Iterator[Array]:
    from anima.registry import compare_pieces

    if side.how is not None:
        return compare_pieces.quantized(principal, side.name, side.how, dict(side.refs))
    return compare_pieces.plain(principal, next(iter(side.refs.values())))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
