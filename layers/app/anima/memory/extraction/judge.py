"""The model proposes, code disposes: a proposal counts only if the person's own words bear it."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from anima.kernel.terms import fold, terms
from anima.memory.extraction.clauses import Clause, clauses, own_words, straight
from anima.memory.extraction.cues import bears_out
from anima.memory.extraction.endings import leaves
from anima.memory.extraction.kinds import odd
from anima.memory.extraction.proposals import Proposal
from anima.memory.extraction.rules import found
from anima.memory.extraction.values import typed
from anima.memory.facts_model import Found
from anima.memory.keys import KEYS

Refusal = Literal[
    "unknown_key",
    "not_in_text",
    "not_stated",
    "ordered",
    "not_in_evidence",
    "negated",
    "other_subject",
    "no_cue",
    "odd_value",
    "wrong_type",
    "replaced",
]
"""Why a proposal does not count."""
_MAX_VALUE_WORDS = 8
_NEGATED = re.compile(
    r"\b(?:not|never|no longer|n't|\w+n't|cannot|without|neither|nor|hardly|used to)\b|\b(?:any ?more)\b"
    r"|\b(?:ne|n')\s?\w+ (?:pas|plus|jamais|guère|rien|aucune?)\b|\bsans\b|\bpas (?:de|d'|du)\b|\bplus (?:de|d')\b",
    re.I,
)
_NEGATION_IS_THE_POINT = frozenset({"dislikes", "diet", "allergy", "fear", "condition", "past_job", "lived_in"})
_KIN = (
    r"wife|husband|partner|girlfriend|boyfriend|fiancée?|spouse|mother|mum|mom|father|dad|parents|son|daughter|kids?|children|child|baby"
    r"|sister|brother|siblings|twin|grand\w+|grandma|grandpa|uncle|aunt|cousin|nephew|niece|friends?|boss|manager|colleagues?|coworker"
    r"|neighbou?rs?|roommate|flatmate|teacher|doctor|dog|cat|ex"
    r"|femme|mari|copine|copain|compagne|compagnon|conjointe?|épouse|époux|mère|maman|père|papa|fils|fille|enfants?|bébé|sœur|soeur|frère"
    r"|oncle|tante|cousine?|neveu|nièce|amie?s?|pote|chef|cheffe|patronne?|collègues?|voisine?s?|colocataire|prof|médecin|chienn?e?|chat"
)
_OTHER = re.compile(
    rf"^(?:\W*(?:and|but|et|mais|so|alors)\b)?\W*(?:(?:my|our|mon|ma|mes|notre|nos) (?:\w+ ){{0,2}}(?:{_KIN})\b|(?:he|she|they|it|il|elle|ils|elles|you|tu|vous)\b"
    r"|(?:your|ton|ta|tes|his|her|their|son|sa|ses|leur) \w+)",
    re.I,
)
# What somebody else has ("my neighbour's dog", "le chien de mon voisin") is not the speaker's.
_ANOTHERS = re.compile(
    rf"\b(?:my|our) (?:\w+ )?(?:{_KIN})'s? (?!name\b|called\b|an?\b)|\b(?:de|du|des) (?:mon|ma|mes|notre|nos) (?:\w+ )?(?:{_KIN})\b"
    r"|\b(?:his|her|their|your) (?:new |old |own )?\w+",
    re.I,
)
_SELF_LATER = re.compile(r"\b(?:i|i'm|i've|i'd|me|myself|je|j'\w+|m'\w+|me|moi)\b", re.I)
_SELF = re.compile(rf"{_SELF_LATER.pattern}|\b(?:my|mine|mon|ma|mes)\b", re.I)
_THIRD_PERSON = re.compile(
    r"\b(?:the user|users?'s?|their|his|her|your|l'utilisat\w+|leurs?|ton|ta|tes|votre|vos)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What of a model's proposals stands, and how many were refused why."""

    found: list[Found]
    refused: dict[str, int]


def judge(text: str, proposals: Sequence[Proposal], at: datetime | None = None) -> Verdict:
    """The proposals that the message, said `at` that time, bears out; of two values for one thing the last counts."""
    stated = list(clauses(text))
    by_key: dict[str, Found] = {}
    refused: Counter[str] = Counter()
    for proposal in proposals:
        outcome = _judged(text, stated, proposal, at)
        if isinstance(outcome, str):
            refused[outcome] += 1
            continue
        if by_key.pop(outcome.key, None) is not None:
            refused["replaced"] += 1
        by_key[outcome.key] = outcome
    return Verdict(list(by_key.values()), dict(refused))


def _judged(text: str, stated: Sequence[Clause], proposal: Proposal, at: datetime | None) -> Found | Refusal:
    if proposal.key not in KEYS:
        return "unknown_key"
    clause = _clause_of(text, stated, proposal)
    if isinstance(clause, str):
        return clause
    refusal = _refusal(clause, proposal)
    if refusal is not None:
        return refusal
    value = typed(proposal.key, proposal.value)
    if value is None:
        return "wrong_type"
    return found(proposal.key, value, clause.text, at, confirmed=False)


def _refusal(clause: Clause, proposal: Proposal) -> Refusal | None:
    """What in the words of a clause speaks against a proposal."""
    if not clause.believable:
        return "ordered" if clause.ordered else "not_stated"
    if not _in_its_words(clause.text, proposal.value):
        return "not_in_evidence"
    left = proposal.key == "home" and leaves(clause.text, proposal.value)
    if left or _negates(clause.plain, proposal):
        return "negated"
    if _of_third_person(proposal.evidence):
        return "other_subject"
    if _ANOTHERS.search(clause.plain) and _SELF_LATER.search(clause.plain) is None:
        return "other_subject"
    if not KEYS[proposal.key].other and _of_another(clause.plain, proposal.value):
        return "other_subject"
    if odd(proposal.value) or len(proposal.value.split()) > _MAX_VALUE_WORDS:
        return "odd_value"
    return None if bears_out(proposal.key, clause.text, proposal.value) else "no_cue"


def _clause_of(text: str, stated: Sequence[Clause], proposal: Proposal) -> Clause | Refusal:
    """The clause of the message that holds the evidence, or most of it where the evidence spans several."""
    evidence = _normal(proposal.evidence)
    if len(evidence) < 3 or evidence not in _normal(own_words(text)):
        return "not_in_text"
    around = [clause for clause in stated if _normal(clause.text) in evidence or evidence in _normal(clause.text)]
    bearing = [clause for clause in around if _in_its_words(clause.text, proposal.value)]
    if bearing:
        return next((clause for clause in bearing if clause.believable), bearing[0])
    return "not_in_evidence" if around else "not_stated"


def _normal(text: str) -> str:
    return " ".join(re.sub(r"[^\w']+", " ", straight(text).casefold()).split())


def _in_its_words(clause: str, value: str) -> bool:
    """Whether most content words of the value stand in the clause, or its figures do."""
    said = {*terms(clause, "en"), *terms(clause, "fr")}
    for meant in ({*terms(value, "en")}, {*terms(value, "fr")}):
        if meant and 2 * len(meant & said) > len(meant):
            return True
    return fold(value.strip()) in fold(clause).split()


def _negates(clause: str, proposal: Proposal) -> bool:
    """Whether what is proposed is denied: a negation before the value, or "any more" after it."""
    if proposal.key in _NEGATION_IS_THE_POINT:
        return False
    return _NEGATED.search(clause) is not None


def _of_third_person(evidence: str) -> bool:
    """Whether the words speak of "the user" or of what is theirs, as a report or an instruction would."""
    said = straight(evidence)
    return _THIRD_PERSON.search(said) is not None and _SELF.search(said) is None


def _of_another(clause: str, value: str) -> bool:
    """Whether somebody else is the subject of the clause ("My wife is a lawyer"), and the speaker is not in it."""
    subject = _OTHER.search(clause)
    if subject is None:
        return False
    rest = clause[subject.end() :]
    first_self = _SELF_LATER.search(rest)
    at = fold(rest).find(fold(value.split()[0])) if value.split() else -1
    return first_self is None or (at >= 0 and first_self.start() > at)
