"""A compressed version of a model: what it is made from, and how it is entered, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anima.kernel import db
from anima.registry import parts_service, service
from anima.registry.architectures_model import Structure, TensorShape, WeightGiven, structure
from anima.registry.compress_errors import BadQuantization, NotCompressible
from anima.registry.compress_model import kept_because
from anima.registry.model import File, Model, Reference
from anima.registry.weight import Weight
from anima.tensors import service as tensors
from anima.tensors.model import Compression, Given, Saved, TensorRef

if TYPE_CHECKING:
    from anima.registry.compress_groups import Array

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]
CONFIG = "config.json"
_CONFIG_TENSOR = "file:config.json"


@dataclass(frozen=True)
class Source:
    """The model that a version is made from, with its weights in order and the tensors that they are."""

    principal: db.Principal
    model: Model
    weights: Sequence[Weight]
    refs: Mapping[str, TensorRef]

    def read(self, name: str) -> Array:
        """A weight as it is kept. Raises BadQuantization for a part of one that is not there."""
        if name not in self.refs:
            raise BadQuantization(weight=name[:200], reason="there is no such tensor")
        return tensors.read_all(self.principal, [self.refs[name]])[0]

    def refuse(self, reason: str) -> NotCompressible:
        """That it cannot be done, to be raised."""
        return NotCompressible(model=str(self.model), reason=reason)

    def chosen(self, keep: Iterable[str]) -> tuple[list[Weight], dict[str, str]]:
        """The weights that can be compressed, and why the others are not. Raises NotCompressible where none can."""
        patterns = tuple(keep)
        reasons = {
            one.name: kept_because(one.name, one.dtype, one.shape, one.category, patterns) for one in self.weights
        }
        chosen = [one for one in self.weights if reasons[one.name] is None]
        if not chosen:
            raise self.refuse("it has no matrices of floats that are not to be kept as they are")
        return chosen, {name: reason for name, reason in reasons.items() if reason is not None}

    @cached_property
    def config(self) -> dict[str, Any] | None:
        """Its config.json, if it came with one."""
        found = next((one for one in parts_service.all_files(self.principal, self.model) if _is_config(one)), None)
        if found is None or found.literal_tensor_id is None:
            return None
        with db.transaction(self.principal) as tx:
            refs = tensors.refs(tx, service.owner(self.principal), [found.literal_tensor_id])
        try:
            said = json.loads(tensors.read_all(self.principal, refs)[0].tobytes())
        except (ValueError, RecursionError):
            return None
        return said if isinstance(said, dict) else None


@dataclass(slots=True)
class Version:
    """What is to be entered. `derivation` is asked when all tensors are saved: it tells what was measured meanwhile."""

    structure: Structure
    given: list[Given]
    kept: Mapping[str, TensorRef]
    derivation: Callable[[], dict[str, Any]]
    config: Mapping[str, Any] | None = None
    compression: Compression = "raw"


def opened(principal: db.Principal, model: Reference) -> Source:
    """A model with its weights. Raises NotFound, NotCompressible where it has none."""
    found = service.get(principal, model)
    weights = parts_service.all_weights(principal, found)
    source = Source(principal, found, weights, {one.name: one.tensor for one in weights})
    if not weights:
        raise source.refuse("it has no weights")
    return source


def logical(source: Source, shapes: Mapping[str, tuple[str, Sequence[int]]], words: Mapping[str, Any]) -> Structure:
    """The structure of a version whose weights have these dtypes and shapes, in this order; trainability stays."""
    given = [TensorShape(name, dtype, tuple(shape)) for name, (dtype, shape) in shapes.items()]
    made = structure(given, architecture=(source.model.type, dict(words)))
    trained = {one.name: one.trainable for one in source.weights}
    weights = [WeightGiven(one.name, one.category, trained.get(one.name, True), one.layer) for one in made.weights]
    return Structure(made.type, made.architecture, made.layers, made.heads, weights)


def enter(source: Source, version: Version, name: str | None, progress: Progress | None, stop: Stop | None) -> Model:
    """Saves a version and enters it, by default under its parent's name. Raises NotFound, BadInput, SaveStopped."""
    given = list(version.given)
    if version.config is not None:
        content = _text(version.config)
        given.append(Given(_CONFIG_TENSOR, "uint8", (len(content),), content))

    def commit(tx: db.Transaction, saved: Saved) -> Model:
        return _entered(tx, source, version, saved, name or source.model.name)

    made = tensors.save(source.principal, given, commit, compression=version.compression, progress=progress, stop=stop)
    return service.get(source.principal, made.model_id)


def _entered(tx: db.Transaction, source: Source, version: Version, saved: Saved, name: str) -> Model:
    owner_id, parent = service.owner(source.principal), source.model
    tensors.hold(tx, owner_id, [ref.tensor_id for ref in version.kept.values()])
    refs = {**version.kept, **saved.tensors}
    sizes = {
        "before": sum(ref.n_bytes for ref in source.refs.values()),
        "after": sum(refs[one.name].n_bytes for one in version.structure.weights),
    }
    made = service.create_in(
        tx,
        owner_id,
        name,
        version.structure.type,
        version.structure.architecture,
        parent_id=parent.model_id,
        derivation={**version.derivation(), "parent": str(parent), "bytes": sizes},
        status="trained",
    )
    parts_service.enter(tx, owner_id, made.model_id, refs, version.structure)
    left_out = (CONFIG,) if version.config is not None else ()
    parts_service.carry_files(tx, owner_id, parent.model_id, made.model_id, leave_out=left_out)
    if version.config is not None:
        digest = hashlib.sha256(_text(version.config)).digest()
        parts_service.put_file(tx, owner_id, made.model_id, CONFIG, saved.tensors[_CONFIG_TENSOR], digest)
    return made


def _text(config: Mapping[str, Any]) -> bytes:
    return json.dumps(config, indent=2).encode() + b"\n"


def _is_config(file: File) -> bool:
    return file.path == CONFIG and file.format == "literal"
