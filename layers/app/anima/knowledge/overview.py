"""Whether a turn asks for a whole document ("a 3-sentence summary of the paper you just read"). Pure."""

from __future__ import annotations

import re

_ASKS = re.compile(
    r"\b(?:summar(?:y|i[sz]e[ds]?)|tl;?dr|gist|main (?:points|ideas)|key (?:points|ideas)|overview|in a nutshell"
    r"|what(?: is| was|['’]s) .{0,60}\babout(?=\W*$)|résum\w+|synthèse|points? (?:clés?|principaux)|idées? principales?"
    r"|de quoi (?:parle|traite))\b",
    re.IGNORECASE,
)
_OF = re.compile(
    r"\b(?:documents?|files?|papers?|articles?|reports?|letters?|contracts?|chapters?|books?|pdf|manual|slides?|text"
    r"|fichiers?|textes?|rapports?|lettres?|contrats?|chapitres?|livres?|mémoire|just read|uploaded|attached"
    r"|viens de lire)\b|(?<![\w-])[\w-]++\.(?:txt|md|pdf|html?|docx?|pptx?|xlsx?|epub)\b",
    re.IGNORECASE,
)
_COUNT = re.compile(r"\b(\d{1,2}|\w+)[- ](?:short |courtes? )?(?:sentences?|lines?|points?|phrases?|lignes?)\b", re.I)
_NUMBERS = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10},
    **{"une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "dix": 10},
}
USUAL, MOST = 4, 10


def wanted(text: str) -> int | None:
    """How many sentences of a document are asked for; nothing where a turn asks for something else."""
    if not _ASKS.search(text) or not _OF.search(text):
        return None
    counted = _COUNT.search(text)
    number = counted[1].lower() if counted else ""
    asked = int(number) if number.isdecimal() else _NUMBERS.get(number, USUAL)
    return max(1, min(MOST, asked))
