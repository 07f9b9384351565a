"""The tables of what drives what, as docs/feeling.md shows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anima.emotions.drives import DRIVES, EMOTIONS, FEELINGS, NAMES, TRAITS


def tables() -> dict[str, str]:
    """Each table as Markdown, by the mark behind which it stands in the document."""
    of_signals = sorted({signal for parts in DRIVES.values() for signal in parts})
    felt = {**FEELINGS, **EMOTIONS}
    traits = ["| modulator | trait | share |", "|---|---|---|"]
    traits += [f"| {name} | {trait} | {share:+g} |" for name, (trait, share) in TRAITS.items()]
    return {
        "drives": _table("modulator", of_signals, DRIVES),
        "feelings": _table("feeling", NAMES, felt),
        "traits": "\n".join(traits),
    }


def _table(head: str, columns: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"| {head} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, parts in rows.items():
        cells = [f"{parts[column]:+g}" if column in parts else "" for column in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
