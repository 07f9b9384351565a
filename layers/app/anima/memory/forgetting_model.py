"""When the clock is believed that a memory has faded: pure rules of forgetting beside the curve itself.

A deletion cannot be taken back, so one look of one clock is not enough for it: what has faded is deleted only if it was
found faded at an earlier look too, at least a day before by that clock, and if the clock did not go back in between.
A clock that jumps ahead for a while therefore deletes nothing; what it hides meanwhile (faded memories are not read)
comes back with the right time. One that goes back only puts the deletion off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BETWEEN = timedelta(days=1)
"""At least so long lies between the look that finds a memory faded and the one that deletes it."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The last look that counts, and the time up to which what has faded is deleted; neither before there was one."""

    seen: datetime | None = None
    believed: datetime | None = None


def look(before: Looks, at: datetime) -> Looks:
    """What is believed after a look at `at`. The statement of forgetting_repo.DROP_FADED does the same."""
    if before.seen is None:
        return Looks(at, before.believed)
    if before.seen > at:  # the clock went back: what it said since is not believed
        return Looks(at, None if before.believed is None else min(before.believed, at))
    if at - before.seen >= BETWEEN:
        return Looks(at, before.seen)
    return before
