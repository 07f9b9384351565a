"""What of a personality's conduct holds in one turn: less where somebody asks for more, or is in need. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict

from anima.chat.compose import asks_what_it_is
from anima.chat.gate import Decision, is_question
from anima.chat.manner import Manner
from anima.chat.small_talk import Beginning, is_request, of_its_nature
from anima.kernel.terms import Question
from anima.personality.model import Conduct

_LEAST_WITH_PASSAGES = 4
_GOES_ON = 2
_FULL = 0xFFFFFFFF
_ENGLISH = frozenset({"english", "en", "anglais"})
_FRENCH = frozenset({"french", "français", "francais", "fr"})
# What is asked for at length is given at length, whoever writes it.
_AT_LENGTH = re.compile(
    r"\b(?:write|compose|draft|invent|rédige|écris|invente|compose)\b.{0,60}\b(?:stor(?:y|ies)|tale|poem|verses?|essay"
    r"|letter|e-?mail|article|speech|recipe|song|report|scene|dialogue|code|script|program(?:me)?|function|histoire"
    r"|conte|poème|lettre|courriel|mail|discours|recette|chanson|rapport|scène|programme|fonction)\b"
    r"|\b(?:tell|read|raconte)\b.{0,20}\b(?:story|tale|histoire|conte)\b"
    r"|\b(?:in (?:full |great |more )?detail|at length|step by step|a long (?:answer|reply|text)|everything about"
    r"|en détail|longuement|pas à pas|étape par étape|une longue réponse)\b"
    r"|\b(?:translate|traduis)\b",
    re.IGNORECASE | re.DOTALL,
)
_LISTED = re.compile(
    r"\b(?:lists?|ideas|suggestions|options|examples|tips|steps|ways|reasons|recommend\w*|suggest|plan|advice|itinerary"
    r"|recipes?|liste\w*|idées|propositions|exemples|conseils?|conseille\w*|étapes|façons|raisons|recommande\w*|recettes?"
    r"|(?:\d+|two|three|four|five|six|seven|ten|deux|trois|quatre|cinq|six|sept|dix) \w+)\b",
    re.IGNORECASE,
)
_ASK_ME = re.compile(
    r"\b(?:ask|quiz|interview|test|interrogate) (?:me|us)\b|\b(?:pose|interroge|questionne|demande)[- ](?:moi|nous)\b"
    r"|\bquestions?\b",
    re.IGNORECASE,
)


def manner(
    conduct: Conduct,
    decision: Decision,
    question: Question,
    *,
    language: str,
    lot: str,
    replies: int,
    careful: bool = False,
) -> Manner:
    """The filter of one reply. `language` is that of the avatar's words; `lot` is what lots are drawn from, so that the
    same turn gets the same words; `replies` how many there were before in this talk: what code puts in comes once a
    talk goes on. `careful`: with somebody in need nothing is played.
    """
    plays = replies >= _GOES_ON and not careful and _speaks(language, question)
    opening, closing = _around(conduct, decision, question, zlib.crc32(lot.encode())) if plays else ("", "")
    return Manner(
        most_sentences=_sentences(conduct, decision, question.text),
        most_questions=_questions(conduct, decision, question.text, careful),
        emojis="none" if careful else conduct.emojis,
        exclamations="none" if careful else conduct.exclamations,
        lower_case=conduct.lower_case and not careful,
        items_count=decision.kind == "talk" and not decision.passages and not _LISTED.search(question.text),
        opening=opening,
        closing=closing,
    )


def beginning(decision: Decision, question: Question, name: str, *, calm: bool) -> Beginning:
    """The filter of how a reply begins. `calm`: nobody is in need, under age, or doubts whom they talk with.

    Who asks what it is hears it; outside small talk, and where care is due, nothing is left out.
    """
    text = question.text
    if not calm or decision.kind != "talk" or asks_what_it_is(text) or of_its_nature(text):
        return Beginning()
    return Beginning(name, statement=not (is_question(text) or is_request(text)))


def shown(conduct: Conduct, used: Manner) -> dict[str, object]:
    """What was kept, as the log of the request tells it."""
    drawn = {name: getattr(conduct, name) for name in ("temperature", "top_p", "max_reply_tokens", "lower_case")}
    kept = {"max_sentences": used.most_sentences, "max_questions": used.most_questions, "emojis": used.emojis}
    put = {"exclamations": used.exclamations, "opening": used.opening, "asked_back": used.closing}
    return {**kept, **put, **drawn, "memory": asdict(conduct.memory)}


def _sentences(conduct: Conduct, decision: Decision, asked: str) -> int | None:
    if conduct.max_sentences is None or _AT_LENGTH.search(asked):
        return None
    return max(conduct.max_sentences, _LEAST_WITH_PASSAGES) if decision.passages else conduct.max_sentences


def _questions(conduct: Conduct, decision: Decision, asked: str, careful: bool) -> int | None:
    """What the gate has it ask, it may ask; and so may one who is asked to."""
    if _ASK_ME.search(asked):
        return None
    told_to_ask = decision.kind == "unknown" or bool(decision.told) or careful
    return max(1, conduct.max_questions) if told_to_ask else conduct.max_questions


def _around(conduct: Conduct, decision: Decision, question: Question, lot: int) -> tuple[str, str]:
    """What code puts before and behind small talk: an opening now and then, a question back to one who asked none."""
    if decision.kind != "talk" or decision.told or decision.passages:
        return "", ""
    opening = _picked(conduct.openings, lot >> 8) if lot / _FULL < conduct.opening_share else ""
    asks = conduct.asks_back and conduct.max_questions > 0 and not is_question(question.text) and lot % 2 == 0
    return opening, _picked(conduct.asks, lot >> 4) if asks else ""


def _picked(words: Sequence[str], lot: int) -> str:
    return words[lot % len(words)] if words else ""


def _speaks(language: str, question: Question) -> bool:
    """Whether the words that code has are of the language in which the reply will be."""
    name = language.strip().casefold()
    own = "fr" if name in _FRENCH else "en" if name in _ENGLISH else None
    return own is not None and question.language in (None, own)
