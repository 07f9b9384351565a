"""Runs yesterday's tests of the repos, with yesterday's code, against a database that today's `pre` migrations made.

This is what a deployment does to the code that still runs while its schema is already the new one.

python -m scripts.yesterday               against the code that landed last
python -m scripts.yesterday REVISION      against that of a revision
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.venvs import ROOT

_QUERIES = "tests/contract/test_queries.py"
# Tests of how a database is made, of what is said of a schema that is older or newer than the code, of what only post
# migrations allow, or of whole programs that make a database of their own.
_OTHER = (
    "fixtures.house",
    "house: House",
    "ephemeral()",
    "launcher.start",
    "emulator",
    "kernel.postgres.migrations import",
    "migration_files",
    "doctor",
    "neon_double",
    "operations import embeddings",
)
# Tests of what only post migrations bring, or of what the repository holds, which an unpacked tree is not.
_NOT_HERE = (
    "tests/integration/test_client_typescript.py::test_what_is_generated_is_not_in_the_repository",
    "tests/integration/test_snapshots.py::test_what_no_installation_writes_is_refused_as_a_whole",
    "tests/integration/test_tensor_collection.py::test_everything_that_refers_to_tensors_keeps_them",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs them and answers the exit status of pytest."""
    parser = argparse.ArgumentParser(prog="python -m scripts.yesterday", description=__doc__)
    parser.add_argument("revision", nargs="?", help="the code of yesterday; not given: what landed last")
    parser.add_argument("--sql", type=Path, default=ROOT / "sql", help="today's migrations")
    parser.add_argument("--tests", nargs="*", help="which of yesterday's tests; not given: all that use the repos")
    given = parser.parse_args(arguments)
    revision = _git("rev-parse", "--verify", f"{given.revision or landed()}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="yesterday-") as folder:
        tree = Path(folder)
        unpack(revision, tree)
        new = sorted(_pre(given.sql) - _pre(tree / "sql"))
        print(f"code of {revision[:12]}, and what today's pre adds: {', '.join(new) or 'nothing'}", flush=True)
        return run(tree, given.sql, given.tests or using_the_repos(tree))


def landed() -> str:
    """What landed last, as far as git knows: where this branch left the main one, or else its parent."""
    for main_branch in ("origin/main", "main"):
        base = _try_git("merge-base", "HEAD", main_branch)
        if base and (base != _git("rev-parse", "HEAD") or _git("status", "--porcelain", "--", "layers", "sql")):
            return base
    return "HEAD~1" if _try_git("rev-parse", "--verify", "--quiet", "HEAD~1") else "HEAD"


def unpack(revision: str, folder: Path) -> None:
    """Puts the tree of a revision into a folder."""
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def using_the_repos(tree: Path) -> list[str]:
    """Yesterday's tests that ask the database by the code's own statements."""
    found = [_QUERIES]
    for path in sorted((tree / "tests" / "integration").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in _OTHER):
            found.append(str(path.relative_to(tree)))
    return found


def run(tree: Path, sql: Path, tests: Sequence[str]) -> int:
    """Makes the database with today's code, and runs yesterday's tests on it."""
    from anima.kernel.postgres import bootstrap, ephemeral, migrations

    place = ephemeral.reserve()
    try:
        server = ephemeral.attach(place.folder)
        try:
            bootstrap.ensure(server.owner_url, None)
            migrations.migrate(server.owner_url, sql, "pre")
            # Where the tests look whether their template was migrated already.
            (server.data_dir / "template.done").touch()
            return _pytest(tree, place.folder, tests)
        finally:
            server.release()
    finally:
        place.close()


def _pytest(tree: Path, cluster: Path, tests: Sequence[str]) -> int:
    paths = [str(tree / "layers" / "app"), str(tree), str(ROOT / "scripts" / "in_yesterday")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "CLUSTER_OF_TODAY": str(cluster)}
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "todays_database", "-W", "ignore", *tests]
    command += [word for one in _NOT_HERE for word in ("--deselect", one)]

    def ran(*options: str) -> int:
        return subprocess.run([*command, *options], cwd=tree, env=environment, check=False).returncode

    status = ran(*(["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"] if len(tests) > 1 else []))
    if status != 1:
        return status
    print("ONCE MORE, ALONE: what failed above, in a process of its own", flush=True)
    return ran("--last-failed", "--last-failed-no-failures", "none")


def _pre(sql: Path) -> set[str]:
    paths = (sql / "migrations").glob("*_pre_*.sql")
    return {path.stem for path in paths if not path.name.endswith(".down.sql")}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _try_git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
