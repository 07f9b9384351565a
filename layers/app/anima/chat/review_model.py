"""A review as data: what is reviewed, line by line, and what was found in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from anima.chat.focus_model import AreaName, FocusArea

Severity = Literal["info", "low", "medium", "high"]

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A text that is reviewed: its lines with their numbers. Of a diff only what was added."""

    path: str
    lines: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        """Its lines, joined."""
        return "\n".join(line for _, line in self.lines)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found: where it stands (`quote` is in those lines), what it is, and who says so."""

    focus_area: AreaName
    severity: Severity
    path: str
    line_start: int
    line_end: int
    quote: str
    message: str
    by: Literal["rule", "model"]


@dataclass(frozen=True, slots=True)
class Review:
    """A review. `document_id`: where it was written; `refused`: findings of a model that named nothing in the text."""

    request_id: int
    response_id: int
    title: str
    focus_areas: list[FocusArea]
    findings: list[Finding]
    summary: str
    refused: int
    references: list[dict[str, Any]]
    enrichment: dict[str, Any]
    document_id: int | None
    warnings: list[str]
    model: dict[str, Any] | None
    usage: dict[str, Any]
    timings: dict[str, float]
    created_at: datetime


def of_text(path: str, text: str, first: int = 1) -> SourceFile:
    """A whole text; its lines count from `first`."""
    return SourceFile(path, tuple(enumerate(text.splitlines(), first)))


def of_diff(diff: str) -> list[SourceFile]:
    """What a unified diff adds, by file, with the numbers that its lines have afterwards; nothing where it is none."""
    files: dict[str, list[tuple[int, str]]] = {}
    path, number, inside = "diff", 0, False
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path, inside = line[4:].split("\t")[0].strip().removeprefix("b/"), False
        elif (hunk := _HUNK.match(line)) is not None:
            number, inside = int(hunk[1]), True
        elif inside and line.startswith("+"):
            files.setdefault(path, []).append((number, line[1:]))
            number += 1
        elif inside and line.startswith(" "):
            number += 1
        elif line.startswith(("diff ", "--- ")):
            inside = False
    return [SourceFile(name, tuple(lines)) for name, lines in files.items()]


def place_of(quote: str, files: Sequence[SourceFile], path: str | None = None) -> tuple[SourceFile, int, int] | None:
    """Where a quotation stands: file, first and last line; nothing where no file holds it. Blanks are all alike."""
    wanted = [" ".join(line.split()) for line in quote.splitlines() if line.strip()]
    if not wanted or len("".join(wanted)) < 3:
        return None
    for file in sorted(files, key=lambda one: one.path != path):
        held = [(number, " ".join(line.split())) for number, line in file.lines if line.strip()]
        for start in range(len(held) - len(wanted) + 1):
            part = held[start : start + len(wanted)]
            if all(line in there for line, (_, there) in zip(wanted, part, strict=True)):
                return file, part[0][0], part[-1][0]
    return None
