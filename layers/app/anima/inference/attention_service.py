"""What a model attends to: patterns recorded input by input, read head by head."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from anima.inference import attention_repo as repo
from anima.inference.attention_model import Input, Pattern, Recorded, input_hash, why_no_pattern
from anima.inference.errors import BadPattern, ModelMissing, PatternMissing, SessionMissing
from anima.inference.sessions_service import owner_of
from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput, FieldError
from anima.tensors import service as tensors
from anima.tensors.model import Given, Saved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Input", "Pattern", "Recorded", "forget", "inputs", "patterns", "record", "weights"]

_MOST = 2**31


def record(
    principal: db.Principal,
    model_id: uuid.UUID,
    recorded: Sequence[Recorded],
    *,
    inference_id: uuid.UUID | None = None,
) -> list[Pattern]:
    """Keeps what a model attended to in some inputs, all or nothing; an input that was recorded before is replaced.

    Raises BadPattern, ModelMissing, SessionMissing (where the session is none of this model's).
    """
    for place, one in enumerate(recorded):
        if (why := why_no_pattern(one)) is not None:
            raise BadPattern(reason=why, fields=[FieldError(f"recorded.{place}", why)])
    by_hash = {input_hash(one.tokens): one for one in recorded}
    owner_id = owner_of(principal)

    def enter(tx: db.Transaction, saved: Saved) -> list[Pattern]:
        _known(repo.known(tx, owner_id, model_id, inference_id).first(), model_id, inference_id)
        entered = [
            repo.add(tx, owner_id, model_id, inference_id, _new(model_id, digest, one, saved), clock.now())
            for digest, one in by_hash.items()
        ]
        tensors.released(tx, owner_id)
        return [pattern for some in entered for pattern in some.all()]

    given = (one for digest, each in by_hash.items() for one in _given(model_id, digest, each))
    return tensors.save(principal, given, enter)


def patterns(
    principal: db.Principal,
    model_id: uuid.UUID,
    *,
    input_hash: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> pages.Page[Pattern]:
    """The patterns of a model by input, layer and head. Raises ModelMissing, and BadInput for what cannot be."""
    digest = None if input_hash is None else _bytes(input_hash, "input_hash")
    wanted = repo.Wanted(digest, layer, head, _place(cursor))
    for name, number in (("layer", layer), ("head", head)):
        if number is not None and not 0 <= number < _MOST:
            raise BadInput(reason=f"no such {name}", fields=[FieldError(name, "a whole number from 0 on")])
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        known = repo.known(tx, owner_id, model_id, None)
        found = repo.page(tx, owner_id, model_id, wanted, limit)
    _known(known.first(), model_id, None)
    return pages.page(found.all(), limit, lambda one: (one.input_hash, one.layer, one.head))


def inputs(
    principal: db.Principal, model_id: uuid.UUID, cursor: str | None = None, limit: int = 50
) -> pages.Page[Input]:
    """The inputs whose patterns were recorded. Raises ModelMissing, and BadInput for a cursor that is none."""
    after = pages.name(cursor)
    digest = None if after is None else _bytes(after, "cursor")
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        known = repo.known(tx, owner_id, model_id, None)
        found = repo.inputs(tx, owner_id, model_id, digest, limit)
    _known(known.first(), model_id, None)
    return pages.page(found.all(), limit, lambda one: (one.input_hash,))


def pattern(principal: db.Principal, pattern_id: uuid.UUID) -> Pattern:
    """One pattern. Raises PatternMissing."""
    with db.transaction(principal) as tx:
        found = repo.one(tx, owner_of(principal), pattern_id)
    one = found.first()
    if one is None:
        raise PatternMissing(id=pattern_id)
    return one


def weights(principal: db.Principal, pattern_id: uuid.UUID) -> NDArray[np.float32]:
    """The weights of a pattern, (queries, keys): each row adds up to 1. Raises PatternMissing, Unreadable."""
    import numpy as np

    one = pattern(principal, pattern_id)
    with db.transaction(principal) as tx:
        refs = tensors.refs(tx, owner_of(principal), [one.tensor_id])
    whole: NDArray[Any] = tensors.read_all(principal, refs)[0]
    return whole.astype(np.float32, copy=False)


def forget(principal: db.Principal, model_id: uuid.UUID, input_hash: str | None = None) -> int:
    """Deletes the patterns of an input, or all of a model; answers how many. Raises BadInput."""
    digest = None if input_hash is None else _bytes(input_hash, "input_hash")
    owner_id = owner_of(principal)
    with db.transaction(principal) as tx:
        gone = len(repo.forget(tx, owner_id, model_id, digest).all())
        if gone:
            tensors.released(tx, owner_id)
    return gone


def _known(found: repo.Known | None, model_id: uuid.UUID, inference_id: uuid.UUID | None) -> None:
    if found is None:
        raise ModelMissing(id=model_id)
    if inference_id is not None and found.inference_id is None:
        raise SessionMissing(id=inference_id)


def _places(one: Recorded) -> list[tuple[int, int]]:
    return [(layer, head) for layer in sorted(one.layers) for head in range(one.layers[layer].shape[0])]


def _name(model_id: uuid.UUID, digest: bytes, place: tuple[int, int]) -> str:
    return f"attention {model_id} {digest.hex()} layer {place[0]} head {place[1]}"


def _given(model_id: uuid.UUID, digest: bytes, one: Recorded) -> Iterator[Given]:
    n = len(one.tokens)
    for layer, head in _places(one):
        matrix = one.layers[layer]
        yield Given(_name(model_id, digest, (layer, head)), matrix.dtype.name, (n, n), partial(_of_head, matrix, head))


def _of_head(matrix: NDArray[Any], head: int) -> NDArray[Any]:
    import numpy as np

    return np.ascontiguousarray(matrix[head])


def _new(model_id: uuid.UUID, digest: bytes, one: Recorded, saved: Saved) -> repo.New:
    places = _places(one)
    made = [saved.tensors[_name(model_id, digest, place)].tensor_id for place in places]
    return repo.New(digest, one.tokens, [ids.uuid7() for _ in places], places, made)


def _bytes(hexadecimal: str, field: str) -> bytes:
    try:
        digest = bytes.fromhex(hexadecimal)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise BadInput(reason=f"no such {field}", fields=[FieldError(field, "64 hexadecimal digits")])
    return digest


def _place(cursor: str | None) -> tuple[bytes, int, int] | None:
    decoded = pages.decode(cursor, 3)
    if decoded is None:
        return None
    digest, layer, head = decoded
    if not isinstance(digest, str) or any(type(one) is not int or not 0 <= one < _MOST for one in (layer, head)):
        raise pages.unknown()
    return _bytes(digest, "cursor"), layer, head
