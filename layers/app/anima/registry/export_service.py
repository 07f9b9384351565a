"""Models given back as files, bit for bit: each is written under a draft's name, checked, and then takes its own.

What was imported comes out as it came in. A version that was made here (trained, quantised, pruned) comes out as one
safetensors file with the configuration and tokenizer of its parent beside it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from anima.kernel import db
from anima.kernel.errors import AnimaError, BadInput
from anima.registry import folder, parts_service, safetensors_header, service
from anima.registry.errors import BadModelFile, DamagedExport, ExportExists, ExportFailed, Stopped
from anima.registry.model import File, Model, Reference
from anima.registry.weight import Weight
from anima.tensors import service as tensors_service
from anima.tensors.model import TensorRef
from anima.vendors.blobs import NoRoom

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]
_MADE = "model.safetensors"
_ELSE = "weights.safetensors"


@dataclass(slots=True)
class _Export:
    """An export on its way."""

    principal: db.Principal
    model: Model
    files: list[File]
    weights: dict[str, Weight]
    literals: dict[str, TensorRef]
    progress: Progress | None
    stop: Stop | None
    total: int = 0
    done: int = 0

    def count(self, n_bytes: int) -> None:
        if self.stop is not None and self.stop():
            raise Stopped(done=self.done, total=self.total)
        self.done += n_bytes
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)


def export(
    principal: db.Principal,
    model: Reference,
    path: Path | str,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Path:
    """Writes the files of a model to a new folder, and answers it; of one that came as a file, to that file.

    Nothing is overwritten, and what fails leaves nothing. Raises NotFound, BadInput (there are no weights yet),
    ExportExists, DamagedExport, Stopped, NoRoom, ExportFailed, BadModelFile (a type that no file can hold), and what
    reading tensors raises.
    """
    work = _begun(principal, service.get(principal, model), progress, stop)
    made = _made(work)
    if not work.weights:
        raise BadInput(reason=f"{work.model} has no weights yet")
    target = Path(path)
    if _came_alone(work) and not made:
        return _one_file(work, target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportExists(path=str(target))
    with _draft(target) as draft:
        draft.mkdir()
        for file in work.files:
            _write(work, file, draft / folder.checked_path(file.path, str(work.model)))
        if made:
            _write_made(work, made, draft)
        if target.is_dir():
            target.rmdir()
        os.replace(draft, target)
    return target


def _begun(principal: db.Principal, model: Model, progress: Progress | None, stop: Stop | None) -> _Export:
    files = parts_service.all_files(principal, model)
    weights = {one.name: one for one in parts_service.all_weights(principal, model)}
    ids = [one.literal_tensor_id for one in files if one.literal_tensor_id is not None]
    with db.transaction(principal) as tx:
        refs = tensors_service.refs(tx, service.owner(principal), ids)
    known = {ref.tensor_id: ref for ref in refs}
    literals = {one.path: known[one.literal_tensor_id] for one in files if one.literal_tensor_id is not None}
    work = _Export(principal, model, files, weights, literals, progress, stop)
    work.total = sum(one.n_bytes for one in files) + sum(one.n_bytes for one in _made(work))
    return work


def _made(work: _Export) -> list[Weight]:
    """The weights that lie in none of the files."""
    held = {name for file in work.files for name, _ in file.segments}
    return [weight for name, weight in work.weights.items() if name not in held]


def _came_alone(work: _Export) -> bool:
    return len(work.files) == 1 and work.files[0].format != "literal" and work.model.derivation.get("from") == "file"


def _one_file(work: _Export, target: Path) -> Path:
    if target.is_dir():
        target = target / folder.checked_path(work.files[0].path, str(work.model))
    if target.exists():
        raise ExportExists(path=str(target))
    with _draft(target) as draft:
        _write(work, work.files[0], draft)
        os.replace(draft, target)
    return target


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A name beside the target, of which nothing is left when the block ends badly."""
    begins = f".{target.name[:100]}."
    draft = target.parent / f"{begins}{os.getpid()}-{secrets.token_hex(4)}.draft"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent, begins)
        yield draft
    except BaseException as error:
        _remove(draft)
        if isinstance(error, OSError):
            raise _told(error, target) from None
        raise


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        with suppress(OSError):
            draft.unlink()


def _remove_abandoned(folder: Path, begins: str) -> None:
    """Removes drafts of the same target whose process was killed."""
    for place in folder.iterdir():
        found = re.fullmatch(r"(\d+)-[0-9a-f]{8}\.draft", place.name.removeprefix(begins))
        if found is not None and place.name.startswith(begins):
            try:
                os.kill(int(found[1]), 0)
            except ProcessLookupError:
                _remove(place)
            except (OSError, OverflowError):
                continue


def _told(error: OSError, target: Path) -> AnimaError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom()
    return ExportFailed(path=str(target), reason=error.strerror or type(error).__name__)


def _write(work: _Export, file: File, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    made = hashlib.sha256()
    with place.open("xb") as out:
        for piece in _pieces(work, file):
            made.update(piece)
            out.write(piece)
            work.count(len(piece))
        _kept(out)
    if made.hexdigest() != file.sha256:
        raise DamagedExport(file=file.path, model=str(work.model))


def _kept(out: IO[bytes]) -> None:
    out.flush()
    os.fsync(out.fileno())


def _pieces(work: _Export, file: File) -> Iterator[memoryview]:
    """The bytes of a file in order: its own, and those of the tensors that lie in it."""
    ref = work.literals.get(file.path)
    if not file.segments:
        if ref is not None:
            yield from tensors_service.chunks(work.principal, ref)
        return
    literal = memoryview(b"".join(tensors_service.chunks(work.principal, ref)) if ref is not None else b"")
    weights = [(work.weights.get(name), start) for name, start in file.segments]
    if any(weight is None for weight, _ in weights):
        raise DamagedExport(file=file.path, model=str(work.model))
    refs = [weight.tensor for weight, _ in weights if weight is not None]
    stream, at = tensors_service.all_chunks(work.principal, refs), 0
    for ref, (_, start) in zip(refs, weights, strict=True):
        if start > at:
            yield literal[: start - at]
            literal, at = literal[start - at :], start
        end = at + ref.n_bytes
        while at < end:
            piece = next(stream)
            at += len(piece)
            yield piece
    yield literal


def _write_made(work: _Export, weights: Sequence[Weight], draft: Path) -> None:
    taken = {file.path for file in work.files}
    name = next(one for one in (_MADE, _ELSE, f"{work.model.model_id}.safetensors") if one not in taken)
    unknown = next((one for one in weights if not safetensors_header.writable(one.dtype)), None)
    if unknown is not None:
        raise BadModelFile(file=name, reason=f"it cannot hold {unknown.name!r} of dtype {unknown.dtype}")
    with (draft / name).open("xb") as out:
        out.write(safetensors_header.encoded([one.tensor for one in weights], {"format": "pt"}))
        for piece in tensors_service.all_chunks(work.principal, [one.tensor for one in weights]):
            out.write(piece)
            work.count(len(piece))
        _kept(out)
