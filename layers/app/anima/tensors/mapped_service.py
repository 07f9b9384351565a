"""Tensors without a copy: where one lies as it is, in one piece, in a pack on this machine, its array is the file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from anima.kernel import db
from anima.kernel.errors import AnimaError
from anima.tensors import arrays, codecs, read_service
from anima.tensors.loading_service import Loader, Wrong
from anima.tensors.model import CHUNK_BYTES, TensorRef
from anima.tensors.repo import Place


def open_mapped(principal: db.Principal, ref: TensorRef, *, verify: bool = True) -> NDArray[Any]:
    """See `anima.tensors.service.open_mapped`."""
    load = read_service.loader(principal)
    [checksums] = read_service.chunks_of(load, [ref])
    load.look_up(checksums)
    view = _view(load, ref, [load.places.get(checksum) for checksum in checksums])
    if view is None or (verify and not _is_right(load, checksums, view)):
        [array] = read_service.read_all(principal, [ref])
        array.flags.writeable = False
        return array
    return arrays.as_array(view, ref.dtype, ref.shape)


def _view(load: Loader, ref: TensorRef, places: list[Place | None]) -> memoryview | None:
    first = places[0] if places else None
    if first is None or first.pack_id is None or first.pack_offset is None:
        return None
    for index, place in enumerate(places):
        there = place is not None and place.codec == codecs.RAW and place.pack_id == first.pack_id
        if place is None or not there or place.pack_offset != first.pack_offset + index * CHUNK_BYTES:
            return None
    try:
        pack = load.packs.map(load.owner_id, first.pack_id)
    except AnimaError:  # reading says what is wrong with it
        return None
    end = first.pack_offset + ref.n_bytes
    return None if pack is None or len(pack) < end else pack[first.pack_offset : end]


def _is_right(load: Loader, checksums: list[bytes], view: memoryview) -> bool:
    try:
        for index, checksum in enumerate(checksums):
            load.check(load.place(checksum), view[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES])
    except Wrong:
        return False
    return True
