"""The gate: code, not the model, decides whether what was recalled or found answers what is asked. Pure.

Small models do not admit ignorance by themselves; so where a question about the person or a document finds
nothing that answers it, the model is told that it does not know, and nothing else is put before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from anima.chat.model import Passage, sentences, shortened
from anima.gateway.model import estimate_tokens
from anima.kernel.terms import Question, coverage, terms
from anima.knowledge.search_model import Hit
from anima.memory import keys
from anima.memory.model import Memory, root

Kind = Literal["talk", "said", "known", "unknown", "open"]

MAX_MEMORIES = 4
_SIMILAR = 0.45
_RATHER_SIMILAR = 0.3
_FAINTLY_SIMILAR = 0.15
_MENTIONED = 0.5
_RATHER_MENTIONED = 0.25
_PERSON_SIMILAR = 0.3  # what a person said of themselves, asked for by themselves
_CHARS_A_TOKEN = 3  # of an excerpt that must be cut within its only sentence
_GOES_ALONG = 0.2
_MOST_BESIDE = 3
_CLOSE_TALK = 0.5  # what is brought up though nobody asked must fit well

_ASKING = re.compile(
    r"^\W*(?:(?:and|so|but|well|hey|ok(?:ay)?|please|now|et|mais|alors|dis)\W+)*"
    r"(?:what|who|whom|whose|where|when|why|how|which|is|are|am|was|were|do|does|did|can|could|will|would|should"
    r"|has|have|had|tell|remind|summari[sz]e|explain|describe|list|name|find|show|give"
    r"|qui|que|quoi|quels?|quelles?|où|quand|comment|pourquoi|combien|est-ce|qu['’]|as-tu|sais-tu|peux-tu|connais-tu"
    r"|te souviens|rappelle|résume|explique|décris|liste|cite|trouve|montre|donne|dis-moi)\b",
    re.IGNORECASE,
)
_FAVOUR = re.compile(
    r"\b(?:tell|give|show|help|let|teach|bring|send|write|explain to|dis|donne|montre|aide|explique|raconte)[ -]"
    r"(?:me|moi|us|nous)\b|\b(?:can|could|may|would|should|must) (?:i|we)\b|\bhow (?:do|does|did|to) (?:i|we)\b"
    r"|\bwhat (?:do|should|can) i (?:do|say)\b|\b(?:puis|dois|peux)[- ]je\b|p(?:eux|ourrais)(?:[- ]tu)? m(?:e |['’])",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|ours|je|j['’]|moi|mon|ma|mes|nous|notre|nos|m['’])\b|\bj['’]|\bm['’]"
    r"|\b(?:te souviens|remember|rappelle)\b",
    re.IGNORECASE,
)
_OF_AVATAR = re.compile(r"\b(?:you|your|yours|yourself|tu|toi|ton|ta|tes|vous|votre|vos)\b|\bt['’]", re.IGNORECASE)
_OF_DOCUMENT = re.compile(
    r"\b(?:documents?|files?|papers?|articles?|reports?|letters?|contracts?|pages?|passages?|chapters?|notes|pdf"
    r"|manual|spreadsheet|fichiers?|textes?|rapports?|lettres?|contrats?|chapitres?|uploaded|attached"
    r"|according to|selon|d['’]après)\b|(?<![\w-])[\w-]++\.(?:txt|md|pdf|html?|docx?)\b",
    re.IGNORECASE,
)
# What was told at a time that the question names: its few words stand in no answer, the time chooses.
_WHAT_WAS_TOLD = re.compile(
    r"\bwhat (?:did|have|had) (?:i|we) (?:\w+ )?"
    r"(?:tell|told|say|said|talk|talked|mention|mentioned|speak|spoken|discuss|discussed)\b"
    r"|\b(?:que|quoi|qu['’]est-ce que?) (?:je |on |nous )?(?:t['’]|te |se )?(?:ai|a|avons|avais|avions)[- ]?"
    r"(?:je |on |nous )?(?:dit|parlé|raconté)\b",
    re.IGNORECASE,
)
_THEN = 0.999  # of the score "time": within what the question names
# Who or what of the person's: an answer about one of these is none about another.
_NEAREST = [
    frozenset(group.split())
    for group in (
        "brother brothers bro frère frères; sister sisters sis sœur sœurs soeur soeurs; "
        "mother mum mom mama maman mère; father dad papa père; son sons fils; daughter daughters fille filles; "
        "wife femme épouse; husband mari époux; uncle oncle; aunt tante; cousin cousins cousine; "
        "grandmother grandma granny grand-mère mamie; grandfather grandpa grand-père papi; "
        "boss manager chef patron; dog dogs puppy chien chiens chienne; cat cats kitten chat chats chatte"
    ).split(";")
]
_ADDRESSED = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|above|previous|earlier|prior)\b"
    r"|\b(?:system prompt|as an? (?:ai|assistant|language model)|language model|chatbot)\b"
    r"|\b(?:dear |hey |hello )?(?:assistant|ai)\b\s*[,:]"
    r"|\byou (?:are|must|should|will|shall|need to|have to)\b.{0,40}\b(?:now|always|never|answer|respond|reply|say|tell"
    r"|pretend|assistant|reveal|output)\b"
    r"|^\W*(?:please\s+)?(?:answer|respond|reply|say|output|print|repeat|pretend|reveal|write)\b.{0,40}"
    r"\b(?:with|only|every|user|question|following|instead|that|as)\b"
    r"|\b(?:ignore[rz]?|oublie[rz]?)\b.{0,40}\b(?:instructions?|consignes?|règles|précédent\w*)\b"
    r"|\b(?:tu dois|vous devez|réponds|répondez)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model is given, and what it is told of it.

    talk: nothing is asked, or something of the avatar itself. said: the conversation above answers. known: what is
    chosen answers. unknown: it is about the person or a document, and nothing answers. open: it may be answered
    from what everybody knows. `personal`: the person asks about themselves;
    `said`: the words above that answer. `hints` are conclusions; `aside` may be brought up, as `told` says.
    """

    kind: Kind
    memories: list[Memory] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    personal: bool = False
    said: str = ""
    hints: list[Memory] = field(default_factory=list)
    aside: Any = None
    told: str = ""


def is_question(text: str) -> bool:
    """Whether something is asked: by its mark, or by how its last sentence begins (English, French)."""
    told = [sentence for sentence in sentences(text) if sentence.strip()]
    if not told:
        return False
    if "?" in told[-1] or "？" in told[-1]:
        return True
    return any(_ASKING.search(sentence) and not sentence.rstrip().endswith("!") for sentence in told[-2:])


def is_personal(text: str) -> bool:
    """Whether a question is about the person who asks, and not just polite or about how something is done."""
    return _PERSONAL.search(_FAVOUR.sub(" ", text)) is not None


def is_of_document(text: str) -> bool:
    """Whether a question names a document."""
    return _OF_DOCUMENT.search(text) is not None


def clean(passage: str) -> str:
    """A passage without the sentences that address the assistant: they are no part of what it says."""
    return "".join(part for part in sentences(passage) if not _ADDRESSED.search(part)).strip()


def decide(
    question: Question,
    memories: Sequence[Memory],
    hits: Sequence[Hit],
    history: Mapping[int, str],
    *,
    passages: int,
) -> Decision:
    """Chooses what goes before the model; at most `passages` of the hits.

    `history` is what the person said before in this conversation, by message, which the model sees anyway.
    """
    text = question.text
    memories, beside = _beside(text, memories)
    if not is_question(text):
        near = [memory for memory in memories if _comes_to_mind(memory, question, history)]
        return Decision("talk", [*near[:2], *beside])
    personal, of_document = is_personal(text), is_of_document(text)
    told = _Told(personal, keys.asked_speaker(text), _near_ones(text))
    then = _WHAT_WAS_TOLD.search(text) is not None
    answering = [memory for memory in memories if told.answers(memory) or (then and _of_then(memory))]
    remembered = _current(answering)
    if remembered:
        lines = {one.source.message_id for one in remembered if one.kind == "fact"}  # raw words say it best
        remembered += [one for one in memories if one not in answering and told.goes_along(one, lines)]
    remembered = remembered[:MAX_MEMORIES]
    if keys.asks_for_all(text) and (kept := [memory for memory in memories if memory.kind == "fact"]):
        return Decision("known", kept[:MAX_MEMORIES], [], personal=True)
    found = _offered([hit for hit in hits if _holds(hit, question, personal and not of_document)], passages)
    if of_document and found:
        remembered = remembered[:1]
    elif personal and remembered and _certain(remembered[0]):
        found = found[:1]
    if remembered or found:
        return Decision("known", [*remembered, *beside][:MAX_MEMORIES], found, personal and bool(remembered))
    newest_first = reversed(list(history.values()))
    above = max(newest_first, key=lambda said: coverage(question, said), default="")
    if coverage(question, above) >= _MENTIONED:
        return Decision("said", personal=personal, said=above)
    kind = _without(question, personal, of_document)
    return Decision(kind, [] if kind == "unknown" else beside, personal=personal)


def _beside(text: str, memories: Sequence[Memory]) -> tuple[list[Memory], list[Memory]]:
    """The memories without the facts that only come to mind with what is talked of, and those of them that fit."""
    only = keys.occasion_keys(text) - keys.asked_keys(text)
    rest = [one for one in memories if one.kind != "fact" or root(one.key) not in only]
    fit = [one for one in memories if one not in rest and (":" not in one.key or _fits(one))]
    return rest, fit[:_MOST_BESIDE]


def _fits(memory: Memory) -> bool:
    """Allergies always; of what is disliked, what is somewhat like what is talked of."""
    return root(memory.key) != "dislikes" or _similarity(memory) >= _FAINTLY_SIMILAR / 2


def _current(memories: Sequence[Memory]) -> list[Memory]:
    """Without what was said before the one fact that is asked for ("I live in Bristol", where it is Oslo by now)."""
    facts = [one for one in memories if one.kind == "fact" and one.scores["asked"] == 1.0 and ":" not in one.key]
    since = max((one.source.date for one in facts), default=None)
    return [one for one in memories if since is None or one.kind != "message" or one.source.date >= since]


def _without(question: Question, personal: bool, of_document: bool) -> Kind:
    """What a question is to which nothing was found."""
    if not question.terms:
        return "talk"
    if personal or of_document:
        return "unknown"
    return "talk" if _OF_AVATAR.search(question.text) else "open"


def _comes_to_mind(memory: Memory, question: Question, history: Mapping[int, str]) -> bool:
    """Whether something may be brought up though nobody asked: what is very like it, and a fact of what is named."""
    if memory.source.message_id in history or _only_asks(memory):
        return False
    of_what = terms(memory.key.partition(":")[2].replace("-", " "))
    return _similarity(memory) >= _CLOSE_TALK or (bool(of_what) and set(of_what) <= set(question.terms))


def _only_asks(memory: Memory) -> bool:
    return memory.kind == "message" and memory.text.rstrip().endswith("?") and len(sentences(memory.text)) == 1


def _certain(memory: Memory) -> bool:
    return memory.scores["asked"] == 1.0 or memory.scores["coverage"] >= _MENTIONED


def _similarity(memory: Memory) -> float:
    """How near a memory is to the question, above what any sentence of that language is."""
    return memory.scores.get("similarity", memory.scores["cosine"])


@dataclass(frozen=True, slots=True)
class _Told:
    """What is asked of memories: about the person, whose words, and of whom of theirs."""

    personal: bool
    speaker: str | None
    near_ones: list[frozenset[str]]

    def goes_along(self, memory: Memory, lines: Collection[int | None]) -> bool:
        """Whether a memory is told beside those that answer: what is like them, and the lines that they come from."""
        of_them = memory.kind == "message" and memory.source.message_id in lines
        return self._may(memory) and (of_them or _similarity(memory) >= _GOES_ALONG)

    def _may(self, memory: Memory) -> bool:
        if _only_asks(memory) or (memory.source.speaker == "assistant" and self.speaker != "assistant"):
            return False
        words = _words(memory.text)
        if memory.kind == "fact" and memory.scores["asked"] == 1.0 and all(map(words.isdisjoint, _NEAREST)):
            return True  # a labrador, which is not said to be a dog
        return not any(words.isdisjoint(group) for group in self.near_ones)

    def answers(self, memory: Memory) -> bool:
        """Whether a memory can be an answer: by its words or its meaning, out of the right mouth, of the right one."""
        if not self._may(memory):
            return False
        if _certain(memory) or _similarity(memory) >= (_PERSON_SIMILAR if self.personal else _SIMILAR):
            return True
        return memory.scores["coverage"] >= _RATHER_MENTIONED and _similarity(memory) >= _FAINTLY_SIMILAR


def _of_then(memory: Memory) -> bool:
    """Whether the person told it at the time that is asked of."""
    return memory.source.speaker == "user" and memory.scores.get("time", 0.0) >= _THEN and not _only_asks(memory)


def _near_ones(text: str) -> list[frozenset[str]]:
    words = _words(text)
    return [group for group in _NEAREST if not words.isdisjoint(group)]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+(?:-[^\W_]+)*", text.casefold()))


def _holds(hit: Hit, question: Question, strict: bool) -> bool:
    """Whether a passage can be an answer; `strict` for questions about the person, which documents seldom answer."""
    share, near = coverage(question, hit.text), hit.vector or 0.0
    if strict:
        return share >= 0.6 and near >= _RATHER_SIMILAR
    if near >= _SIMILAR or share >= _MENTIONED:
        return True
    return share >= _RATHER_MENTIONED and near >= _RATHER_SIMILAR


def _offered(hits: Sequence[Hit], limit: int) -> list[Passage]:
    """The best of the hits as numbered passages, without what addresses the assistant."""
    cleaned = [(hit, clean(hit.text)) for hit in hits]
    kept = [(hit, text) for hit, text in cleaned if text][:limit]
    return [
        Passage(number, hit.chunk_id, hit.document_id, hit.title, hit.source_uri, hit.location, text)
        for number, (hit, text) in enumerate(kept, 1)
    ]


def excerpt(text: str, question: Question, tokens: int) -> str:
    """At most about `tokens` of a text: its sentence that has most of the question, with its neighbours."""
    if estimate_tokens(text) <= tokens:
        return text
    parts = sentences(text)
    best = max(range(len(parts)), key=lambda number: (coverage(question, parts[number]), -number))
    first, last = best, best
    room = tokens - estimate_tokens(parts[best])
    while room > 0:
        after = estimate_tokens(parts[last + 1]) if last + 1 < len(parts) else room + 1
        before = estimate_tokens(parts[first - 1]) if first > 0 else room + 1
        if after <= room:
            last, room = last + 1, room - after
        elif before <= room:
            first, room = first - 1, room - before
        else:
            break
    cut = "".join(parts[first : last + 1]).strip()
    return cut if estimate_tokens(cut) <= tokens else shortened(cut, tokens * _CHARS_A_TOKEN)
