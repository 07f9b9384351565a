"""What a review looks at: its focus areas, as typed objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

AreaName = Literal["correctness", "security", "compliance", "performance", "style", "tests"]
NAMES: tuple[AreaName, ...] = get_args(AreaName)


@dataclass(frozen=True, slots=True)
class Area:
    """A focus area: what it is about, and what is asked in it."""

    name: AreaName
    title: str
    description: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FocusArea:
    """A focus area of one review, and why it is one."""

    name: AreaName
    title: str
    description: str
    questions: tuple[str, ...]
    reason: str


AREAS: dict[AreaName, Area] = {
    area.name: area
    for area in (
        Area(
            "correctness",
            "Correctness",
            "Whether it does what it says, at the edges too",
            ("What happens with empty, huge or malformed input?", "Which errors are swallowed or left half done?"),
        ),
        Area(
            "security",
            "Security",
            "Whether input of others can make it do harm",
            (
                "Is input of others ever run, put into a query, a path or a command?",
                "Are secrets in the text, and is what is encrypted encrypted well?",
            ),
        ),
        Area(
            "compliance",
            "Compliance",
            "Whether personal data, licences and records are dealt with as law and policy ask",
            (
                "Which personal data is stored, logged or sent on, on what ground and how long (GDPR art. 5, 6, 32)?",
                "Can a person see, correct and erase theirs (GDPR art. 15-17)?",
                "Does what is copied or imported come with a licence that allows it?",
            ),
        ),
        Area(
            "performance",
            "Performance",
            "Whether it stays quick and small with much data",
            ("What grows with the square of its input, or reads everything at once?", "What waits without a limit?"),
        ),
        Area(
            "style",
            "Style",
            "Whether the next reader understands it at once",
            ("Do names say what things are?", "What is longer or more nested than it need be?"),
        ),
        Area(
            "tests",
            "Tests",
            "Whether somebody would notice if it broke",
            ("Which behaviour has no test?", "Which test cannot fail?"),
        ),
    )
}
