"""What can be wrong with a snapshot."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Conflict


class NotASnapshot(BadInput):
    """This is not a snapshot of an avatar: {reason}."""

    slug = "not-a-snapshot"


class SnapshotCutShort(BadInput):
    """The snapshot was cut short {where}; nothing of it was taken in."""

    slug = "snapshot-cut-short"


class SnapshotEdited(BadInput):
    """The snapshot was changed after it was signed: {what}; nothing of it was taken in."""

    slug = "snapshot-edited"


class SnapshotNewer(BadInput):
    """The snapshot is of a newer version of Anima: {what}. This installation reads version {known}; update it first."""

    slug = "snapshot-newer"


class SnapshotInvalid(BadInput):
    """The snapshot holds what cannot be taken in, in its part {part}: {reason}; nothing of it was taken in."""

    slug = "snapshot-invalid"
    quoted = ("reason",)


class SignedElsewhere(Conflict):
    """The snapshot was signed by another installation, {fingerprint}. If you know that it is yours, or trust whoever
    runs it, repeat this with trust={fingerprint}.
    """

    slug = "signed-elsewhere"
