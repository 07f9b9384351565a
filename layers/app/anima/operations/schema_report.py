"""What is said of a change of the schema: to a person in Markdown, to a program in JSON, nothing secret to either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from anima.kernel.errors import BadInput
from anima.kernel.postgres.deployment import Step
from anima.kernel.postgres.migration_rules import Finding

# A comment of a pull request holds 65,536 characters.
_LONGEST = 60_000


@dataclass(slots=True)
class Deployment:
    """One run of the migrations: where (host, port, database), of what phase, each step, how it ended."""

    target: str
    phase: str | None
    dry_run: bool
    started_at: datetime
    steps: list[Step] = field(default_factory=list)
    error: str | None = None

    def hear(self, step: Step) -> None:
        """Keeps what became of a migration; what is on the way is for the listener at the time."""
        if step.state in ("pending", "applied", "failed"):
            self.steps.append(step)

    def data(self) -> dict[str, Any]:
        """All of it, for a program."""
        shown = {"target": self.target, "phase": self.phase, "dry_run": self.dry_run, "started_at": self.started_at}
        steps = [{"migration": one.stem, **asdict(one)} for one in self.steps]
        for step in steps:
            del step["stem"]
        return {**shown, "result": self.result, "error": self.error, "migrations": steps}

    @property
    def result(self) -> str:
        """In one word: failed, pending, applied or nothing."""
        if self.error:
            return "failed"
        return ("pending" if self.dry_run else "applied") if self.steps else "nothing"

    def markdown(self) -> str:
        """All of it, for a person."""
        kind = "Dry run" if self.dry_run else "Deployment"
        when = self.started_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        head = f"### {kind} of the schema\n\n`{self.target}`, phase {self.phase or 'pre and post'}, {when}\n"
        rows = [
            [f"`{one.stem}`", one.state, _seconds(one.duration_ms), str(one.attempts), f"`{one.sha256[:12]}`"]
            for one in self.steps
        ]
        empty = "The run ended before any migration." if self.error else "Nothing to apply: the schema is the newest."
        text = f"{head}\n{table(['migration', 'state', 'took', 'attempts', 'sha256'], rows) if rows else empty}\n"
        return text + (f"\n**Failed:** {self.error}\n" if self.error else "")


def _seconds(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found about the files of the migrations; `notes` says what could not be looked at."""

    files: int
    new: Sequence[str]
    base: str | None
    findings: Sequence[Finding]
    notes: Sequence[str]

    def data(self) -> dict[str, Any]:
        """All of it, for a program."""
        return asdict(self)

    @property
    def added(self) -> int:
        """How many migrations are new; a way back is none of its own."""
        return sum(not name.endswith(".down.sql") for name in self.new)

    def markdown(self) -> str:
        """All of it, for a person."""
        compared = f", compared with `{self.base}`" if self.base else ""
        lines = [f"### Migrations\n\n{self.files} files{compared}, {self.added} new.\n"]
        rows = [[f"`{one.file}`", str(one.line or ""), one.rule, one.message] for one in self.findings]
        lines.append(table(["file", "line", "rule", "finding"], rows) if rows else "Nothing found.")
        lines += [f"\n*{note}*" for note in self.notes]
        return "\n".join(lines) + "\n"


def difference(text: str, title: str = "Schema") -> str:
    """A difference of two schemas for a comment: folded, and cut where a comment would end."""
    if not text:
        return f"### {title}\n\nThe schema is the same.\n"
    lines = text.splitlines()
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    cut = "" if len(text) <= _LONGEST else "\n\nThe rest is cut off."
    fence = "`" * 4
    shown = f"{fence}diff\n{text[:_LONGEST].rstrip()}\n{fence}"
    return f"### {title}\n\n<details><summary>+{added} and -{removed} lines</summary>\n\n{shown}{cut}\n\n</details>\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def check_names(files: Sequence[Path]) -> None:
    """Raises BadInput for a report that is neither Markdown nor JSON, or not to be written: before anything is done."""
    for file in files:
        if file.suffix not in (".md", ".json"):
            raise BadInput(reason=f"a report ends in .md or .json, not {file.name}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.open("a").close()
        except OSError as error:
            raise BadInput(reason=f"the report {file} cannot be written: {error.strerror}") from None


def write(report: Deployment | Validation, files: Sequence[Path]) -> None:
    """Writes the report in the form that the end of each name says."""
    for file in files:
        text = report.markdown() if file.suffix == ".md" else json.dumps(report.data(), indent=1, default=str) + "\n"
        file.write_text(text, encoding="utf-8")
