"""Facts that a person states plainly, in English or French, found by patterns: what they yield counts as said."""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from anima.memory.extraction import rules_en, rules_fr, times
from anima.memory.extraction.clauses import MAX_CHARS, Clause, clauses, speaks_of_change
from anima.memory.extraction.endings import endings, of_the_dead, place_named
from anima.memory.extraction.pronouns import Spoken
from anima.memory.extraction.shapes import Value, fitting
from anima.memory.extraction.spelling import Plain, plain
from anima.memory.extraction.values import typed
from anima.memory.facts_model import Found, Named
from anima.memory.keys import KEYS, full_key

PAST = frozenset({"lived_in", "past_job"})
"""Kinds of facts that are no longer so."""
_MAX_LEADS = 4
_MAX_FACTS = 40
# What may stand before a statement without changing it: greetings, asides, when and how often.
_LEAD = re.compile(
    r"(?:(?:(?:since|in|as of) (?:early |late |mid[ -])?(?:(?:january|february|march|april|may|june|july|august|september|october|november|december)(?: (?:of )?(?:19|20)\d\d)?|(?:19|20)\d\d)|(?:en|depuis|des|jusqu'en) (?:(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre) )?(?:19|20)\d\d|well|hello|hi|hiya|hey|yo|good morning|good evening|ok|okay|so|actually|by the way|btw|also|and|but|yes|yeah|yep|no|nope|nah|oh|ah|haha|lol|honestly|to be honest|to be fair|tbh|ngl|you know|look|please|for the record"
    r"|just so you know|just to let you know|fyi|remember(?: that)?|note that|sorry|now|today|these days|nowadays|anyway|frankly|in fact|unfortunately|sadly|luckily|thankfully|turns out(?: that)?|(?:the )?thing is|the truth is|fact is|fun fact|as for me|personally"
    r"|don't forget(?: that)?|guess what|correction|update|news|big news|good news|bad news|wow|hmm|um|uh|erm|since then|right now|at the moment|at present|currently|as it happens|as you know|as i (?:said|mentioned|told you)|like i said|i (?:already |just |once )?(?:told you|mentioned|said|meant)(?: that)?"
    r"|you should know(?: that)?|let me tell you(?: that)?|i (?:must|have to|should|gotta) (?:say|admit|confess|mention)(?: that)?|i(?:'m| am) (?:happy|proud|ashamed|sorry|glad) to say(?: that)?|believe it or not|needless to say|of course|obviously|apparently|did you know(?: that)?|it's true(?: that)?|in case you(?:'re| are)? wonder(?:ing|ed)?|cheers|thanks|thank you|morning"
    r"|i also|also|then|plus|because|since|although|though|while|after all|it turns out(?: that)?|before (?:that|this|then|moving here|coming here),?|long story short|nice to meet you|pleased to meet you|at home|at work|at uni|at school|for (?:years|ages|fun|work|now|a living)|over the years|(?:until|till|up to|from|since) [a-z0-9 ]{3,20}?(?= (?:i|we|my)\b)|my (?:[a-z-]+ ){0,2}[a-z-]+ and (?=i\b)|(?:come|in) (?:january|february|march|april|may|june|july|august|september|october|november|december)|every (?:day|morning|evening|night|weekend|week|year|summer|winter|sunday|saturday|monday|tuesday|wednesday|thursday|friday)|(?:most|some) (?:days|mornings|evenings|weekends)"
    r"|(?:on|at) (?:the )?(?:weekends?|sundays?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|most days)(?: mornings?| evenings?| nights?)?|in the (?:mornings?|evenings?|summers?|winters?)|(?:in|since) (?:19|20)\d\d|(?:last|this|next) (?:year|month|week|weekend|summer|winter|spring|autumn|fall|christmas|january|february|march|april|may|june|july|august|september|october|november|december)|[a-z0-9]+ (?:years|months|weeks) ago|ever since (?:the |my )?[a-z]+,?|ever since [a-z ]{3,25},"
    r"|bonjour|salut|coucou|bonsoir|hello|alors|bon|bref|au fait|en fait|d'ailleurs|et|mais|oui|ouais|non|moi|sinon|sache(?: que)?|note que|rappelle-toi que|souviens-toi que|retiens que|n'oublie pas que|pour info|franchement|honnetement|a vrai dire|malheureusement|heureusement|personnellement|ecoute|figure-toi que|tu sais|en plus|du coup|apres"
    r"|(?:mon|ma) (?:[a-z-]+ )?[a-z-]+ et moi,?|ca fait [a-z0-9 ]{3,20} que|depuis que|au printemps|en (?:ete|hiver|automne|janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)|a (?:noel|paques|la toussaint)|desormais|maintenant|aujourd'hui|a la base|avant (?:ca|cela|de venir ici|d'arriver ici),?|a present|en ce moment|actuellement|ces temps-ci|avant|autrefois|il y a [a-z0-9]+ (?:ans|mois)|depuis (?:[a-z0-9]+ (?:ans|mois)|(?:19|20)\d\d|peu|toujours|longtemps)|l'(?:an|annee) (?:dernier|derniere|passee?)|cet (?:ete|automne|hiver)|cette annee|ce (?:printemps|mois-ci|week-end)|l'annee prochaine|le (?:week-?end|dimanche|samedi|lundi|mardi|mercredi|jeudi|vendredi)(?: matin| soir)?"
    r"|tous les (?:jours|matins|soirs|dimanches|samedis|mercredis|week-?ends)|chaque (?:jour|matin|soir|semaine|week-?end|dimanche|ete|annee)|a la maison|dans la vie|de temps en temps|finalement|en realite|comme je (?:te )?l?'?(?:ai dit|disais)|je (?:te )?l?'?(?:rappelle|precise|signale) que|il faut (?:savoir|dire) que|c'est vrai que|enchantee?|desolee?|parce que|puisque|vu que|comme|car|donc|mdr|ptdr|lol|perso)\b[\s,:!–—-]*)"
)
_OPEN = re.compile(r"^[\s\W]+")
_HEAD_NOT = re.compile(
    r"^(?:it|this|that|these|those|he|she|they|you|your|his|her|their|who|what|which|where|when|how|why|there|here|ca|cela|ce|c'|il|elle|ils|elles|tu|vous|ton|ta|tes|votre|son|sa|ses|leur|qui|que|quoi|quel|ceci|not|no|if|pas|si|never|jamais|un peu|my|mon|ma|mes|i|je|j'|and|but|et|mais|we|on)\b"
)
_SUBJECT = re.compile(r"(i have|i've got|i'm|i've|i|we have|we're|we|j'ai|on a|je suis|je|j')\b")
_ELIDED: dict[str, tuple[str, ...]] = {
    "i": ("i ",),
    "i'm": ("i'm ", "i ", "i have "),
    "i've": ("i've ", "i ", "i have "),
    "i have": ("i have ", "i "),
    "i've got": ("i have ",),
    "we": ("we ",),
    "we're": ("we're ",),
    "we have": ("we have ", "we "),
    "j'ai": ("j'ai ", "je ", "j'"),
    "on a": ("on a ",),
    "je suis": ("je suis ", "je ", "j'"),
    "je": ("je ", "j'"),
    "j'": ("j'", "je "),
}
_JOINT = re.compile(r", (?:and |et )?| (?:and|but|et|mais|because|so|parce que) ")
_STUDENT = re.compile(r"\b(?:student|undergraduate|étudiante?)$", re.I)
_TURN = re.compile(r", (?!in |since |from |until |for |en |depuis |jusqu|il y a)| (?:and|but|et|mais) ", re.I)
_MAX_JOINTS = 6
_GREETING_CHARS = 12
_RELATIVE = re.compile(r"\b(?:who|that|which|qui|que|if|whether|si|where)\b")
_INSTEAD = re.compile(
    r"(?:,|,? and|,? et) (?:not|non)(?: pas)? (?:in |to |at |a |au |aux |en |du |de |des )?(?P<v>[^,.;]+)"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    key: str
    pattern: re.Pattern[str]
    how: frozenset[str]
    cut: re.Pattern[str] | None
    relation: str | None


@dataclass(frozen=True, slots=True)
class _Hit:
    """A rule that fits a clause; `shift` is where its text begins in the plain form of the clause."""

    rule: _Rule
    match: re.Match[str]
    clause: Clause
    whole: Plain
    shift: int

    @property
    def relation(self) -> str | None:
        """What the one who is named is to the speaker."""
        if self.rule.relation or not self.match.groupdict().get("k"):
            return self.rule.relation
        start, end = self.whole.span(self.match.start("k") + self.shift, self.match.end("k") + self.shift)
        return self.clause.text[start:end].lower()

    def stretch(self) -> tuple[int, int]:
        """Where the value stands in the plain form, to where it is cut."""
        first, last = self.match.start("v") + self.shift, self.match.end("v") + self.shift
        cut = self.rule.cut.search(self.whole.text[first:last]) if self.rule.cut is not None else None
        return first, first + cut.start() if cut is not None else last

    def values(self, first: int, last: int) -> list[Value]:
        """The values in a stretch of the plain form, as they were written."""
        start, stop = self.whole.span(first, last)
        return fitting(self.rule.key, self.clause.text[start:stop], self.rule.how, self.relation, self.clause.text)

    def begins(self, first: int) -> int:
        """Where what the rule explains begins: with the relation, where there is one ("my sister Anna")."""
        return self.match.start("k") + self.shift if self.match.groupdict().get("k") else first

    def ends(self, value: Value, first: int, last: int) -> int:
        """Where it ends: behind the value."""
        said = self.whole.text[first:last]
        text = plain(value.about.name if value.about is not None else value.text).text
        at = said.find(text)
        return first + at + len(text) if at >= 0 else last


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules made of a message: facts, and how many statements were left out why."""

    found: list[Found]
    refused: dict[str, int]


def _rule(key: str, pattern: str, how: str) -> _Rule:
    words = how.split()
    cuts = next((word.removeprefix("cut=") for word in words if word.startswith("cut=")), None)
    cut = re.compile(rf"(?:\s+|^)(?:{cuts})\b.*", re.S) if cuts else None
    relation = next((word.removeprefix("as=") for word in words if word.startswith("as=")), None)
    return _Rule(key, re.compile(pattern, re.S), frozenset(words), cut, relation)


_RULES = [_rule(*each) for each in (*rules_en.RULES, *rules_fr.RULES)]


def found(
    name: str,
    value: object,
    evidence: str,
    at: datetime | None = None,
    *,
    confirmed: bool,
    gone: bool = False,
    about: Named | None = None,
) -> Found:
    """A fact under its key; category follows from the kind, and when it held from the words around it."""
    past = name in PAST
    held = times.held(_around(evidence, str(value)), at, past=past or gone)
    since, until = (held.since, held.until) if not gone else (None, held.until)
    of_another = KEYS[name].other and not gone and not times.of_a_bond(evidence)
    if of_another or name in {"birthday", "goal", "plan", "travel_plan", "age"}:
        since = until = None
    return Found(
        full_key(name, value),
        KEYS[name].category,
        value,
        evidence,
        confirmed,
        gone,
        speaks_of_change(evidence),
        since,
        until,
        about,
    )


def _around(evidence: str, value: str) -> str:
    """The evidence up to where it turns to something else behind the value: times after that are of that."""
    at = evidence.find(value)
    turn = _TURN.search(evidence, at + len(value)) if at >= 0 else None
    return evidence[: turn.start()] if turn is not None else evidence


def facts(text: str, at: datetime | None = None) -> list[Found]:
    """What the person states of themselves in this message; of two values for one thing the last counts."""
    return read(text, at).found


def read(text: str, at: datetime | None = None) -> Reading:
    """The facts of a message said `at` that time, and what was refused: questions, suppositions, reports, orders."""
    by_key: dict[tuple[str, bool], Found] = {}
    refused: Counter[str] = Counter()
    if len(text) > MAX_CHARS:
        refused["too_long"] += 1
    spoken_of, there = Spoken(), ""
    for clause in clauses(text):
        doubt = clause.doubt
        told = [*_of_clause(clause, at), *_told_later(spoken_of, clause, at), *endings(clause, at, there)]
        there = place_named(clause.text) or there
        if doubt is not None:
            refused.update([doubt] * len(told))
            continue
        for each in _of_the_living(clause, told):
            by_key.pop((each.key, each.gone), None)
            if len(by_key) < _MAX_FACTS:
                by_key[each.key, each.gone] = each
    return Reading(_without_lesser(by_key), dict(refused))


def _of_the_living(clause: Clause, told: list[Found]) -> Iterator[Found]:
    """What is told, without the animals that have died, and without their death for the day a person became a friend."""
    dead = of_the_dead(clause.text)
    for each in told:
        kind = each.key.partition(":")[0]
        if dead and kind in KEYS and KEYS[kind].other and not each.gone:
            if kind != "pet":
                yield replace(each, true_from=None, true_until=None)
        else:
            yield each


def _told_later(spoken_of: Spoken, clause: Clause, at: datetime | None) -> Iterator[Found]:
    """Who is meant by "her name is Luna" is told by who was spoken of before."""
    if (taste := spoken_of.taste(clause)) is not None:
        yield found(*taste, clause.text, at, confirmed=True)
    for meant in spoken_of.meant(clause):
        about = Named(meant.name, meant.kind, meant.relation)
        yield found(meant.key, f"{meant.name} ({meant.relation})", clause.text, at, confirmed=True, about=about)


def _without_lesser(by_key: dict[tuple[str, bool], Found]) -> list[Found]:
    """The facts without those that others of the same message say better: the dog beside his name."""
    kinds = {key.partition(":")[0] for key, gone in by_key if not gone}
    named = {
        each.about.relation for each in by_key.values() if each.about is not None and each.about.relation != each.value
    }
    left = []
    for (key, gone), each in by_key.items():
        name = key.partition(":")[0]
        lesser = name == "marital_status" and "partner" in kinds
        lesser |= (
            name == "job" and bool(_STUDENT.search(str(each.value))) and bool(kinds & {"school", "field_of_study"})
        )
        lesser |= name == "pet" and each.about is not None and each.about.name in named
        lesser |= name == "owns" and any(
            other.key == "home" and other.evidence == each.evidence for other in by_key.values()
        )
        if not lesser or gone:
            left.append(each)
    return left


def _of_clause(clause: Clause, at: datetime | None) -> Iterator[Found]:
    whole = plain(clause.text)
    taken: list[tuple[int, int]] = []
    starts = _starts(whole.text)
    for start in starts:
        yield from _at(clause, whole, start, "", taken, at)
        if taken:
            break
    yield from _coordinated(clause, whole, starts[0], taken, at)


def _coordinated(
    clause: Clause, whole: Plain, head: int, taken: list[tuple[int, int]], at: datetime | None
) -> Iterator[Found]:
    """What follows a comma or an "and": with the subject of the clause where it has none of its own."""
    subject = _SUBJECT.match(whole.text, head)
    if subject is None and _HEAD_NOT.match(whole.text[head:]):
        return
    for joint in list(_JOINT.finditer(whole.text, head))[:_MAX_JOINTS]:
        if _RELATIVE.search(whole.text, head, joint.start()):
            return
        for elided in ("", *((_ELIDED[subject.group(1)]) if subject is not None else ())):
            yield from _at(clause, whole, joint.end(), elided, taken, at)


def _starts(text: str) -> list[int]:
    """Where a statement may begin: behind one lead after the other, the last first."""
    start = len(opened.group()) if (opened := _OPEN.match(text)) else 0
    starts = [start]
    for _ in range(_MAX_LEADS):
        lead = _LEAD.match(text, start)
        if lead is None or lead.end() >= len(text):
            break
        start = lead.end()
        starts.append(start)
    return list(reversed(starts))


def _at(
    clause: Clause, whole: Plain, start: int, elided: str, taken: list[tuple[int, int]], at: datetime | None
) -> Iterator[Found]:
    """What the rules find from one place on; `elided` is a subject that is to be thought there."""
    text, shift = elided + whole.text[start:], start - len(elided)
    for rule in _RULES:
        if "first" in rule.how and not (clause.first and start < _GREETING_CHARS):
            continue
        match = rule.pattern.match(text)
        if match is None or match.start("v") < len(elided):
            continue
        if "head" in rule.how and (elided or _HEAD_NOT.match(match.group("v"))):
            continue
        yield from _by(_Hit(rule, match, clause, whole, shift), taken, at)


def _by(hit: _Hit, taken: list[tuple[int, int]], at: datetime | None) -> Iterator[Found]:
    """What one rule yields of the stretch that it found, unless another rule took that stretch before."""
    first, last = hit.stretch()
    if any(start < last and first < stop for start, stop in taken):
        return
    values = hit.values(first, last)
    gone = "gone" in hit.rule.how
    for value in values:
        right = typed(hit.rule.key, value.text)
        if right is None:
            continue
        taken.append((hit.begins(first), hit.ends(value, first, last)))
        yield found(hit.rule.key, right, hit.clause.text, at, confirmed=True, gone=gone, about=value.about)
    if values and (instead := _INSTEAD.search(hit.whole.text, first)):
        for value in hit.values(*instead.span("v")):
            yield found(hit.rule.key, value.text, hit.clause.text, at, confirmed=True, gone=True)
