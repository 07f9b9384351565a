"""Prompts that are kept in versions: what they are, and how two of them differ. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import datetime

NAME = r"^[a-z0-9][a-z0-9_.-]{0,99}$"
_REFERENCE = re.compile(r"([a-z0-9][a-z0-9_.-]{0,99})@([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of a prompt; versions count from 1 and never change."""

    prompt_id: int
    name: str
    version: int
    content: str
    created_by: int | None
    created_at: datetime


def reference(text: str) -> tuple[str, int] | None:
    """The name and version of `name@3`; nothing for another text."""
    found = _REFERENCE.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def diff(old: Prompt, new: Prompt) -> str:
    """What changed, line by line, as a unified diff; empty where nothing did."""
    before, after = old.content.splitlines(), new.content.splitlines()
    names = (f"{old.name}@{old.version}", f"{new.name}@{new.version}")
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))
