"""What can be wrong with tensors, and with what keeps them. A wrong tensor is never handed out silently."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict, NotFound


class BadTensor(BadInput):
    """The tensor {name} cannot be kept: {reason}."""

    slug = "bad-tensor"
    quoted = ("name",)


class TooManyDimensions(BadTensor):
    """The tensor {name} has {dimensions} dimensions, and {most} are the most."""

    slug = "too-many-dimensions"


class BadSlice(BadInput):
    """This is no part of a tensor of the shape {shape}: {reason}."""

    slug = "bad-slice"


class TensorMissing(NotFound):
    """There is no tensor {id} of yours."""

    slug = "tensor-missing"


class StaleSave(Conflict):
    """This save was silent for so long that it was taken for dead, and what it wrote was removed; save again."""

    slug = "stale-save"


class SaveStopped(Conflict):
    """The save was stopped; nothing of it is kept."""

    slug = "save-stopped"


class Unreadable(AnimaError):
    """A tensor cannot be given back as it was saved."""

    slug = "tensor-unreadable"


class DamagedChunk(Unreadable):
    """Chunk {chunk} of the tensor {tensor} is damaged (in pack {pack}): {reason}. It was fetched twice."""

    slug = "damaged-chunk"
    quoted = ("tensor",)


class MissingPack(Unreadable):
    """Chunk {chunk} of the tensor {tensor} cannot be read: its pack {pack} is missing."""

    slug = "missing-pack"
    quoted = ("tensor",)


class DamagedTensor(Unreadable):
    """The tensor {tensor} is not whole: {reason}."""

    slug = "damaged-tensor"
    quoted = ("tensor",)
