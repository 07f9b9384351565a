"""Gaps that a turn leaves, told as questions, English and French. Pure."""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from typing import Any

from anima.curiosity.model import NewGap
from anima.curiosity.ranking import folded, score
from anima.kernel.terms import Language, language_of, terms

MOST_CHARS = 400
_IGNORANT = re.compile(
    r"\b(?:i (?:really |just )?(?:do not|don['’]t) (?:actually |really |yet )?know|i(?:['’]m| am) not (?:quite |really )?sure|no idea"
    r"|i have no (?:idea|information)|i (?:cannot|can['’]t|could not|couldn['’]t) find"
    r"|je (?:ne |n['’]en )?(?:le )?sais pas|j['’]ignore|je n['’]en sais rien|aucune idée|je ne connais pas)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:now|no longer|any ?more|moved|changed|switched|instead|actually|used to|since|maintenant|désormais|ne .{0,30}\bplus"
    r"|déménagé|changé|plutôt|en fait|depuis)\b",
    re.IGNORECASE,
)
_WHO: dict[Language, dict[str, str]] = {
    "en": {"person": "Who is {}?", "place": "Where is {}?", "": "What is {}?"},
    "fr": {"person": "Qui est {} ?", "animal": "Qui est {} ?", "place": "Où se trouve {} ?", "": "Qu'est-ce que {} ?"},
}
_WHICH: dict[Language, str] = {
    "en": 'You said "{}", and then "{}". Which of the two holds?',
    "fr": "Tu as dit « {} », puis « {} ». Lequel des deux est vrai ?",
}
_WORLDLY = frozenset({"place", "organisation", "event", "thing"})
"""What may be looked up; who somebody near to the person is, nobody else is asked."""


def of_question(text: str, answer: str, gate: str) -> NewGap | None:
    """What was asked and not known: by the gate, or because the answer says so. Nothing for talk without content."""
    if gate != "unknown" and not (gate == "open" and _IGNORANT.search(answer)):
        return None
    asked = _last_question(text)
    if not terms(asked):
        return None
    language = language_of(text)
    return NewGap("unknown", "", asked, folded("unknown", asked), score("unknown", 1), language, True)


def of_named(name: str, kind: str, mentions: int, language: Language | None) -> NewGap:
    """Somebody or something that is mentioned and never explained."""
    words = _WHO[language or "en"]
    question = words.get(kind, words[""]).format(name[:150])
    rated = score("unexplained", max(1, mentions - 1))
    return NewGap("unexplained", name[:200], question, folded("unexplained", name), rated, language, kind in _WORLDLY)


def of_contradiction(key: str, before: Any, after: Any, said: tuple[str, str]) -> NewGap | None:
    """Two things that cannot both hold, said on one day; nothing where the second one tells of a change."""
    if _CHANGED.search(said[1]):
        return None
    language = language_of(said[1])
    told = [_short(words or str(value)) for words, value in zip(said, (before, after), strict=True)]
    question = _WHICH[language or "en"].format(*told)
    about = f"{key} {before} {after}"
    return NewGap(
        "contradiction",
        key.partition(":")[0].replace("_", " "),
        question,
        folded("contradiction", about),
        score("contradiction", 1),
        language,
        False,
    )


def _last_question(text: str) -> str:
    """The sentence that asks, without what was said before it; all of it where none has a mark."""
    asking = re.findall(r"[^.!?\n]*[?？]", text)
    return _short(asking[-1].strip() if asking and terms(asking[-1]) else text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARS // 2 else line[: MOST_CHARS // 2 - 1].rsplit(" ", 1)[0] + "…"
