"""What a doctor finds: a line that says how something is, and what to do where it is not well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do where it is not well."""

    check: str
    state: State
    said: str
    advice: str = ""


Findings = Iterator[Finding]
