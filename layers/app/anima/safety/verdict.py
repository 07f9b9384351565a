"""The verdict on a message: what it asks for, what is said, and what an answer shows of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anima.safety.model import Kind, Replaced
from anima.safety.resources import Help


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message asks for. `instead` is the whole answer by code; `told` stands in the prompt; `append` goes
    behind the answer; `careful` says that somebody is or was just in danger.
    """

    kind: Kind = "none"
    language: str = "en"
    instead: str | None = None
    told: str = ""
    append: str = ""
    careful: bool = False
    minor: bool = False
    minor_found: bool = False
    break_due: bool = False
    disclose: bool = False
    disclosed: bool = False
    acute: bool = False
    country: str | None = None
    help: Help | None = None
    listed: bool = False
    evidence: tuple[str, ...] = field(default=())

    def as_json(self, replaced: Replaced | None = None) -> dict[str, Any] | None:
        """What an answer shows of it; nothing where there is nothing to show."""
        if self.kind == "none" and not (self.careful or self.break_due or self.disclosed or replaced):
            return None
        shown = self.help if self.help and (self.listed or replaced == "harm") else None
        return {
            "kind": self.kind,
            "careful": self.careful,
            "resources": [one.as_json() for one in shown.lines] if shown else [],
            "emergency": shown.emergency if shown else None,
            "country": shown.country if shown else None,
            "replaced": replaced,
            "break": self.break_due,
            "disclosed": self.disclosed or self.disclose,
            "minor": self.minor,
        }
