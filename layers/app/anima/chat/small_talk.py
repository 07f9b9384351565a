"""How a reply in small talk begins: without saying who speaks, and without what a machine says before it answers. Pure.

Small models begin with "As an AI language model, I don't have feelings, but" though nobody asked what they are, and
refuse help that nobody asked for. Read so that any splitting of the stream gives the same text; nothing is left out
that nothing follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_HELD = 400  # characters of a sentence that does not end
_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s)|\n")
# What a reply may begin with that is looked at; any other goes out word by word.
_LOOKED_AT = (
    *("as a", "en tant qu", "i'm sorry", "i am sorry", "i'm so sorry", "i'm really sorry", "i'm very sorry", "sorry"),
    *("i'm afraid", "i apologi", "i can't ", "i cannot ", "i'm unable", "i am unable", "i'm not able", "unfortunately"),
    *("i'm an ai", "i'm just an ai", "i'm only an ai", "i am an ai", "i am just an ai", "i don't have personal"),
    *("je suis désolé", "je suis vraiment désolé", "je suis navré", "désolé", "navré", "malheureusement"),
    *("je suis une ia", "je ne suis qu", "je m'excuse", "je regrette", "je ne peux pas "),
)
_AN_AI = (
    r"(?:an? (?:(?:large |advanced |virtual |digital |artificial |computer |friendly |helpful )*"
    r"(?:ai|a\.i\.|artificial intelligence|language model|llm|chatbot|assistant|machine|computer program|program|bot)"
    r"\b[^,.!?\n]{0,60})),\s*"
)
_UNE_IA = (
    r"(?:une? )?(?:ia\b|intelligence artificielle|grand modèle|modèle|assistante? (?:virtuel|numérique|ia|intelligent)"
    r"|assistante?\b|programme|chatbot|machine)[^,.!?\n]{0,60},\s*"
)
_MACHINE = re.compile(rf"(?:as {_AN_AI}|en tant (?:que |qu['’]){_UNE_IA})", re.IGNORECASE)
_DISCLAIMS = (
    r"(?:i (?:do(?:n['’]t| not)|can(?:['’]t|not| not)|am (?:not|unable)|have no|lack|may not|might not)\b"
    r"|i['’]m (?:not|unable)\b|je n(?:e |['’])|je suis incapable\b|my (?:responses|knowledge|purpose)\b)"
)
_BUT = r"[,;]?\s+(?:but|however|mais|cependant|toutefois)\b,?\s+"
_DISCLAIMER = re.compile(rf"{_DISCLAIMS}[^.!?\n]{{0,200}}?{_BUT}", re.IGNORECASE)
_CONTRAST = re.compile(_BUT, re.IGNORECASE)
_ONLY_DISCLAIMS = re.compile(_DISCLAIMS, re.IGNORECASE)
_SAYS_AI = re.compile(
    rf"(?:i['’]m|i am) (?:just |only )?an? (?:ai|artificial)\b[^.!?\n]{{0,200}}?{_BUT}"
    rf"|i don['’]t have personal (?:preferences|feelings|emotions|experiences|opinions)\b[^.!?\n]{{0,160}}?{_BUT}"
    rf"|je (?:suis|ne suis qu['’]) ?(?:une? )?(?:ia|intelligence artificielle)\b[^.!?\n]{{0,200}}?{_BUT}",
    re.IGNORECASE,
)
_HELPING = (
    r"(?:assist|help(?! (?:but|myself|\w+ing)\b)|provide|fulfil+|comply|continue with|answer|respond|discuss|engage"
    r"|do that|process)\b"
)
_CANNOT = (
    rf"i(?: am|['’]m)? ?(?:can(?:['’]t|not| not)|(?:won['’]t be |not )?(?:un)?able to)(?: to)?"
    rf" (?:\w+ )?{_HELPING}"
)
_NE_PEUX = (
    r"je ne (?:peux|puis|pourrai|pourrais|suis pas en mesure de|suis pas capable de) ?(?:pas )?(?:\w+ |\w['’]){0,3}"
    r"(?:aider|assister|répondre|fournir|continuer|discuter|accéder|satisfaire|faire (?:ça|cela)|donner suite|traiter"
    r"|parler de)\b"
)
_REFUSAL = re.compile(
    rf"(?:(?:i['’]m |i am )?(?:so |very |really |truly )?(?:sorry|afraid)|i apologi[sz]e|unfortunately)?"
    rf"[,;]?\s*(?:but |that )?(?:as {_AN_AI})?{_CANNOT}"
    rf"|(?:je suis |je m['’]excuse|je regrette)?(?:vraiment |sincèrement )?(?:désolée?|navrée?|malheureusement)?"
    rf"[,;]?\s*(?:mais )?(?:en tant (?:que |qu['’]){_UNE_IA})?{_NE_PEUX}",
    re.IGNORECASE,
)
_SORRY_FOR = re.compile(
    rf"(?P<kept>(?:i['’]m|i am) (?:so |very |really |truly )?sorry (?:to hear|for|about|that)\b[^,.!?\n]{{0,120}}),\s*"
    rf"but {_CANNOT}"
    rf"|(?P<garde>je suis (?:vraiment |sincèrement )?désolée? (?:d['’]|de |pour |que )[^,.!?\n]{{0,120}}),\s*"
    rf"mais {_NE_PEUX}",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"[^\n]*\b(?:(?:any|some)thing else|other (?:questions?|topics?|requests?)|(?:how|what) (?:else )?can i"
    r" (?:help|assist)|autre chose|autres? (?:questions?|sujets?|demandes?))\b[^\n]*\Z",
    re.IGNORECASE,
)
_HOWEVER = re.compile(
    r"(?:however|but|that said|nevertheless|cependant|toutefois|néanmoins|mais)\b,?\s+(?=\S)", re.IGNORECASE
)
_AS_SOMEBODY = re.compile(r"(?:as|en tant que|en tant qu['’])\s*([^,.!?\n]{1,80}),\s+(?=\S)", re.IGNORECASE)
_OF_ITS_NATURE = re.compile(
    r"\b(?:ai|a\.i\.|ia|bots?|chatbots?|robots?|machines?|humans?|humaine?s?|artificial\w*|artificiel\w*"
    r"|language models?|modèles?|chatgpt|gpt|llms?|algorithme?s?|program(?:me|med)?|conscious\w*|sentient|alive"
    r"|consciente?|vivante?|are you real|es[- ]tu réel\w*|(?:what|who) are you"
    r"|(?:qu['’]es|qui es|c['’]est quoi)[- ]tu)\b"
    r"|\b(?:you|tu|vous|as-tu)\b.{0,30}\b(?:feelings?|emotions?|soul|body|sentiments?|émotions?|âme|corps)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:please|pls|could you|can you|would you|s['’]il (?:te|vous) pla[iî]t|stp|svp|peux[- ]tu|pourrais[- ]tu|how to"
    r"|i (?:want|need|wish|would like|wanna)|i['’]d like|je (?:veux|voudrais|souhaite)|j['’]ai besoin|aide[- ]moi"
    r"|let['’]s)\b|(?:\A|[.!?,;:]\s+)(?:write|make|do|help|give|create|generate|pretend|act|play|say|send|call|translate|build|draw"
    r"|continue|stop|go|try|read|teach|suggest|recommend|choose|fais|écris|donne|aide|joue|dessine|traduis|crée|lis)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Beginning:
    """Lets a reply through without such a beginning; `name` is the avatar's, `None` lets everything through.

    `statement`: the person neither asked nor wanted anything, so that a refusal makes no sense.
    """

    name: str | None = None
    statement: bool = False
    _held: str = ""
    _left_out: str = ""
    _over: bool = False
    _names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._over = self.name is None
        whole = " ".join((self.name or "").split()).casefold()
        self._names = tuple(name for name in (whole, whole.split(" ")[0]) if name)

    def feed(self, text: str) -> str:
        """What can be shown now."""
        self._held += text
        while not self._over and (end := self._sentence()):
            self._read(end)
        return self._take() if self._over else ""

    def rest(self) -> str:
        """What was held back, at the end; what was left out too, where nothing follows it."""
        while not self._over and self._held.strip():
            self._read(self._sentence() or len(self._held))
        if not self._over:
            self._held = self._left_out + self._held
        self._over = True
        return self._take()

    def _take(self) -> str:
        ready, self._held = self._held, ""
        return ready

    def _sentence(self) -> int:
        """Where the sentence ends that is to be looked at; 0 where that cannot be told yet, or none is."""
        bare = self._held.lstrip()
        if self._left_out:
            self._left_out += self._held[: len(self._held) - len(bare)]
        self._held = bare
        if bare and not self._left_out and not self._looked_at():
            self._over = True
            return 0
        found = _END.search(bare[: _MOST_HELD + 1])
        return found.end() if found else _MOST_HELD if len(bare) > _MOST_HELD else 0

    def _looked_at(self) -> bool:
        begins = self._held[:_MOST_HELD].replace("’", "'").casefold()
        known = (*_LOOKED_AT, *(f"as {name}," for name in self._names))
        return any(one.startswith(begins) or begins.startswith(one) for one in known)

    def _read(self, end: int) -> None:
        """Leaves the sentence out, or lets it and all that follows through."""
        if self._over:
            return
        sentence, after = self._held[:end], self._held[end:]
        if self._goes(sentence):
            self._left_out += self._without_role(sentence)
            self._held = after
            return
        kept = self._without_role(sentence)
        if self._left_out:
            kept = _capital(_HOWEVER.sub("", kept, count=1))
        self._held, self._over = kept + after, True

    def _goes(self, sentence: str) -> bool:
        """Whether nothing is lost without the sentence, where another follows it."""
        said = self._without_role(sentence)
        if said != sentence and _MACHINE.match(sentence) and _ONLY_DISCLAIMS.match(said):
            return True
        if self._left_out and _OFFER.match(sentence):
            return True
        return self.statement and _REFUSAL.match(sentence) is not None and said == sentence

    def _without_role(self, sentence: str) -> str:
        """The sentence without who speaks, what a machine has not, and what is refused; whole where that is all."""
        kept = self._as_nobody(sentence)
        if self.statement and (pity := _SORRY_FOR.match(kept)):
            blank = kept[len(kept.rstrip()) :]
            return f"{pity['kept'] or pity['garde']}.{blank}"
        refused = _REFUSAL.match(kept) if self.statement else None
        if refused and (but := _CONTRAST.search(kept, refused.end())):
            kept = kept[but.end() :]
        return sentence if kept == sentence or not kept.strip() else _capital(kept)

    def _as_nobody(self, sentence: str) -> str:
        if machine := _MACHINE.match(sentence):
            kept = sentence[machine.end() :]
            disclaimer = _DISCLAIMER.match(kept)
            return kept[disclaimer.end() :] if disclaimer else kept
        if claimed := _SAYS_AI.match(sentence):
            return sentence[claimed.end() :]
        named = _AS_SOMEBODY.match(sentence)
        return sentence[named.end() :] if named and named[1].casefold() in self._names else sentence


def of_its_nature(text: str) -> bool:
    """Whether the person speaks of what answers: then it says what it is."""
    return _OF_ITS_NATURE.search(text) is not None


def is_request(text: str) -> bool:
    """Whether something is wanted that may be refused."""
    return _REQUEST.search(text) is not None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
