"""Tensors for the rooms above: saved whole or not at all, read with every byte checked, collected when unused.

What is heavy is loaded when it is first used: who only looks at tensors needs neither numpy nor a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from anima.kernel import db
from anima.tensors import repo, writing_service
from anima.tensors.errors import TensorMissing
from anima.tensors.model import BadChunk, Collected, Compression, Given, Saved, TensorRef, Usage
from anima.tensors.owners import owner_of
from anima.tensors.writing_service import GRACE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anima.tensors.slices import Index
    from anima.vendors.packs import Packs

T = TypeVar("T")


def save(
    principal: db.Principal,
    given: Iterable[Given],
    commit: Callable[[db.Transaction, Saved], T],
    *,
    compression: Compression = "raw",
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    packs: Packs | None = None,
) -> T:
    """Saves tensors, and has `commit` enter what refers to them in the transaction that makes all of it visible.

    What `commit` answers is answered. It may be called again after a deadlock, so it acts through its transaction only;
    what it raises undoes everything. Content that is there already is not stored again. `progress` hears bytes done and
    bytes in all; `stop` is asked between groups of chunks. Raises BadTensor, SaveStopped, StaleSave, NoRoom,
    PackUnwritable, DatabaseUnavailable.
    """
    from anima.tensors import save_service

    return save_service.save(
        principal, given, commit, compression=compression, progress=progress, stop=stop, packs=packs
    )


def refs(tx: db.Transaction, owner_id: int, tensor_ids: Sequence[UUID]) -> list[TensorRef]:
    """The tensors of these ids, in this order. Raises TensorMissing."""
    found = {ref.tensor_id: ref for ref in tx.fetch(repo.TENSORS, owner_id=owner_id, tensor_ids=list(tensor_ids)).all()}
    for tensor_id in tensor_ids:
        if tensor_id not in found:
            raise TensorMissing(id=tensor_id)
    return [found[tensor_id] for tensor_id in tensor_ids]


def hold(tx: db.Transaction, owner_id: int, tensor_ids: Sequence[UUID]) -> list[TensorRef]:
    """As `refs`, for who is about to refer to tensors that are there: none of them is collected meanwhile.

    Called first in the transaction that enters the reference. Raises TensorMissing.
    """
    tx.execute(repo.LOCK, owner_id=owner_id)
    return refs(tx, owner_id, tensor_ids)


def released(tx: db.Transaction, owner_id: int) -> None:
    """Whoever drops references calls this in the same transaction: what nobody needs is collected after the grace."""
    writing_service.collect_later(tx, owner_id)


def read(principal: db.Principal, refs: Sequence[TensorRef], *, verify: bool = True) -> dict[str, NDArray[Any]]:
    """The tensors as arrays, by name. Raises DamagedChunk, MissingPack, DamagedTensor, TensorMissing."""
    return dict(zip([ref.name for ref in refs], read_all(principal, refs, verify=verify), strict=True))


def read_all(principal: db.Principal, refs: Sequence[TensorRef], *, verify: bool = True) -> list[NDArray[Any]]:
    """As `read`, in the order of the references."""
    from anima.tensors import read_service

    return read_service.read_all(principal, refs, verify=verify)


def read_slice(principal: db.Principal, ref: TensorRef, wanted: Sequence[Index]) -> NDArray[Any]:
    """A part of a tensor, as `array[wanted]`: whole numbers, slices, one `...`. Only the chunks it lies in are read.

    Of a type of blocks it is a part of the rows of bytes. Raises BadSlice, and what `read` raises.
    """
    from anima.tensors import slice_service

    return slice_service.read_slice(principal, ref, wanted)


def open_mapped(principal: db.Principal, ref: TensorRef, *, verify: bool = True) -> NDArray[Any]:
    """The tensor as a read-only array: the file itself where it lies as it is on this machine, else a copy.

    Without `verify` nothing is read before it is looked at; with it, all of it is checked first. Raises as `read`.
    """
    from anima.tensors import mapped_service

    return mapped_service.open_mapped(principal, ref, verify=verify)


def chunks(principal: db.Principal, ref: TensorRef) -> Iterator[memoryview]:
    """The bytes of a tensor in order, checked, piece by piece: for streams. Raises as `read`."""
    from anima.tensors import read_service

    return read_service.chunks(principal, [ref])


def all_chunks(principal: db.Principal, refs: Iterable[TensorRef]) -> Iterator[memoryview]:
    """As `chunks`, of tensors one after the other; many small ones are asked for at once."""
    from anima.tensors import read_service

    return read_service.chunks(principal, refs)


def verify(principal: db.Principal, refs: Sequence[TensorRef] | None = None) -> list[BadChunk]:
    """Every chunk of these tensors (None: of all) that is not what it is known by. Reads and hashes all of them."""
    from anima.tensors import verify_service

    return verify_service.verify(principal, refs)


def collect(principal: db.Principal, grace: timedelta = GRACE) -> Collected:
    """Removes what nobody refers to and what saves left that did not end; what is younger than the grace stays.

    Packs that are mostly dead are written anew. A save that runs meanwhile loses nothing.
    """
    from anima.tensors import collect_service

    return collect_service.collect(principal, grace)


def usage(principal: db.Principal) -> Usage:
    """What the owner's tensors take."""
    with db.transaction(principal) as tx:
        found = tx.fetch(repo.USAGE, owner_id=owner_of(principal))
    return found.one()
