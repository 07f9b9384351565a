"""Keys and values of a transformer, kept by layer and range of positions: generation goes on where it was left.

They are given back only for the very tokens and weights for which they were made. What is lost is computed again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from anima.inference import kv_repo
from anima.inference.errors import BadKv, KvGap, SessionEnded, SessionMissing
from anima.inference.kv_model import Held, reach, tokens_hash, why_not_kv
from anima.inference.sessions_service import owner_of
from anima.kernel import clock, db, ids, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import NotFound
from anima.tensors import errors as broken
from anima.tensors import service as tensors
from anima.tensors.model import Given, Saved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anima.inference.kv_model import Pair

__all__ = ["KEPT", "Held", "restore", "store"]

KEPT = timedelta(days=7)
"""Keys and values that nobody asked for in so long go with the next maintenance."""
_LONGEST = 1 << 20
_LOST = (broken.Unreadable, NotFound)


def store(
    principal: db.Principal,
    inference_id: uuid.UUID,
    weights: str,
    tokens: Sequence[int],
    layers: Mapping[int, Pair],
    start: int = 0,
) -> int:
    """Keeps keys and values of the positions from `start` on, by layer from 0: arrays (..., positions, head_dim).

    `tokens` are all from position 0 on, `weights` what the model's weights are known by. What was kept for other
    tokens, or from `start` on, is dropped. Answers up to which position is kept now (0: it is more than is kept of
    anybody). Raises SessionMissing, SessionEnded, BadKv, and KvGap where `start` does not join what is kept.
    """
    positions = _checked(weights, tokens, layers, start)
    owner, owner_id, end = replace(principal, login="worker"), owner_of(principal), start + positions

    def enter(tx: db.Transaction, saved: Saved) -> int:
        session = kv_repo.session(tx, owner_id, inference_id)
        rows = kv_repo.ranges(tx, owner_id, inference_id, clock.now())
        _open(session.first(), inference_id)
        before = [one for one in _of(rows.all(), weights, tokens) if one.seq_end <= start]
        if _reach(before, len(layers)) != start:
            raise KvGap(start=start, held=_reach(before, len(layers)))
        dropped = kv_repo.drop_others(tx, owner_id, inference_id, [one.kv_id for one in before])
        made = [saved.tensors[_name(inference_id, layer, start)].tensor_id for layer in range(len(layers))]
        new = kv_repo.New(weights, tokens_hash(tokens, end), start, end, [ids.uuid7() for _ in made], made)
        kv_repo.add(tx, owner_id, inference_id, new, clock.now(), KEPT)
        kv_repo.used(tx, owner_id, inference_id, [], clock.now(), KEPT)
        over = kv_repo.over(tx, owner_id, settings().kv_cache_bytes)
        left = kv_repo.ranges(tx, owner_id, inference_id, clock.now())
        if dropped.all() or over.all():
            tensors.released(tx, owner_id)
        return _reach(left.all(), len(layers))

    return tensors.save(owner, [_given(inference_id, one, pair, start) for one, pair in layers.items()], enter)


def restore(principal: db.Principal, inference_id: uuid.UUID, weights: str, tokens: Sequence[int]) -> Held:
    """Keys and values of the longest kept beginning of `tokens`, at most of all but the last: from that one the next
    token comes. Nothing where nothing is kept, or where it was lost. Raises SessionMissing, BadKv.
    """
    _check_tokens(tokens)
    owner, owner_id = replace(principal, login="worker"), owner_of(principal)
    with db.transaction(owner) as tx:
        session = kv_repo.session(tx, owner_id, inference_id)
        found = kv_repo.ranges(tx, owner_id, inference_id, clock.now())
    if session.first() is None:
        raise SessionMissing(id=inference_id)
    rows = _of(found.all(), weights, tokens)
    most = len(tokens) - 1
    until = min(_reach(rows, len({one.layer for one in rows})), most)
    rows = [one for one in rows if one.seq_start < until]
    telemetry.count("cache.hits" if until > 0 else "cache.misses", cache="kv")
    if until <= 0:
        return Held(0, {})
    return _read(owner, inference_id, rows, until)


def _checked(weights: str, tokens: Sequence[int], layers: Mapping[int, Pair], start: int) -> int:
    """How many positions the range has. Raises BadKv."""
    if not 1 <= len(weights) <= 200 or not weights.isprintable():
        raise BadKv(reason="what the weights are known by has 1 to 200 printable characters")
    positions = next((int(keys.shape[-2]) for keys, _ in layers.values() if keys.ndim > 1), 0)
    why = why_not_kv(layers, positions)
    if why is None and not 0 <= start < start + positions <= min(len(tokens), _LONGEST):
        why = f"positions {start} to {start + positions} are not among those of {len(tokens)} tokens"
    if why is not None:
        raise BadKv(reason=why)
    _check_tokens(tokens)
    return positions


def _check_tokens(tokens: Sequence[int]) -> None:
    if any(not -(2**63) <= one < 2**63 for one in tokens):
        raise BadKv(reason="a token is a number of 64 bits")


def _open(session: kv_repo.Open | None, inference_id: uuid.UUID) -> None:
    if session is None:
        raise SessionMissing(id=inference_id)
    if session.ended_at is not None:
        raise SessionEnded(id=inference_id)


def _of(rows: Sequence[kv_repo.Range], weights: str, tokens: Sequence[int]) -> list[kv_repo.Range]:
    """The rows that were made by these weights for a beginning of these tokens."""
    hashes = {end: tokens_hash(tokens, end) for end in {one.seq_end for one in rows} if end <= len(tokens)}
    return [one for one in rows if one.model == weights and hashes.get(one.seq_end) == one.prompt_hash]


def _reach(rows: Sequence[kv_repo.Range], layers: int) -> int:
    ranges: dict[int, list[tuple[int, int]]] = {}
    for one in rows:
        ranges.setdefault(one.layer, []).append((one.seq_start, one.seq_end))
    return reach(ranges, layers)


def _name(inference_id: uuid.UUID, layer: int, start: int) -> str:
    return f"kv {inference_id} layer {layer} from {start}"


def _given(inference_id: uuid.UUID, layer: int, pair: Pair, start: int) -> Given:
    """Keys and values stacked; that is done when their turn comes, so that only one layer lies in memory twice."""
    keys = pair[0]

    def stacked() -> NDArray[Any]:
        import numpy as np

        return np.ascontiguousarray(np.stack(pair))

    return Given(_name(inference_id, layer, start), keys.dtype.name, (2, *keys.shape), stacked)


def _read(owner: db.Principal, inference_id: uuid.UUID, rows: Sequence[kv_repo.Range], until: int) -> Held:
    """Keys and values of these rows up to a position; where the store has lost any, nothing, and all are dropped."""
    owner_id = owner_of(owner)
    try:
        with db.transaction(owner) as tx:
            refs = tensors.refs(tx, owner_id, [one.tensor_id for one in rows])
        whole = tensors.read_all(owner, refs)
    except _LOST as error:
        telemetry.warning("inference.cache_lost", cache="kv", reason=str(error))
        telemetry.count("inference.cache_lost", cache="kv")
        with db.transaction(owner) as tx:
            kv_repo.drop_others(tx, owner_id, inference_id, [])
            tensors.released(tx, owner_id)
        return Held(0, {})
    with db.transaction(owner) as tx:
        kv_repo.used(tx, owner_id, inference_id, [one.kv_id for one in rows], clock.now(), KEPT)
    return Held(until, _joined(rows, whole, until))


def _joined(rows: Sequence[kv_repo.Range], whole: Sequence[NDArray[Any]], until: int) -> dict[int, Pair]:
    import numpy as np

    parts: dict[int, list[NDArray[Any]]] = {}
    for row, stacked in zip(rows, whole, strict=True):
        parts.setdefault(row.layer, []).append(stacked[..., : until - row.seq_start, :])
    joined = {layer: np.concatenate(some, axis=-2) if len(some) > 1 else some[0] for layer, some in parts.items()}
    return {layer: (both[0], both[1]) for layer, both in joined.items()}
