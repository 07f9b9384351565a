"""The migrations as files: found, ordered, checked before any of them is run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anima
from anima.kernel.config import settings
from anima.kernel.postgres.errors import BadMigrationFiles

Phase = Literal["pre", "post"]

_NAME = re.compile(r"(?P<version>\d{4})_(?P<phase>pre|post)_(?P<name>[a-z0-9_]+?)(?P<down>\.down)?\.sql")
# What may hold a semicolon that ends no statement: comments, strings, bodies of functions.
_OPAQUE = re.compile(
    r"--[^\n]*|/\*.*?\*/|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL
)
# What a way back says of the data it needs, in a line of its own: a condition in SQL.
_ONLY_IF = re.compile(r"^--\s*only if:\s*(?P<condition>.+?)\s*;?\s*$", re.MULTILINE)
_OWN_TRANSACTION = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b(?!\s+to\b)", re.IGNORECASE
)
# The body of a function in SQL's own words: its statements are none of the file, nor is the `end` behind them.
_ATOMIC = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One migration: its number, when it runs (before or after the code is exchanged), its text."""

    version: int
    phase: Phase
    name: str
    sql: str
    down: str | None

    @property
    def stem(self) -> str:
        """The file's name without its end."""
        return f"{self.version:04d}_{self.phase}_{self.name}"

    @property
    def only_if(self) -> str | None:
        """What must hold for the data before the way back is taken."""
        found = _ONLY_IF.search(self.down or "")
        return found["condition"] if found else None

    @property
    def sha256(self) -> str:
        """Of the text with Unix line ends, so that a checkout on another system is the same migration."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def sql_dir() -> Path:
    """The folder with `migrations/`: of the setting, else packed with this code, else the repository's."""
    configured = settings().sql_dir
    if configured is not None:
        return configured
    package = Path(anima.__file__).resolve().parent
    for folder in (package / "_sql", *(parent / "sql" for parent in package.parents)):
        if (folder / "migrations").is_dir():
            return folder
    raise BadMigrationFiles(folder=package / "_sql", reason="the folder is not there; set ANIMA_SQL_DIR")


def read(folder: Path) -> list[MigrationFile]:
    """All migrations in order; raises BadMigrationFiles for an unknown name, a gap, a duplicate."""
    if not folder.is_dir():
        raise BadMigrationFiles(folder=folder, reason="the folder is not there")
    ups: dict[int, re.Match[str]] = {}
    downs: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        found = _NAME.fullmatch(path.name)
        if found is None:
            raise BadMigrationFiles(folder=folder, reason=f"{path.name} is not NNNN_(pre|post)_name[.down].sql")
        version = int(found["version"])
        if found["down"]:
            downs[path.name.removesuffix(".down.sql")] = path
        elif version in ups:
            raise BadMigrationFiles(folder=folder, reason=f"two have the number {version:04d}")
        else:
            ups[version] = found
    _check_numbers(folder, sorted(ups))
    files = [_file(folder, ups[version], downs) for version in sorted(ups)]
    if downs:
        raise BadMigrationFiles(folder=folder, reason=f"{min(downs)}.down.sql belongs to none")
    return files


def _check_numbers(folder: Path, numbers: list[int]) -> None:
    for expected, number in enumerate(numbers, start=1):
        if number != expected:
            raise BadMigrationFiles(folder=folder, reason=f"the number {expected:04d} is missing")


def _file(folder: Path, found: re.Match[str], downs: dict[str, Path]) -> MigrationFile:
    path = folder / found.string
    down = downs.pop(path.stem, None)
    phase: Phase = "pre" if found["phase"] == "pre" else "post"
    texts = [_text(folder, each) for each in (path, down) if each is not None]
    return MigrationFile(int(found["version"]), phase, found["name"], texts[0], texts[1] if down else None)


def _text(folder: Path, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadMigrationFiles(folder=folder, reason=f"{path.name} cannot be read: {error}") from None
    if _has_own_transaction(text):
        raise BadMigrationFiles(folder=folder, reason=f"{path.name} has its own transaction; each file is run in one")
    return text


def _has_own_transaction(text: str) -> bool:
    in_body = False
    for statement in _OPAQUE.sub(" ", text).split(";"):
        if in_body:
            in_body = statement.strip().lower() != "end"
        elif _ATOMIC.search(statement):
            in_body = True
        elif _OWN_TRANSACTION.match(statement):
            return True
    return False
