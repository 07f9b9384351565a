"""Models brought in: a folder as Hugging Face lays it out, one file, or a name of the hub.

All of it appears, or nothing. The weights become tensors; every other byte is kept as it is, so that an export gives
the same files back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anima.kernel import db
from anima.registry import architectures_model, folder, parts_service, service, vocabulary_service, weight_file
from anima.registry.architectures_model import Structure
from anima.registry.digests import digests
from anima.registry.errors import BadModelFile, BadModelFolder
from anima.registry.folder import Found
from anima.registry.model import FileGiven, Model
from anima.registry.naming import checked_name
from anima.registry.weight_file import WeightFile
from anima.tensors import service as tensors_service
from anima.tensors.model import Compression, Given, Saved
from anima.vendors import hub

_PICKLE = "it is a pickle, which is not opened: convert it to safetensors"
_NO_WEIGHTS = {
    **dict.fromkeys((".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"), _PICKLE),
    ".json": "it holds no weights: name the folder that it lies in, or a .safetensors or .gguf file",
}
Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a model comes from, what it will be called, and the sha256 that its files must have, where it is known."""

    path: Path
    name: str
    derivation: Mapping[str, Any]
    promised: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Source:
    """All files of a model, open: weights apart from what is kept as it is."""

    files: Mapping[str, Found]
    weights: Mapping[str, WeightFile]
    bytes: Mapping[str, memoryview]
    prefix: str
    structure: Structure


def import_folder(
    principal: db.Principal,
    path: Path | str,
    name: str | None = None,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    compression: Compression = "raw",
) -> Model:
    """A model from a folder with config.json, safetensors (one file, or several with their index) and what lies beside.

    Without a name it is called like the folder. Raises BadModelFolder, BadModelFile, BadInput, and what a save raises.
    """
    root = Path(path)
    place = _Place(root, checked_name(name or root.resolve().name), {"kind": "import", "from": "folder"}, {})
    return _from_folder(principal, place, compression, progress, stop)


def _from_folder(
    principal: db.Principal, place: _Place, compression: Compression, progress: Progress | None, stop: Stop | None
) -> Model:
    files = folder.scan(place.path)
    indexed = folder.index(files)
    chosen = folder.weight_files(files, indexed, str(place.path))
    with ExitStack() as stack:
        source = _opened(stack, files, chosen, indexed)
        return _saved(principal, source, place, compression, progress, stop)


def import_file(
    principal: db.Principal,
    path: Path | str,
    name: str | None = None,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    compression: Compression = "raw",
) -> Model:
    """A model from one .safetensors or .gguf file; without a name it is called like the file.

    Raises BadModelFile, BadInput, and what a save raises.
    """
    path = Path(path)
    if not path.is_file():
        raise BadModelFolder(folder=str(path), reason="there is no such file or folder")
    if path.suffix.lower() in _NO_WEIGHTS:
        raise BadModelFolder(folder=str(path), reason=_NO_WEIGHTS[path.suffix.lower()])
    called = checked_name(name or path.stem)
    real = path.resolve()
    found = {path.name: folder.file_of(real, path.name, real.parent, str(path.parent))}
    with ExitStack() as stack:
        source = _opened(stack, found, [path.name], None)
        place = _Place(path, called, {"kind": "import", "from": "file"}, {})
        return _saved(principal, source, place, compression, progress, stop)


def import_hub(
    principal: db.Principal,
    address: str,
    name: str | None = None,
    *,
    files: Sequence[str] | None = None,
    endpoint: str | None = None,
    token: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
    compression: Compression = "raw",
) -> Model:
    """A model of the hub: "org/name", or "org/name@revision" (a branch, tag or commit; "main" without one).

    What is fetched is removed afterwards; what was cut is gone on with the next time. `files` are patterns of what is
    wanted where a repository holds several models. `endpoint` is another hub than HF_ENDPOINT or huggingface.co.
    Raises hub.UnknownOnHub, hub.HubUnavailable, and what import_folder raises.
    """
    wanted = hub.parse(address)
    called = checked_name(name or wanted.repository)
    with hub.place_of(wanted) as scratch:
        fetched = hub.fetch(wanted, scratch, files=files, endpoint=endpoint, token=token, progress=progress, stop=stop)
        said = {"kind": "import", "from": "hub", "repository": wanted.repository, "commit": fetched.commit}
        place = _Place(fetched.folder, called, said, fetched.sha256)
        return _from_folder(principal, place, compression, progress, stop)


def _opened(
    stack: ExitStack, files: Mapping[str, Found], chosen: Iterable[str], indexed: Mapping[str, str] | None
) -> _Source:
    weights = {path: stack.enter_context(weight_file.opened(files[path].place, path)) for path in chosen}
    names = _names(weights)
    if indexed:
        _check_index(indexed, weights)
    data = {
        path: weights[path].data if path in weights else stack.enter_context(weight_file.mapped(found.place, path))
        for path, found in files.items()
    }
    config = folder.json_object(files["config.json"]) if "config.json" in files else None
    keys = next((one.keys for one in weights.values() if one.keys is not None), None)
    shapes = [shape for one in weights.values() for shape in one.shapes]
    return _Source(
        files, weights, data, _free_prefix(names), architectures_model.structure(shapes, config=config, gguf=keys)
    )


def _names(weights: Mapping[str, WeightFile]) -> set[str]:
    names: set[str] = set()
    for path, file in weights.items():
        for entry in file.entries:
            if entry.name in names:
                raise BadModelFile(file=path, reason=f"{entry.name!r} lies in another file too")
            names.add(entry.name)
    if not names:
        raise BadModelFolder(folder=", ".join(weights), reason="there is no tensor in it")
    return names


def _check_index(indexed: Mapping[str, str], weights: Mapping[str, WeightFile]) -> None:
    held = {path: {entry.name for entry in file.entries} for path, file in weights.items()}
    for name, path in indexed.items():
        if name not in held[path]:
            raise BadModelFile(file=folder.INDEX, reason=f"{name[:200]!r} is not in {path}, where it says it is")


def _free_prefix(names: set[str]) -> str:
    """How the names of tensors begin that hold bytes of files: like no weight's."""
    prefix = "file:"
    while any(name.startswith(prefix) for name in names):
        prefix = "file:" + prefix
    return prefix


def _given(source: _Source, before_last: Callable[[], None]) -> Iterator[Given]:
    """All tensors and literal bytes, in the order of the files; `before_last` is called before the last is read."""
    given = list(_each(source))
    yield from given[:-1]
    last = given[-1]

    def read() -> Any:
        before_last()
        return last.data() if callable(last.data) else last.data

    yield Given(last.name, last.dtype, last.shape, read)


def _each(source: _Source) -> Iterator[Given]:
    for path, data in source.bytes.items():
        file = source.weights.get(path)
        if file is None:
            yield Given(source.prefix + path, "uint8", (len(data),), data)
        else:
            yield Given(source.prefix + path, "uint8", (file.literal_size,), file.literal)
            yield from file.given()


def _files(source: _Source, made: Mapping[str, bytes]) -> list[FileGiven]:
    return [
        FileGiven(
            path,
            source.weights[path].format if path in source.weights else "literal",
            found.size,
            made[path],
            source.prefix + path,
            source.weights[path].segments if path in source.weights else [],
        )
        for path, found in source.files.items()
    ]


def _saved(
    principal: db.Principal,
    source: _Source,
    place: _Place,
    compression: Compression,
    progress: Progress | None,
    stop: Stop | None,
) -> Model:
    owner_id = service.owner(principal)
    embeddings = vocabulary_service.embeddings(source.structure, source.weights.values(), source.bytes)
    with digests(source.bytes) as making:

        def made() -> dict[str, bytes]:
            return {path: one.result() for path, one in making.items()}

        def commit(tx: db.Transaction, saved: Saved) -> Model:
            _check(source, place, made())
            what = source.structure
            new = service.create_in(
                tx, owner_id, place.name, what.type, what.architecture, derivation=place.derivation, status="trained"
            )
            parts_service.enter(tx, owner_id, new.model_id, saved.tensors, what)
            parts_service.enter_files(tx, owner_id, new.model_id, saved.tensors, _files(source, made()))
            vocabulary_service.enter(tx, owner_id, new.model_id, embeddings)
            return new

        # The digests are waited for before the transaction, not in it: it holds the lock of the owner's tensors.
        given = _given(source, lambda: _check(source, place, made()))
        new = tensors_service.save(principal, given, commit, compression=compression, progress=progress, stop=stop)
    return service.get(principal, new.model_id)


def _check(source: _Source, place: _Place, made: Mapping[str, bytes]) -> None:
    for path, found in source.files.items():
        if not found.unchanged:
            raise BadModelFile(file=path, reason="it was changed while it was read")
        if place.promised.get(path, made[path].hex()) != made[path].hex():
            raise BadModelFile(file=path, reason="its sha256 is not the one that was promised")
