"""Activations of transformers' layers, made once: what a layer made of an input is given again to the bit.

Small ones lie in their row, larger ones in the chunk store. A cache that has lost something makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from anima.inference import layers_repo
from anima.inference.errors import BadActivation
from anima.inference.layers_model import Place, input_hash, little_endian, weights_digest, why_no_place
from anima.inference.sessions_service import owner_of
from anima.kernel import clock, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import NotFound
from anima.tensors import errors as broken
from anima.tensors import service as tensors
from anima.tensors.model import DTYPES, Saved, given

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Place", "held", "input_hash", "keep", "reuse", "weights_digest"]

KEPT = timedelta(days=30)
"""An activation that nobody asked for in so long goes with the next maintenance."""
INLINE_BYTES = 8192
LOST = (broken.Unreadable, NotFound)
"""What the chunk store says where it cannot give a tensor back."""

Compute = Callable[[Sequence[int]], Sequence["NDArray[Any]"]]


def reuse(
    principal: db.Principal,
    place: Place,
    inputs: Sequence[Sequence[NDArray[Any]]],
    compute: Compute,
    *,
    document_id: int | None = None,
) -> list[NDArray[Any]]:
    """What the layer makes of each input (all arrays that it depends on): as it was made first, else by `compute`.

    `compute` gets the places of the inputs that nothing is known of, each input once, and answers their activations
    in that order. What is made of a document is forgotten with it. Raises BadActivation.
    """
    hashes = [input_hash(one) for one in inputs]
    known = held(principal, place, hashes)
    first = {digest: number for number, digest in reversed(list(enumerate(hashes)))}
    missing = [number for digest, number in sorted(first.items(), key=lambda one: one[1]) if digest not in known]
    telemetry.count("cache.hits", len(first) - len(missing), cache="layers")
    telemetry.count("cache.misses", len(missing), cache="layers")
    if missing:
        made = dict(zip((hashes[number] for number in missing), compute(missing), strict=True))
        keep(principal, place, made, document_id=document_id)
        known |= made
    return [known[digest] for digest in hashes]


def held(principal: db.Principal, place: Place, hashes: Sequence[bytes]) -> dict[bytes, NDArray[Any]]:
    """What is known of inputs by their hashes, read-only arrays. What the store has lost is not known any more."""
    _check(place)
    owner = replace(principal, login="worker")
    where = (place.model, place.name)
    with db.transaction(owner) as tx:
        found = layers_repo.found(tx, owner_of(owner), where, sorted(set(hashes)), clock.now(), KEPT)
    small = {row.input_hash: _array(row) for row in found.all() if row.tensor_id is None}
    return small | _stored(owner, where, [row for row in found.all() if row.tensor_id is not None])


def keep(
    principal: db.Principal,
    place: Place,
    made: Mapping[bytes, NDArray[Any]],
    *,
    document_id: int | None = None,
) -> None:
    """Keeps what a layer made, by the hashes of its inputs. Raises BadActivation where the type is another one."""
    _check(place)
    for array in made.values():
        if array.dtype.name != place.dtype or array.size == 0:
            raise BadActivation(reason=f"it has {array.size} numbers of {array.dtype.name}, not of {place.dtype}")
    if not made:
        return
    owner, owner_id = replace(principal, login="worker"), owner_of(principal)

    def enter(tx: db.Transaction, saved: Saved | None = None) -> None:
        rows = [_row(place, digest, array, saved) for digest, array in made.items()]
        layers_repo.keep(tx, owner_id, document_id, (place.model, place.name), rows, clock.now(), KEPT)
        if layers_repo.over(tx, owner_id, settings().activation_cache_bytes).all():
            tensors.released(tx, owner_id)

    large = {digest: array for digest, array in made.items() if array.nbytes > INLINE_BYTES}
    if large:
        import numpy as np

        given_now = [given(_named(place, digest), np.ascontiguousarray(array)) for digest, array in large.items()]
        tensors.save(owner, given_now, enter)
    else:
        with db.transaction(owner) as tx:
            enter(tx)


def _check(place: Place) -> None:
    why = why_no_place(place) or (None if place.dtype in DTYPES else f"{place.dtype[:40]} is no type of numbers")
    if why is not None:
        raise BadActivation(reason=why)


def _named(place: Place, digest: bytes) -> str:
    return f"activation {place.name[:300]} {digest.hex()}"


def _row(place: Place, digest: bytes, array: NDArray[Any], saved: Saved | None) -> layers_repo.Held:
    shape = list(array.shape)
    if array.nbytes <= INLINE_BYTES:
        return layers_repo.Held(digest, little_endian(array), None, shape, place.dtype)
    assert saved is not None, "what is large was saved"
    return layers_repo.Held(digest, b"", saved.tensors[_named(place, digest)].tensor_id, shape, place.dtype)


def _array(row: layers_repo.Held) -> NDArray[Any]:
    import ml_dtypes  # noqa: F401  (teaches numpy bfloat16 and its like)
    import numpy as np

    return np.frombuffer(row.tensor, np.dtype(row.dtype).newbyteorder("<")).reshape(row.shape)


def _stored(owner: db.Principal, where: tuple[str, str], rows: Sequence[layers_repo.Held]) -> dict[bytes, NDArray[Any]]:
    """Those that lie in the chunk store; one that cannot be read whole is forgotten."""
    whole = {}
    for row in rows:
        assert row.tensor_id is not None
        try:
            with db.transaction(owner) as tx:
                refs = tensors.refs(tx, owner_of(owner), [row.tensor_id])
            whole[row.input_hash] = tensors.read_all(owner, refs)[0]
        except LOST as error:
            telemetry.warning("inference.cache_lost", cache="layers", reason=str(error))
            telemetry.count("inference.cache_lost", cache="layers")
            with db.transaction(owner) as tx:
                layers_repo.forget(tx, owner_of(owner), where, [row.input_hash])
                tensors.released(tx, owner_of(owner))
    return whole
