"""Tables of rules: a line a rule, `key :: how :: pattern`, the value being group v and a relation group k.

How, of several words: the shape of the value (`name`, `kin`, `pet`, `place`, `employer`, `job`, `lang`, `nationality`,
`date`, `household`, `np`; `list` for several); `strict` wants a capital, `alone` nothing behind it, `first` only where
a message begins, `head` that the value stands first; `taste` and `allergen` refuse what is none; `cut=a|b` ends it
before these words, `as=spouse` names the relation; `no` denies it, `gone` ends what was known, `past` is over.
"""

from __future__ import annotations

Rows = tuple[tuple[str, str, str], ...]
"""Rules as (key, pattern, how)."""


def read_rules(lines: str) -> Rows:
    """The rules of a table, in order."""
    rows = []
    for line in lines.strip().splitlines():
        key, how, pattern = (part.strip() for part in line.split("::", 2))
        rows.append((key, pattern, how))
    return tuple(rows)
