"""Against which chunk a new one is taken, and whether that pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from anima.kernel import db
from anima.tensors import codecs, repo
from anima.tensors.commit_service import Kept
from anima.tensors.loading_service import MAX_DEPTH, Loader, Wrong
from anima.vendors import packs as vendor

_LEAST_BYTES = 4096
_WORTH = 0.8  # of what the chunk would take by itself: a difference must be read together with its base


@dataclass(slots=True)
class Bases:
    """The chunks of the tensors that a save's own were trained from."""

    principal: db.Principal
    owner_id: int
    packs: vendor.Packs
    enabled: bool
    loader: Loader = field(init=False)

    def __post_init__(self) -> None:
        self.loader = Loader(self.principal, self.owner_id, self.packs)

    def begin(self, kept: Iterable[Kept]) -> None:
        """Asks of which chunks the bases consist; one of another type or shape is none."""
        having = [one for one in kept if self.enabled and _fits(one)]
        if not having:
            return
        named = [one.given.base.tensor_id for one in having if one.given.base]
        with db.transaction(self.principal) as tx:
            rows = tx.fetch(repo.CHUNKS_OF, owner_id=self.owner_id, tensor_ids=named)
        chunks: dict[Any, list[bytes]] = {}
        for row in rows.all():
            chunks.setdefault(row.tensor_id, []).append(row.checksum)
        for one in having:
            one.base_chunks = chunks.get(one.given.base.tensor_id, []) if one.given.base else []

    def look_up(self, wanted: Iterable[tuple[Sequence[bytes], int]]) -> None:
        """Asks where the base of each of these chunks lies."""
        self.loader.look_up(chunks[index] for chunks, index in wanted if index < len(chunks))

    def difference(
        self, base_chunks: Sequence[bytes], index: int, data: memoryview, itemsize: int
    ) -> tuple[str, Any, bytes, int] | None:
        """Codec, what is stored, the base and the depth; nothing where there is no base, or it does not pay."""
        if index >= len(base_chunks) or len(data) < _LEAST_BYTES:
            return None
        try:
            base = self._allowed(base_chunks[index])
            place = self.loader.place(base)
            if place.n_bytes != len(data):
                return None
            found = codecs.changed(data, self.loader.raw(base), itemsize, _WORTH * codecs.estimate(data, itemsize))
        except Wrong:  # a base that cannot be read is none
            return None
        return (*found, base, place.depth + 1) if found else None

    def _allowed(self, checksum: bytes) -> bytes:
        """The base, or the first of its chain where that is as long as it may be."""
        place = self.loader.place(checksum)
        if place.depth >= MAX_DEPTH:
            while place.base is not None:
                place = self.loader.place(place.base)
        return place.checksum


def _fits(kept: Kept) -> bool:
    given, base = kept.given, kept.given.base
    return base is not None and base.dtype == given.dtype and base.shape == given.shape
