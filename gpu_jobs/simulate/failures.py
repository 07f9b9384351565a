"""What can be wrong with a run: each is told in a line of plain text, in `output/failure` and by the exit code."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput


class UnknownEnvironment(BadInput):
    """There is no environment {id} here: {reason}."""

    slug = "unknown-environment"


class ArgumentsRefused(BadInput):
    """The environment {id} cannot be made with environment.arguments ({names}): {reason}."""

    slug = "environment-arguments-refused"


class NotDiscrete(BadInput):
    """The actions of {id} are {space}; this agent chooses one of a number of actions (Discrete)."""

    slug = "not-discrete"


class NotSeen(BadInput):
    """The observations of {id} are {space}; this agent reads numbers or pictures (Box, Discrete, MultiBinary)."""

    slug = "observations-not-readable"


class BadWeights(BadInput):
    """These weights do not fit: {reason}."""

    slug = "weights-do-not-fit"


class BadConfiguration(BadInput):
    """The configuration is not valid: {reason}."""

    slug = "bad-configuration"


class NeedsTorch(BadInput):
    """Pictures are seen through a convolutional network, which needs torch; `rl_plugin.backend: "numpy"` sees them as
    a flat list of numbers.
    """

    slug = "needs-torch"


class TooMuchMemory(BadInput):
    """The replay buffer alone would take {wanted} bytes where resource_limits.memory_bytes is {limit}."""

    slug = "too-much-memory"


class NoRoom(AnimaError):
    """There is no room left on the disk for {what}."""

    slug = "disk-full"


class FileTooLarge(AnimaError):
    """A file may not grow as large here (ulimit -f) as {what} would."""

    slug = "file-too-large"


class FolderInUse(AnimaError):
    """Another trainer is at work in {folder}."""

    slug = "folder-in-use"


class EnvironmentFailed(AnimaError):
    """The environment {id} failed at step {step}: {reason}."""

    slug = "environment-failed"


class NotANumber(AnimaError):
    """The environment {id} gave {what} that is not a finite number at step {step}: {value}."""

    slug = "not-a-number"


class OutOfTime(AnimaError):
    """The run was to take at most {seconds} seconds; its last checkpoint is kept."""

    slug = "out-of-time"
