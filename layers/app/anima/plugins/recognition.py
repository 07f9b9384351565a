"""Tools for models that call none: a calculation or a page to be read, recognised in what was said. Pure."""

from __future__ import annotations

import re
from typing import Any

from anima.plugins.expressions import NotCalculated, calculate

_MAX_CHARS = 400
_ADDRESS = re.compile(r"https?://[^\s<>\"'\]}]{4,2000}", re.IGNORECASE)
_READS = re.compile(
    r"\b(read|open|summari[sz]e|sum up|look at|check out|visit|fetch|go to|what (?:does|do|is)|what's|explain|tell me"
    r"|lis|lire|ouvre|ouvrir|r[ée]sume[rz]?|regarde[rz]?|consulte[rz]?|visite[rz]?|que dit|qu'est-ce|explique[rz]?)\b",
    re.IGNORECASE,
)
_WORDS: tuple[tuple[str, str], ...] = (
    (r"(?:the )?square root of|(?:la )?racine carrée de", " √ "),
    (r"to the power of|puissance", " ^ "),
    (r"squared|au carré", " ^2 "),
    (r"cubed|au cube", " ^3 "),
    (r"multiplied by|times|multiplié par|fois", " * "),
    (r"divided by|divisé par", " / "),
    (r"plus", " + "),
    (r"minus|moins", " - "),
    (r"(?:percent|per cent|pour ?cent) (?:of|de)|% de", " % of "),
    (r"percent|per cent|pour ?cent", " % "),
)
_SPOKEN = tuple((re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE), sign) for words, sign in _WORDS)
_LEADING = re.compile(
    r"^(?:(?:hey|hi|please|so|and|ok|okay|now|then|well|tell me|can you|could you|would you|do you know|i need to know"
    r"|what is|what's|whats|what does|how much is|how much does|how much are|calculate|compute|work out|figure out"
    r"|solve|evaluate|the result of|the value of|the sum of|result of|value of|me|quick|quickly"
    r"|s'il te plaît|s'il vous plaît|stp|combien font|combien fait|combien donne|combien vaut|ça fait combien"
    r"|calcule[rz]?|peux-tu|pouvez-vous|dis-moi|quel est|quelle est|le résultat de|la valeur de|c'est quoi)[\s,:]+)+",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"(?:[\s,]*(?:please|equal to|equals?|make|give|come to|in total|exactly|for me|thanks|thank you|s'il te plaît|stp"
    r"|font combien|fait combien|égale|merci)|[\s=?!.]+)+$",
    re.IGNORECASE,
)
_DATE_LIKE = re.compile(
    r"^\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\+?\d[\d -]{5,}\d|\d{4}\s*[-–]\s*\d{4}|24/7)\s*$"
)
# Said by itself it may be a score, a share or a day as well.
_BARE = re.compile(r"\s*[-+]?[\d.,]+\s*(?:[-/]\s*[\d.,]+\s*)?")
_OPERATION = re.compile(
    r"[-+*/^%×÷·−√!]|\b(?:of|mod|sqrt|log|ln|exp|round|sin|cos|tan|min|max|sum|mean)\b", re.IGNORECASE
)


def recognised(question: str) -> tuple[str, dict[str, Any]] | None:
    """The tool that a message plainly asks for, by its name, with its arguments; None where none is meant."""
    if (address := _page(question)) is not None:
        return "read_page", {"url": address}
    expression = _calculation(question)
    return ("calculate", {"expression": expression}) if expression else None


def _page(question: str) -> str | None:
    """The one address in a message that says to read it, or says nothing else."""
    found = _ADDRESS.findall(question)
    if len(found) != 1:
        return None
    rest = question.replace(found[0], " ").strip(" \n\t.,:;!?()<>")
    return str(found[0]).rstrip(".,;:!?)") if not rest or _READS.search(rest) else None


def _calculation(question: str) -> str | None:
    if len(question) > _MAX_CHARS or not any(character.isdigit() for character in question):
        return None
    text = _TRAILING.sub("", _LEADING.sub("", question.strip()))
    for spoken, sign in _SPOKEN:
        text = spoken.sub(sign, text)
    text = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d)", " * ", text)
    text = re.sub(r"\s+", " ", _TRAILING.sub("", text)).strip()
    if _DATE_LIKE.match(text) or _BARE.fullmatch(question) or not _OPERATION.search(text):
        return None
    try:
        calculate(text)
    except NotCalculated as error:
        return text if "divides by zero" in error.detail else None
    return text
