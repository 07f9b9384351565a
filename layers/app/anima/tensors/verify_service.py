"""Looking at all chunks of an owner, or of some tensors: is each what it is known by?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from anima.kernel import db
from anima.tensors import chunking, read_service, repo
from anima.tensors.errors import DamagedTensor, TensorMissing
from anima.tensors.loading_service import Loader, Wrong
from anima.tensors.model import BadChunk, TensorRef

_PAGE = 100
_THREADS = 4


def verify(principal: db.Principal, refs: Sequence[TensorRef] | None = None) -> list[BadChunk]:
    """See `anima.tensors.service.verify`."""
    load = read_service.loader(principal)
    seen: dict[bytes, str | None] = {}
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="tensors") as pool:
        pages = [list(refs)] if refs is not None else _pages(load)
        batches = (batch for page in pages for batch in read_service.together(page))
        return [bad for batch in batches for bad in _of_tensors(load, batch, seen, pool)]


def _pages(load: Loader) -> Iterator[list[TensorRef]]:
    after: UUID | None = None
    while True:
        with db.transaction(load.principal) as tx:
            page = tx.fetch(repo.TENSORS_AFTER, owner_id=load.owner_id, after=after, most=_PAGE)
        if not page.all():
            return
        yield page.all()
        after = page.all()[-1].tensor_id


def _of_tensors(
    load: Loader, refs: Sequence[TensorRef], seen: dict[bytes, str | None], pool: ThreadPoolExecutor
) -> list[BadChunk]:
    try:
        known = read_service.chunks_of(load, refs)
    except (TensorMissing, DamagedTensor) as error:
        if len(refs) > 1:  # which one it is
            return [bad for ref in refs for bad in _of_tensors(load, [ref], seen, pool)]
        missing = isinstance(error, TensorMissing)  # collected meanwhile
        return [] if missing else [BadChunk(refs[0], -1, refs[0].checksum, error.detail)]
    new = [checksum for checksum in dict.fromkeys(itertools.chain(*known)) if checksum not in seen]
    load.places.clear()
    load.look_up(new)
    seen |= dict(zip(new, pool.map(lambda checksum: _wrong(load, checksum), new), strict=True))
    return [
        BadChunk(ref, index, checksum, reason)
        for ref, checksums in zip(refs, known, strict=True)
        for index, checksum in enumerate(checksums)
        if (reason := seen[checksum]) is not None
    ]


def _wrong(load: Loader, checksum: bytes) -> str | None:
    """What is wrong with a chunk, after a second look; it is remembered."""
    if _look(load, checksum) is None:
        return None
    load.look_up([checksum], again=True)
    wrong = _look(load, checksum)
    if wrong is not None:
        load.mark(wrong)
    return wrong.reason if wrong else None


def _look(load: Loader, checksum: bytes) -> Wrong | None:
    try:
        if chunking.identity(load.raw(checksum)) != checksum:
            raise Wrong(load.place(checksum), "its bytes are not those that it is known by")
    except Wrong as wrong:
        return wrong
    return None
