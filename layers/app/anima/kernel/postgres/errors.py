"""What can go wrong with Postgres before a query is asked: one class for each thing a person can act on."""

from __future__ import annotations

from anima.kernel.errors import AnimaError


class PostgresNotInstalled(AnimaError):
    """The embedded Postgres is not installed: install anima[local], or set ANIMA_DATABASE_URL."""

    slug = "postgres-not-installed"


class PostgresNotStarted(AnimaError):
    """Postgres in {folder} does not start: {reason}"""

    status = 503
    slug = "postgres-not-started"


class ClusterBusy(AnimaError):
    """Another process has been starting or stopping Postgres in {folder} for more than {seconds} s."""

    status = 503
    slug = "cluster-busy"


class ClusterMissing(AnimaError):
    """{folder} says that its database lies in {home}, where none is: bring it back, or empty the folder."""

    slug = "cluster-missing"


class ClusterKeyMissing(AnimaError):
    """The database in {folder} is there, but the file {file} with its password is not: bring it back."""

    slug = "cluster-key-missing"


class ClusterVersionDiffers(AnimaError):
    """The database in {folder} is of PostgreSQL {found}; the one installed is {installed}.

    Export with the old one and import with the new one: the files of two major versions do not mix.
    """

    slug = "cluster-version-differs"


class NoPlaceForCluster(AnimaError):
    """Postgres does not run as root, and {account} cannot reach {folder}: give it a folder it can enter."""

    slug = "no-place-for-cluster"


class DatabaseUnreachable(AnimaError):
    """The database at {where} does not answer: {reason}"""

    status = 503
    slug = "database-unreachable"


class ExtensionUnavailable(AnimaError):
    """The extension {name} cannot be created by {role} in {database}: {reason}. {remedy}"""

    slug = "extension-unavailable"


class BootstrapRefused(AnimaError):
    """The role {role} may not prepare this database: {reason}."""

    slug = "bootstrap-refused"


class LoginMayBypass(AnimaError):
    """The login {login} may read the rows of every tenant ({reason}): refused."""

    slug = "login-may-bypass"


class PooledConnection(AnimaError):
    """{host} is a connection pooler; migrations need the direct host: set ANIMA_DATABASE_DIRECT_URL."""

    slug = "pooled-connection"


class BadMigrationFiles(AnimaError):
    """The migrations in {folder} are not in order: {reason}."""

    slug = "bad-migration-files"


class MigrationEdited(AnimaError):
    """The migration {name} was changed after it was applied: write a new one instead."""

    slug = "migration-edited"


class MigrationMissing(AnimaError):
    """The database has the migration {name}, this code has not: it is older than the database."""

    slug = "migration-missing"


class MigrationFailed(AnimaError):
    """The migration {name} failed and left nothing: {reason}"""

    slug = "migration-failed"


class NotReversible(AnimaError):
    """The migration {name} has no way back: there is no {file}."""

    status = 409
    slug = "not-reversible"


class NothingToRollBack(AnimaError):
    """No migration was applied."""

    status = 409
    slug = "nothing-to-roll-back"


class MigrationOutOfOrder(AnimaError):
    """The migration {name} cannot be applied before {earlier}: run the phase pre first."""

    status = 409
    slug = "migration-out-of-order"


class CodeBehind(AnimaError):
    """The migration {name} removes what the deployed code may still read: that knows up to {code}; deploy first."""

    status = 409
    slug = "code-behind"


class CodeUnknown(AnimaError):
    """Post migrations come after the code: say with --code, or `code` of the event, where that answers ({reason})."""

    status = 409
    slug = "code-unknown"


class DeploymentBusy(AnimaError):
    """Another deployment works on {where} ({holder}) and did not end in {waited}: try again after it."""

    status = 503
    slug = "deployment-busy"


class DataInTheWay(AnimaError):
    """The data do not allow to take {name} back: it wants {condition}; nothing was changed."""

    status = 409
    slug = "data-in-the-way"


class LastMigrationChanged(AnimaError):
    """The migration applied last is {name} by now, not {expected}: look again which way leads back."""

    status = 409
    slug = "last-migration-changed"


class SchemaNotDumped(AnimaError):
    """The schema cannot be read with pg_dump: {reason}"""

    slug = "schema-not-dumped"
