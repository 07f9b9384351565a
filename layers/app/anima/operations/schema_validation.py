"""Looks at the migrations as files: their order, what landed before, the rules of their phase, and squawk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from anima.kernel.errors import BadInput
from anima.kernel.postgres import migration_files, migration_rules
from anima.kernel.postgres.errors import BadMigrationFiles
from anima.kernel.postgres.migration_rules import Finding
from anima.operations.schema_report import Validation

_BASE = "origin/main"
# What a post migration and a way back are there for.
_REMOVING = (
    *(f"ban-drop-{what}" for what in ("column", "constraint", "table", "function", "not-null")),
    *("require-concurrent-index-deletion", "disallowed-unique-constraint", "constraint-missing-not-valid"),
    *("renaming-column", "renaming-table"),
)


def validate(base: str | None = None, sql_dir: Path | None = None) -> Validation:
    """Everything that can be said of the files without a database.

    `base` is the git revision whose files have landed and stay as they are; not given: origin/main, where there is
    one. Raises BadInput for a revision that git does not know.
    """
    folder = sql_dir or migration_files.sql_dir()
    notes: list[str] = []
    landed = _landed(folder, base, notes)
    revision, before = landed or (None, {})
    here = {path.name for path in (folder / "migrations").glob("*.sql")}
    new = sorted(name for name in here if name not in before) if landed else []
    try:
        files = migration_files.read(folder / "migrations")
    except BadMigrationFiles as error:
        finding = Finding("migrations", 0, "files", str(error.values["reason"]))
        return Validation(len(here), new, revision, [finding, *_edited(folder, before)], notes)
    found = [*_edited(folder, before), *migration_rules.findings(files), *_squawk(folder, notes)]
    return Validation(len(files), new, revision, found, notes)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; nothing where there is no git, or it refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout.decode()


def _landed(folder: Path, base: str | None, notes: list[str]) -> tuple[str, dict[str, str]] | None:
    """The revision, and the migrations that it has, by name."""
    revision = base or _BASE
    # What begins with a dash is an option to git.
    known = not revision.startswith("-") and _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not known:
        if base is not None:
            raise BadInput(reason=f"git knows no revision {base} here")
        notes.append(f"Not compared with what landed: there is no {_BASE} here; name a revision with --base.")
        return None
    listing = _git(folder, "ls-tree", "--name-only", "-z", known.strip(), "migrations/") or ""
    names = [name for name in listing.split("\0") if name.endswith(".sql")]
    texts = {name: _git(folder, "show", f"{known.strip()}:./{name}") or "" for name in names}
    return revision, {name.removeprefix("migrations/"): text for name, text in texts.items()}


def _edited(folder: Path, before: dict[str, str]) -> list[Finding]:
    found: list[Finding] = []
    for name, text in before.items():
        path = folder / "migrations" / name
        if name.endswith(".down.sql"):
            continue
        if not path.is_file():
            found.append(Finding(name, 0, "landed", "it has landed and is not here: a landed migration stays"))
        elif path.read_text(encoding="utf-8").splitlines() != text.splitlines():
            found.append(Finding(name, 0, "landed", "it was changed after it landed: write a new one instead"))
    return found


def _squawk(folder: Path, notes: list[str]) -> list[Finding]:
    program = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")
    config = folder.parent / ".squawk.toml"
    if program is None or not config.is_file():
        missing = "it is not installed" if program is None else "its settings, .squawk.toml, are not beside the folder"
        notes.append(f"Not linted by squawk: {missing}.")
        return []
    command = [program, "--reporter", "json", "--config", str(config)]
    paths = sorted((folder / "migrations").glob("*.sql"))
    removing = [str(path) for path in paths if "_post_" in path.name or path.name.endswith(".down.sql")]
    adding = [str(path) for path in paths if str(path) not in removing]
    # What is given here stands instead of what is excluded there.
    excluded = [*tomllib.loads(config.read_text(encoding="utf-8")).get("excluded_rules", []), *_REMOVING]
    return [*_linted(command, adding), *_linted([*command, "--exclude", ",".join(excluded)], removing)]


def _linted(command: list[str], files: list[str]) -> list[Finding]:
    if not files:
        return []
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    try:
        return _found(json.loads(done.stdout))
    except ValueError:
        return [Finding("migrations", 0, "squawk", f"squawk could not read them: {done.stderr.strip()[-300:]}")]


def _found(reported: Sequence[dict[str, object]]) -> list[Finding]:
    return [
        Finding(Path(str(one["file"])).name, int(str(one["line"])) + 1, str(one["rule_name"]), str(one["message"]))
        for one in reported
    ]
