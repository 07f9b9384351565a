"""A style as it travels in a snapshot: without ids, and merged where it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import clock, db
from anima.style import fold, own_repo
from anima.style.model import VALUES
from anima.style.own_repo import Kept

__all__ = ["Kept", "as_part", "portable", "take_in"]


def portable(tx: db.Transaction, owner_id: int) -> db.Pending[Kept]:
    """What is kept of somebody's style, as part of a transaction; maybe no row."""
    return own_repo.kept(tx, owner_id)


def as_part(kept: Kept | None) -> dict[str, Any]:
    """What travels: samples in their order, and corrections. Empty where there is nothing."""
    if kept is None or not (kept.samples or kept.corrected):
        return {}
    return {"samples": _bare(kept.samples), "corrected": dict(sorted(kept.corrected.items()))}


def take_in(tx: db.Transaction, owner_id: int, part: Mapping[str, Any]) -> bool:
    """Merges what came into somebody's style, and says whether that changed it; twice is once. Looks once.

    Samples that came go before all that was said here, in their order; corrections made here stay. Raises ValueError
    where the part is none.
    """
    came = [fold.checked(dict(one)) for one in part.get("samples", [])][-fold.KEPT :]
    corrected = {trait: value for trait, value in part.get("corrected", {}).items() if value in VALUES.get(trait, ())}
    if not (came or corrected):
        return False
    kept, at = own_repo.locked(tx, owner_id).one(), clock.now()
    known = _bare(kept.samples)
    fresh = [one for one in came if one not in known]
    first = min([0, *(one["m"] for one in kept.samples)]) - len(fresh)
    samples = fold.added(kept.samples, [{"m": first + place, **one} for place, one in enumerate(fresh)])
    if samples != kept.samples:
        own_repo.learn(tx, owner_id, samples, fold.averages(samples), at)
    if missing := {trait: value for trait, value in corrected.items() if trait not in kept.corrected}:
        own_repo.change(tx, owner_id, None, missing, at)
    return bool(missing) or samples != kept.samples


def _bare(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "m"} for one in samples]
