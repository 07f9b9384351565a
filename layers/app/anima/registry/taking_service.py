"""A checkpoint that comes as a file: read as written by a stranger, and entered whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path

from anima.kernel import db
from anima.kernel.errors import BadInput
from anima.registry import checkpoint_service, giving_service, service, weight_file
from anima.registry.checkpoint_model import Checkpoint
from anima.registry.errors import BadModelFile
from anima.vendors.blobs import spool

workplace = spool.workplace


class CutShort(BadInput):
    """The checkpoint was cut short on its way here; nothing of it is kept."""

    slug = "checkpoint-cut-short"


def expect(principal: db.Principal, model_id: uuid.UUID) -> None:
    """Whether anything may come at all. Raises NotFound, NoBulkWorkHere."""
    giving_service.check_here()
    service.get(principal, model_id)


def take(principal: db.Principal, model_id: uuid.UUID, path: Path, *, step: int, epoch: float | None) -> Checkpoint:
    """Enters the weights of a safetensors file as a checkpoint of a model.

    Raises BadModelFile where the file lies, CheckpointExists, NotFound; then nothing of it is kept.
    """
    with weight_file.opened(path, "the checkpoint") as file:
        if file.format != "safetensors":
            raise BadModelFile(file="the checkpoint", reason=f"its format is {file.format}, not safetensors")
        return checkpoint_service.add(principal, model_id=model_id, weights=file.given(), step=step, epoch=epoch)
