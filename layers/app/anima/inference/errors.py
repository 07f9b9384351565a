"""What can be wrong with the state of inference. What a cache has lost is no error: it is made again."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Conflict, NotFound


class SessionMissing(NotFound):
    """There is no session of inference {id} of yours."""

    slug = "inference-session-missing"


class ModelMissing(NotFound):
    """There is no model {id} of yours."""

    slug = "model-missing"


class PatternMissing(NotFound):
    """There is no attention pattern {id} of yours."""

    slug = "attention-pattern-missing"


class SessionEnded(Conflict):
    """The session of inference {id} has ended."""

    slug = "inference-session-ended"


class KvGap(Conflict):
    """Keys and values from position {start} on do not follow those that are kept, which reach to {held}."""

    slug = "kv-gap"


class BadKv(BadInput):
    """These keys and values cannot be kept: {reason}."""

    slug = "bad-kv"


class BadActivation(BadInput):
    """This activation cannot be kept: {reason}."""

    slug = "bad-activation"


class BadPattern(BadInput):
    """This attention pattern cannot be kept: {reason}."""

    slug = "bad-attention-pattern"


class BadMeasurement(BadInput):
    """This measurement cannot be kept: {reason}."""

    slug = "bad-measurement"
