"""The files of an embedded cluster: where they lie, how they come to be, whole or not at all.

home/             the folder the caller names, or, where root's account cannot enter it, one that it can
  cluster.json    passwords and port, readable by the owner of the folder only
  start.lock      held while Postgres is started or stopped
  users.lock      a shared lease of every process that uses the server
  server.lock     a shared lease of every process of the server, inherited from its start
  launcher.conf   settings, written anew at every start
  pgdata/         Postgres's own
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from anima.kernel.postgres import binaries, configuration
from anima.kernel.postgres.binaries import Account, Binaries
from anima.kernel.postgres.errors import (
    ClusterKeyMissing,
    ClusterMissing,
    ClusterVersionDiffers,
    NoPlaceForCluster,
    PostgresNotStarted,
)

SUPERUSER = "postgres"
_POINTER = "cluster-lies-in"
# What a process that was killed may leave half-written.
_DRAFTS = ("initdb-*", ".clone-*", ".cluster.json-*", ".launcher.conf-*")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client must know of a cluster: kept in `cluster.json`."""

    superuser_password: str
    owner_password: str
    port: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster on disk and the programs that serve it."""

    home: Path
    programs: Binaries
    durable: bool

    @property
    def pgdata(self) -> Path:
        """Postgres's data directory."""
        return self.home / "pgdata"

    @property
    def start_lock(self) -> Path:
        """Held while the server is started or stopped."""
        return self.home / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by all who use the server."""
        return self.home / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Shared by the postmaster and all its children, so that nothing of them is overlooked: not in another
        container that has the same folder, not by an account that may not look at their processes."""
        return self.home / "server.lock"

    @property
    def name(self) -> str:
        """What the server's processes are called."""
        return f"anima-{hashlib.sha256(str(self.home).encode()).hexdigest()[:16]}"

    @property
    def _identity_file(self) -> Path:
        return self.home / "cluster.json"

    def identity(self) -> Identity:
        """Passwords and port; raises ClusterKeyMissing."""
        try:
            return Identity(**json.loads(self._identity_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            raise ClusterKeyMissing(folder=self.home, file=self._identity_file.name) from None

    def remember_port(self, port: int) -> None:
        """Keeps the port for the next start."""
        self._keep(replace(self.identity(), port=port))

    def _keep(self, identity: Identity) -> None:
        write_whole(self._identity_file, json.dumps(asdict(identity)), mode=0o600)

    def ensure_made(self) -> None:
        """Makes the cluster if it is not there; to be called under the start lock.

        Initialised beside and renamed: what a process killed in the middle leaves, the next one removes.
        """
        for left in (path for pattern in _DRAFTS for path in self.home.glob(pattern)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        if self.pgdata.is_dir():
            self._check_version()
            return
        if not self._identity_file.exists():
            self._keep(Identity(secrets.token_urlsafe(32), secrets.token_urlsafe(32)))
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.home))
        try:
            self._initialise(draft)
            (draft / "pgdata").rename(self.pgdata)
            sync_folder(self.home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _initialise(self, draft: Path) -> None:
        password, pgdata = draft / "password", draft / "pgdata"
        write_whole(password, self.identity().superuser_password, mode=0o600)
        pgdata.mkdir(mode=0o700)
        for path in (draft, password, pgdata):
            if self.programs.account:
                self.programs.account.own(path)
        options = ["--username", SUPERUSER, "--pwfile", str(password), "--auth", "scram-sha-256"]
        options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
        options += ["--encoding", "UTF8", "--no-instructions"]
        if not self.durable:
            options += ["--no-sync", "--no-data-checksums"]
        made = self.programs.run("initdb", "--pgdata", str(pgdata), *options)
        if made.returncode:
            raise PostgresNotStarted(folder=self.home, reason=made.stderr.strip()[-800:])
        for name, text in (
            ("postgresql.conf", configuration.POSTGRESQL_CONF),
            ("pg_hba.conf", configuration.PG_HBA_CONF),
        ):
            write_whole(pgdata / name, text, mode=0o600)

    def _check_version(self) -> None:
        found, ours = (self.pgdata / "PG_VERSION").read_text().strip(), self.programs.major
        if found != ours:
            raise ClusterVersionDiffers(folder=self.home, found=found, installed=ours)
        self.identity()

    def write_configuration(self) -> None:
        """Writes the settings for the next start; the file is ours, the server only reads it."""
        text = configuration.text(self.home, self.name, durable=self.durable)
        write_whole(self.home / "launcher.conf", text, mode=0o644)


def at(folder: Path, *, durable: bool) -> Cluster:
    """The cluster that belongs to `folder`, which is made if it is not there.

    Raises NoPlaceForCluster, ClusterMissing, PostgresNotInstalled.
    """
    folder = folder.resolve()
    binaries.make_open(folder)
    pointer = folder / _POINTER
    if pointer.exists():
        home = Path(pointer.read_text().strip())
        if not (home / "pgdata").is_dir():
            raise ClusterMissing(folder=folder, home=home)
        return Cluster(home, binaries.for_owner(_owner(home)), durable)
    programs = binaries.for_owner(_owner(folder))
    if programs.account is None or programs.account.can_enter(folder):
        return Cluster(folder, programs, durable)
    if _owner(folder) is not None:
        raise NoPlaceForCluster(account=programs.account.name, folder=folder)
    return Cluster(_elsewhere(folder, programs.account), programs, durable)


def point_to(folder: Path, cluster: Cluster) -> None:
    """Leaves word in `folder` where its cluster lies, once there is one."""
    pointer = folder.resolve() / _POINTER
    if cluster.home != folder.resolve() and not pointer.exists():
        write_whole(pointer, f"{cluster.home}\n", mode=0o644)


def _owner(home: Path) -> int | None:
    pgdata = home / "pgdata"
    return pgdata.stat().st_uid if pgdata.is_dir() else None


def _elsewhere(folder: Path, account: Account) -> Path:
    """A home that the account can enter, always the same one for the same folder."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    home = binaries.SYSTEM_HOME / "clusters" / f"{folder.name}-{digest}"
    binaries.make_open(home)
    if not account.can_enter(home):
        raise NoPlaceForCluster(account=account.name, folder=home)
    return home


def write_whole(path: Path, text: str, *, mode: int) -> None:
    """Writes a file whole or not at all, and safe from a power cut; owned by whoever owns its folder."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            folder = path.parent.stat()
            if os.geteuid() == 0 and folder.st_uid != 0:
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
            os.fsync(descriptor)
        Path(draft).rename(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in `folder` safe from a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
