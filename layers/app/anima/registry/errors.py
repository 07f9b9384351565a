"""What is refused by the registry, as typed errors."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict


class BadModelFile(BadInput):
    """{file} is not what it says it is: {reason}."""

    slug = "bad-model-file"
    quoted = ("file", "reason")


class BadModelFolder(BadInput):
    """{folder} cannot be imported as a model: {reason}."""

    slug = "bad-model-folder"
    quoted = ("folder", "reason")


class WrongStatus(Conflict):
    """{model} is {status}; from there it can become {possible}, not {wanted}."""

    slug = "wrong-status"
    quoted = ("model",)


class NothingToRollBack(Conflict):
    """{name} has no earlier deployment that could be rolled back to."""

    slug = "nothing-to-roll-back"
    quoted = ("name",)


class IsDeployed(Conflict):
    """{model} is deployed: deploy another version first, or set it back to trained."""

    slug = "is-deployed"
    quoted = ("model",)


class ExportExists(Conflict):
    """{path} is there already; an export overwrites nothing."""

    slug = "export-exists"
    quoted = ("path",)


class ExportFailed(AnimaError):
    """{path} cannot be written: {reason}. Nothing of it is left."""

    slug = "export-failed"
    quoted = ("path",)


class DamagedExport(AnimaError):
    """{file} of {model} does not come out as it came in: its sha256 is another one. Nothing was written."""

    slug = "damaged-export"
    quoted = ("file", "model")


class NoVocabulary(BadInput):
    """{model} has no vocabulary that can be searched: {reason}."""

    slug = "no-vocabulary"
    quoted = ("model", "reason")


class Stopped(AnimaError):
    """The work was stopped when {done} of {total} bytes were done; nothing of it is kept."""

    status = 409
    slug = "stopped"
