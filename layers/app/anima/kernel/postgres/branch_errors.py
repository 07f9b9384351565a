"""What can go wrong with branches and backups of a database: one class for each thing a person can act on."""

from __future__ import annotations

from anima.kernel.errors import AnimaError, BadInput, Conflict, NotFound


class BadBranchName(BadInput):
    """{name!r} is no name for a branch: {reason}."""

    slug = "bad-branch-name"


class NoSuchBranch(NotFound):
    """There is no branch {name}; there are: {known}."""

    slug = "no-such-branch"


class BranchDiffers(Conflict):
    """The branch {name} is there already, and {how}: delete it first, or take another name."""

    slug = "branch-differs"


class BranchInUse(Conflict):
    """The branch {name} is in use on this machine: `anima db branch use {trunk}` first."""

    slug = "branch-in-use"


class BranchServed(Conflict):
    """Something works on the branch {name} at this moment: stop it first (`anima down`)."""

    slug = "branch-served"


class BranchHasChildren(Conflict):
    """The branch {name} has branches of its own ({children}): delete them first."""

    slug = "branch-has-children"


class TrunkRefused(Conflict):
    """{name} is the trunk: it can be neither {what}; branches can."""

    slug = "trunk-refused"


class NoParentToResetTo(Conflict):
    """The branch {name} cannot be reset: {reason}. Delete it and create it again."""

    slug = "no-parent"


class NoHistory(Conflict):
    """This Postgres keeps no history, so {name} cannot go back to {when}: `anima db restore FILE` brings back what
    `anima db backup FILE` wrote; and a branch, made before something is tried, keeps what was. Neon has a history.
    """

    slug = "no-history"


class DatabaseNameTooLong(BadInput):
    """The database {name} has too long a name for branches and restoring: {longest} bytes are the most."""

    slug = "database-name-too-long"


class DatabaseIsThere(Conflict):
    """There is a database {database} that is no branch, so {name} cannot be made: take another name, or remove it."""

    slug = "database-is-there"


class NoRoom(AnimaError):
    """A copy of {name} needs about {needed} MB, and {free} MB are free where the database lies: make room first."""

    status = 507
    slug = "no-room"


class BranchingBusy(AnimaError):
    """The database {name} cannot be copied now: {reason}."""

    status = 503
    slug = "branching-busy"


class BranchingRefused(AnimaError):
    """The role {role} may not branch {where}: {reason}. It must own that database and may create others (CREATEDB)."""

    slug = "branching-refused"


class NoServerToBranch(AnimaError):
    """Nothing on {where} can be asked to make a branch: {reason}"""

    status = 503
    slug = "no-server-to-branch"


class NotABackup(BadInput):
    """{file} is no backup of Anima's database: {reason}. Nothing was changed."""

    slug = "not-a-backup"


class BackupFailed(AnimaError):
    """The backup was not made, and {file} is as it was: {reason}"""

    slug = "backup-failed"


class RestoreFailed(AnimaError):
    """{file} was not restored, and the database is as it was: {reason}"""

    slug = "restore-failed"
