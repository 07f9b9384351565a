"""What can be wrong with a run, a checkpoint, or a state that is to be saved or restored."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Conflict, NotFound


class RunNotFound(NotFound):
    """There is no training run {session_id} of yours."""

    slug = "run-not-found"


class CheckpointNotFound(NotFound):
    """There is no checkpoint {checkpoint_id} of yours."""

    slug = "checkpoint-not-found"


class RunTakenOver(Conflict):
    """The run {session_id} was taken over by another writer, or deleted: this one cannot write to it any more."""

    slug = "run-taken-over"


class RunEnded(Conflict):
    """The run {session_id} was finished here; attach to it again to go on."""

    slug = "run-ended"


class RunOver(Conflict):
    """The run {session_id} has ended as {status}, and stays so."""

    slug = "run-over"


class CheckpointExists(Conflict):
    """There is a {kind} checkpoint of step {step} already, and what is in it is not the same."""

    slug = "checkpoint-exists"


class LaterCheckpoints(Conflict):
    """The run {session_id} has {n} checkpoints after step {step}, in the way of who goes on there: resume with
    discard_later=True to delete them, or begin another run from that checkpoint.
    """

    slug = "later-checkpoints"


class UnsupportedState(BadInput):
    """This cannot be saved: {path} is {kind}, which no checkpoint holds."""

    slug = "unsupported-state"


class MismatchedState(BadInput):
    """The checkpoint does not fit what it is to be restored into: {reason}."""

    slug = "mismatched-state"
