"""A weight of a model, with the tensor that it is."""

from __future__ import annotations

from dataclasses import dataclass, fields

from anima.registry.model import WeightRow
from anima.tensors.model import TensorRef


@dataclass(frozen=True, slots=True)
class Weight(WeightRow):
    """A weight of a model, in the order of its files."""

    @property
    def tensor(self) -> TensorRef:
        """The tensor, as the chunk store knows it: under the name that it was saved with."""
        return TensorRef(self.tensor_id, self.name, self.dtype, tuple(self.shape), self.n_bytes, self.checksum)


def weight(row: WeightRow) -> Weight:
    """The weight of a row."""
    return Weight(*(getattr(row, one.name) for one in fields(WeightRow)))
