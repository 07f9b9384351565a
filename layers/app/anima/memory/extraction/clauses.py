"""A message in clauses: the person's own words, without quotations, each with what speaks against believing it."""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anima.kernel.terms import fold

MAX_CHARS = 20_000
"""What is read of a message: who pastes more than that does not speak of themselves."""
MAX_CLAUSES = 200
_MAX_CLAUSE_CHARS = 400

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.M)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^“”\n]*”|«[^«»\n]*»|‹[^‹›\n]*›|„[^„“\n]*“")
_WORK = (
    r"translate|proofread|correct|rewrite|rephrase|reword|paraphrase|summari[sz]e|summary|edit|improve|polish|continue|complete|draft|write|compose|repeat|analy[sz]e|check|review|reply|respond|answer|explain|say|classify|extract|spell-?check|fix"
    r"|e-?mail|letter|article|text|quote|lyrics|story|passage|paragraph|sentence|example|e\.g\.|for instance|caption|dialogue|transcript|note reads|letter reads|sign says|subject|prompt|essay|poem|bio|review|message from|he wrote|she wrote|wrote"
    r"|traduis|traduire|traduction|corrige|corriger|reformule|reecris|resume|complete|continue|redige|ecris|repete|analyse|relis|verifie|ameliore|reponds|dis|phrase|texte|extrait|courriel|mail|lettre|paroles|exemple|dialogue|citation|consigne|classe"
)
_TASK = re.compile(rf"(?:^|(?<=[.!?\n]))[^:.!?\n]{{0,100}}\b(?:{_WORK})\b[^:.!?\n]{{0,100}}(?::|\n)(?=\s)", re.I)
_SENTENCE = re.compile(r"[^.!?;…\n]+(?:\.(?=\d)[^.!?;…\n]*)*[.!?;…]*")
_FIRST = r"(?:i|i'm|im|i've|ive|i'd|i'll|my|we|we're|we've|our|je|j'\w+|jai|jsuis|jhabite|jaime|jadore|chuis|mon|ma|mes|moi|nous|notre|nos|on (?:a|est|va|habite|vit|part|vivait|habitait|adore))\b"
_WHO = rf"(?:(?:now|then|today|(?:this|next|last) [a-z]+|since (?:last )?[a-z]+|in [a-z]+|cet(?:te)? [a-zé]+|en [a-zéû]+|depuis [a-zé]+|maintenant|aujourd'hui|depuis|ensuite|actuellement) )?{_FIRST}"
_OTHERS_SAY = r"(?:(?:everybody|everyone|most people|people|friends|tout le monde|les gens) (?:call|calls|says?|m'appelle|dit)\b|call me\b|appelle-moi\b|dis-moi\b|please call\b)"
_SPLIT = re.compile(
    rf"(?: ?,)? (?:and|but|so|because|though|although|while|plus|whereas|cos|cuz|'cause|et|mais|donc|car|puis|parce que|alors que|sinon|however) (?={_WHO}|{_OTHERS_SAY})"
    rf"| ?, ?(?={_WHO}|{_OTHERS_SAY})| [-–—] | ?: (?={_FIRST})| (?=btw\b)| ?\(|\)"
    r"| ?, ?(?=(?:do|did|are|is|isn't|can|could|what|how|which|would|any idea|right|where|est-ce|tu|peux|connais|quels?|quelles?|comment|et toi|need|d'ou)\b)",
    re.I,
)
_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|im|i've|ive|i'd|my|me|mine|myself|we|we're|we've|our|us|je|j'\w+|jai|jsuis|jhabite|jaime|jadore|chuis|mon|ma|mes|moi|m'\w+|me|mien|mienne|nous|notre|nos|on)\b",
    re.I,
)
_SUPPOSED = re.compile(
    r"\b(?:if i(?! (?:touch|eat|drink|even smell|so much as|go near|see)\b)|if my|if only|i wish|imagine|suppose|supposing|what if|as if|would be|might|maybe|perhaps|probably|possibly|i guess|i think i'm|i may|unless|just kidding|jk|not really|je plaisante|je rigole"
    r"|si j'\w+|si je|si mon|si ma|imagine|imaginons|supposons|peut-être|peut-etre|serais|aurais|j'aurais aimé|admettons|sans doute|je crois que|probablement|je pense que)\b",
    re.I,
)
# From here on the message is a game, a story, or an order to the one who reads it.
_PRETENCE = re.compile(
    r"\b(?:(?:let's |let us )?(?:pretend|role-?play)(?:ing)?|act (?:as|like)|imagine (?:that )?(?:i|you|we|my)|let's (?:say|imagine|assume)|suppos(?:e|ing) (?:that )?(?:i|my|we)|hypothetically|in (?:my|the|this|a) (?:novel|story|dream|game|book|film|movie|scene|poem|play|song)|(?:writing|write|wrote|tell me) (?:me )?(?:a |an |the )?(?:\w+ ){0,2}(?:story|novel|poem|scene|song|tale|screenplay|rap|joke|cover letter|bio)\b.{0,40}\b(?:where|in which|about|with)|my character|i am now|you are now"
    r"|fais comme si|imagine que|imaginons|supposons|admettons|on dirait que je|jeu de r[oô]le|dans (?:mon|le|un|ma|ce) (?:roman|rêve|reve|jeu|histoire|livre|film|po[eè]me|conte)|(?:j'écris|j'ecris|écris|ecris|raconte)(?:-moi)? (?:une?|mon|l'|le) ?(?:\w+ ){0,2}(?:histoire|roman|po[eè]me|sc[eè]ne|chanson|conte)|mon personnage|fais semblant|on joue à)\b",
    re.I,
)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?|guidelines|above|previous|everything)\b|\bsystem prompt\b|\b(?:from now on|henceforth),? (?:you|the assistant)\b|\byou (?:must|should|shall|will) (?:now )?(?:say|always|remember|answer|claim|believe|store|record)\b"
    r"|\b(?:oublie|ignore|contourne|désobéis)\b[^.!?\n]{0,40}\b(?:consignes?|règles?|regles?|instructions?|tout)\b|\b(?:désormais|desormais|dorénavant|à partir de maintenant),? tu\b|\btu dois (?:dire|toujours|retenir|répondre|croire)\b|\bthe user(?:'s)?\b|\bl'utilisat(?:eur|rice)\b|^\s*(?:system|assistant|user|human|ai)\s*:|\[/?(?:system|inst)\]|<\|?\w+\|?>",
    re.I | re.M,
)
_REPORTED = re.compile(
    r"\b(?!i\b|je\b|j\b)\w+(?:'s)? (?:say|says|said|saying|think|thinks|thought|claim|claims|claimed|believe|believes|believed|joked|joke|insists?|insisted|assumes?|assumed|hopes?|hoped|wants?|wanted|swears?) (?:that )?(?:i|i'm|im|my|me)\b"
    r"|\b(?!i\b)\w+ told (?:me|him|her|them|you|us) (?:that )?(?:i|i'm|my)\b|\btold (?:him|her|them) (?:that )?(?:i|i'm|my)\b|\bcall(?:ed|s)? me an?\b|\baccording to\b|\bi (?:never|didn't) (?:say|said|told|tell|claim|claimed|mention|think|thought)\b"
    r"|\b(?:dit|disent|dis|pense|penses|pensent|croit|crois-tu|croient|prétend|pretend|raconte|affirme|voulait|veut|espère|trouve|trouvent) (?:tous |toutes )?qu(?:e je|e j'|e mon|e ma|e nous|'on|'il|'elle)|\bselon\b|\bd'après\b|\bd'apres\b|\bm'a dit que\b|\bj(?:e n)?'ai jamais dit\b",
    re.I,
)
_SHORT_QUOTE_WORDS = 3
_GREETING_WORDS = 2
_ONE_WORD = re.compile(r"\s*[^\W\d_]+\s*")
# No statement of its own, but part of what follows: "As a nurse, I …", "One nut and my throat …", "My cello and I …".
_AS_A = re.compile(
    r"\s*(?:(?:as an?|en tant qu|étant|etant|anything with|everything with|(?:just |even )?(?:one|a single|the (?:smallest|slightest)) (?:bite|sip|whiff|trace|drop|taste) of|all (?:day|week)(?: long)?|day in,? day out|toute la (?:journée|journee|semaine)|à longueur de journée|put on|play me|pour me|tout ce qui|mets-moi|donne-moi|sers-moi|joue-moi|un plat avec)\b|(?:my|our|mon|ma|notre|(?:just |even |juste |meme )?(?:one|une?|a single|une seule|un seul)) [^\W\d_]+(?: and| et)? *$)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message with one statement, as it was written."""

    text: str
    question: bool
    supposed: bool
    reported: bool
    ordered: bool = False
    """Whether the message has begun to instruct its reader, as injected text does."""
    first: bool = False
    """Whether it is where the message begins."""

    @property
    def plain(self) -> str:
        """The text with straight apostrophes, of the same length."""
        return straight(self.text)

    @property
    def first_person(self) -> bool:
        """Whether the speaker speaks of themselves."""
        return _FIRST_PERSON.search(self.plain) is not None

    @property
    def states(self) -> bool:
        """Whether it states something, in the person's own name."""
        return not (self.question or self.supposed or self.reported or self.ordered)

    @property
    def believable(self) -> bool:
        """Whether it states something of the person, in their own name."""
        return self.states and self.first_person

    @property
    def doubt(self) -> str | None:
        """Why it does not count."""
        for reason in ("question", "ordered", "supposed", "reported"):
            if getattr(self, reason):
                return reason
        return None


def straight(text: str) -> str:
    """Typographic apostrophes as straight ones; no character more or less."""
    return text.replace("’", "'").replace("‘", "'").replace("ʼ", "'")


def own_words(text: str) -> str:
    """The message without code, quoted lines, quotations, and what is handed over to be worked on; blanked, not cut."""

    def blank(found: re.Match[str]) -> str:
        return " " * len(found.group())

    def blank_long(found: re.Match[str]) -> str:
        inside = found.group()
        return (
            blank(found)
            if len(inside.split()) > _SHORT_QUOTE_WORDS or _FIRST_PERSON.search(straight(inside))
            else inside
        )

    bare = _QUOTED.sub(blank_long, _QUOTED_LINE.sub(blank, _CODE.sub(blank, text[:MAX_CHARS])))
    task = _TASK.search(_unaccented(bare))
    if task is None:
        return bare
    return bare[: task.end()] + re.sub(r"[^\n]", " ", bare[task.end() :])


def _unaccented(text: str) -> str:
    """Letters without accents, of the same length."""
    return "".join(folded if len(folded := fold(each)) == 1 else each for each in text) if not text.isascii() else text


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a person's own words, in order; of an endless message its beginning."""
    told = 0
    pretended = ordered = begun = False
    for sentence in _SENTENCE.findall(own_words(text)):
        plain = straight(sentence)
        ordered = ordered or _ORDER.search(plain) is not None
        pretended = pretended or _PRETENCE.search(plain) is not None
        question, reported = plain.rstrip().endswith("?"), _REPORTED.search(plain) is not None
        for start, end in _parts(plain):
            part = sentence[start:end]
            if stripped := part.strip(" \t,.!;…")[:_MAX_CLAUSE_CHARS]:
                supposed = pretended or _SUPPOSED.search(straight(stripped)) is not None
                yield Clause(stripped, question and end == len(sentence), supposed, reported, ordered, not begun)
                told, begun = told + 1, begun or len(stripped.split()) > _GREETING_WORDS
                if told >= MAX_CLAUSES:
                    return


def _parts(sentence: str) -> Iterator[tuple[int, int]]:
    """Where the clauses of a sentence lie."""
    start = 0
    for found in _SPLIT.finditer(sentence):
        before = sentence[start : found.start()]
        if _AS_A.match(before) or (_ONE_WORD.fullmatch(before) and found.group().strip(" ,") in {"and", "et"}):
            continue
        yield start, found.start()
        start = found.end()
    yield start, len(sentence)


def speaks_of_self(text: str) -> bool:
    """Whether anything in the message is worth asking a model about: a statement in the first person."""
    return any(clause.believable for clause in clauses(text))


_CHANGE = re.compile(
    r"\b(?:now|no longer|any ?more|moved|new|these days|nowadays|just (?:started|became|got|turned)|recently|switched|changed|became|used to|instead|actually|anymore|scrap|forget|finally"
    r"|maintenant|désormais|ne \w+ plus|n'\w+ plus|nouve(?:au|lle)|déménagé|emménagé|récemment|devenue?|viens de|changé|finalement|plutôt|passée? (?:à|au|chez)|fini)\b",
    re.I,
)


def speaks_of_change(text: str) -> bool:
    """Whether something is said to be otherwise than before."""
    return _CHANGE.search(straight(text)) is not None
