"""A plugin of pytest that lets yesterday's tests work on the server that scripts/yesterday.py has prepared.

Imported with yesterday's code on the path, before its conftest; the server is migrated by today's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from anima.kernel.postgres import ephemeral


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `ephemeral.reserve` answers, for a place that somebody else holds."""

    folder: Path

    def close(self) -> None:
        """Leaves it to who made it."""


FOLDER = os.environ.get("CLUSTER_OF_TODAY", "")
"""Not set in processes that only read the plugin."""


def _prepared() -> Prepared:
    return Prepared(Path(FOLDER))


if FOLDER:
    ephemeral.reserve = _prepared  # type: ignore[assignment]
