"""Enrichment for a question or a review: focus areas and references, which may be empty and never fail a call."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from anima.chat import review_rules
from anima.chat.focus_model import AREAS, NAMES, AreaName, FocusArea
from anima.chat.review_model import SourceFile
from anima.kernel.terms import STOP_WORDS
from anima.vendors import enrichment
from anima.vendors.enrichment import Enrichment

_NAME = re.compile(r"\b[A-Za-z_]\w{3,60}\b")
_DEFINED = re.compile(r"\b(?:def|class|func|function|fn|interface|struct|type|import|from|table)\s+([A-Za-z_][\w.]*)")
_KEYWORDS = frozenset(
    "self this return import from class function const public private static void string true false none null else elif"
    " while for break continue async await yield lambda with raise except finally try catch throw new int float"
    " bool dict list tuple object any print export default extends implements package interface struct type def"
    " assert".split()
)
_MOST_NAMES = 24
_USUAL: tuple[AreaName, ...] = ("correctness", "security", "compliance")


@dataclass(frozen=True, slots=True)
class RagContext:
    """What is known around a text: where to look closely, and what else belongs to it."""

    focus_areas: list[FocusArea]
    enrichment: Enrichment


def context(
    files: Sequence[SourceFile],
    question: str,
    areas: Sequence[AreaName],
    repositories: Sequence[str] | None,
    limit: int | None,
) -> RagContext:
    """Focus areas and references for a text. Raises UnknownRepository."""
    asked = f"{question} {' '.join(names_of(files))}".strip()
    return RagContext(focus(files, areas), enrichment.look(asked, repositories, limit))


def focus(files: Sequence[SourceFile], asked: Sequence[AreaName]) -> list[FocusArea]:
    """The areas that were asked for; where none were, the usual ones and those in which a rule finds something."""
    found = Counter(finding.focus_area for finding in review_rules.findings(files, NAMES))
    names = asked or [name for name in NAMES if name in _USUAL or found[name]]
    return [_area(name, name in asked, found[name]) for name in dict.fromkeys(names)]


def _area(name: AreaName, asked: bool, found: int) -> FocusArea:
    why = ["it was asked for"] if asked else []
    if found:
        why.append(f"{found} line{'s' if found > 1 else ''} of the text may matter here")
    area = AREAS[name]
    return FocusArea(name, area.title, area.description, area.questions, "; ".join(why) or "it always matters")


def names_of(files: Sequence[SourceFile]) -> list[str]:
    """The names that say most of what a text is about: those that it defines and imports, then those it uses most."""
    text = "\n".join(file.text for file in files)
    defined = [part for name in _DEFINED.findall(text) for part in name.split(".") if len(part) > 3]
    used = Counter(name for name in _NAME.findall(text) if _says_something(name))
    return list(dict.fromkeys([*defined, *(name for name, _ in used.most_common(_MOST_NAMES))]))[:_MOST_NAMES]


def _says_something(name: str) -> bool:
    lowered = name.lower()
    return lowered not in _KEYWORDS and lowered not in STOP_WORDS["en"]


def as_json(found: Enrichment) -> dict[str, Any]:
    """How the enrichment went, as answers tell it."""
    return {"status": found.status, "milliseconds": found.milliseconds, "warnings": found.warnings}


def references(found: Enrichment) -> list[dict[str, Any]]:
    """The references, as answers show them."""
    return [asdict(one) for one in found.references]
