"""A model or checkpoint, open to be looked into: tensors, slices, layers; nothing is read before it is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anima.kernel import db
from anima.kernel.errors import NotFound
from anima.registry import architectures_model, compress_model, floats, parts_service, service
from anima.registry.architectures_model import Structure
from anima.registry.heads_model import TensorShape
from anima.registry.model import Model, Reference
from anima.tensors import service as tensors_service
from anima.tensors.model import BLOCKS, TensorRef

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class OpenModel:
    """The weights of a model or checkpoint by name. Arrays are read-only where they are the stored file itself."""

    principal: db.Principal
    model: Model | None
    tensors: Mapping[str, TensorRef]
    structure: Structure

    def keys(self) -> list[str]:
        """The names of the weights, in the order of the files."""
        return list(self.tensors)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A weight: without a copy where it lies as it is on this machine. Raises KeyError, and what reading raises."""
        return tensors_service.open_mapped(self.principal, self.tensors[name])

    def slice(self, name: str, *wanted: Any) -> NDArray[Any]:
        """A part of a weight, as `array[wanted]` would be; only the chunks that it lies in are read."""
        return tensors_service.read_slice(self.principal, self.tensors[name], wanted)

    def layer(self, index: int) -> dict[str, NDArray[Any]]:
        """The weights of a layer, by its place in `structure.layers`. Raises IndexError."""
        if not 0 <= index < len(self.structure.layers):
            raise IndexError(f"the model has {len(self.structure.layers)} layers")
        return self._read([one.name for one in self.structure.weights if one.layer == index])

    def block(self, number: int) -> dict[str, NDArray[Any]]:
        """The weights of a block of a transformer: its attention, feedforward and norms. Raises IndexError."""
        layers = {place for place, one in enumerate(self.structure.layers) if one.configuration.get("block") == number}
        if not layers:
            raise IndexError(f"the model has no block {number}")
        return self._read([one.name for one in self.structure.weights if one.layer in layers])

    def _read(self, names: list[str]) -> dict[str, NDArray[Any]]:
        read = tensors_service.read_all(self.principal, [self.tensors[name] for name in names])
        return dict(zip(names, read, strict=True))

    def floats(self, name: str) -> NDArray[Any]:
        """A weight as float32, whatever it is kept as: block types of GGUF are unpacked, and a weight that this house
        quantised is read by its own name. Needs a last dimension.
        """
        how = None if self.model is None else compress_model.quantization(self.model.architecture)
        if how is not None and name in how.tensors:
            from anima.registry import compress_reading

            return compress_reading.restored(name, how, self.__getitem__).astype("float32")
        ref = self.tensors[name]
        if not ref.dtype.startswith(BLOCKS):
            import numpy as np

            return self[name].astype(np.float32)
        content = b"".join(tensors_service.chunks(self.principal, ref))
        return floats.rows(content, ref.dtype, ref.shape[-1]).reshape(ref.shape)

    def torch(self, name: str) -> Any:
        """A weight as a tensor of torch (to be installed) with memory of its own. Raises KeyError, ImportError."""
        from anima.vendors.torch import arrays

        return arrays.from_numpy(self[name])


@contextmanager
def open_model(principal: db.Principal, what: Reference) -> Iterator[OpenModel]:
    """Opens a model ("name", "name@3", its id) or a checkpoint (its id). Raises NotFound.

    `with registry.open(principal, "gpt2") as model: model["wte.weight"]`
    """
    yield _found(principal, what)


def _found(principal: db.Principal, what: Reference) -> OpenModel:
    try:
        found = service.get(principal, what)
    except NotFound:
        return _checkpoint(principal, what)
    weights = parts_service.all_weights(principal, found)
    return _opened(principal, found, {one.name: one.tensor for one in weights})


def _opened(principal: db.Principal, model: Model | None, tensors: Mapping[str, TensorRef]) -> OpenModel:
    shapes = [TensorShape(name, ref.dtype, ref.shape) for name, ref in tensors.items()]
    said = None if model is None else (model.type, model.architecture)
    return OpenModel(principal, model, tensors, architectures_model.structure(shapes, architecture=said))


def _checkpoint(principal: db.Principal, what: Reference) -> OpenModel:
    from anima.registry import checkpoint_service

    try:
        checkpoint_id = uuid.UUID(str(what))
    except ValueError:
        raise NotFound(what="model", id=what) from None
    found = checkpoint_service.checkpoint(principal, checkpoint_id)
    entries = checkpoint_service.tensors(principal, checkpoint_id)
    model = None if found.model_id is None else service.get(principal, found.model_id)
    return _opened(principal, model, {one.name: one.ref for one in entries if one.role == "weight"})
