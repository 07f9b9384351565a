"""What a message says of the avatar: whether it is spoken to, whether its answer was right, what of it it need not feel.

Pure.
"""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
from collections.abc import Sequence

from anima.kernel.terms import Language

_GOOD: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:that|this|it) (?:\w+ )?(?:helped|helps|works|worked|makes sense|did the trick)\b"
        r"|^(?:\w+ ){0,2}exactly\b|\bspot on\b|\b(?:yep|yes|yeah|yup|ok|ah)? ?,? ?thats (?:right|correct|it|perfect|helpful|useful|the one|better|great advice|good advice)\b"
        r"|(?<!not )(?<!nt )\b(?:just |exactly )what i (?:was looking for|was after|needed to know|wanted|meant|asked for)\b"
        r"|\b(?:clearly|well|nicely|beautifully) (?:explained|put|said|written)\b|\bgood (?:answer|point|idea|explanation|advice|tip|suggestion|catch)\b"
        r"|\byoure (?:so |absolutely |totally |quite )?right\b|\b(?:very|so|really|super|most) (?:helpful|useful|clear)\b|\bgot it(?: now)?,? (?:thanks|thank you|thx|cheers)\b"
        r"|\b(?:thanks|thank you|thx|cheers)\b.{0,40}\b(?:helpful|help|explain\w*|answer\w*|advice|clear\w*|perfect|sense|worked|tip)\b|\b(?:perfect|great|brilliant|excellent|lovely)\W+(?:thanks|thank you|thx|ta|cheers)\b"
        r"|\b(?:great|good|nice|brilliant|excellent|amazing|perfect|best) (?:answer|explanation|summary|suggestion|recipe|reply)\b|\byou (?:nailed|solved|fixed|figured) it\b|\bcorrect\b(?=\W*$)|^(?:perfect|correct|bingo|right)\W*$|\bmuch (?:better|clearer)(?: now)?\W+(?:thanks|thank you)\b|\byou (?:totally |really )?get me\b"
    ),
    "fr": re.compile(
        r"\bc est (?:bien |exactement |tout a fait |vraiment )*(?:ca|correct|exact|juste|cela)(?= ?(?:[!.,]|merci|$))|^(?:\W|oui|si|voila|ah)*exactement\b|^(?:merci\W+|oui\W+|c est )*parfait(?:\W+merci)?\W*$"
        r"|\b(?:tres|super|vraiment|bien) (?:clair|utile|complet|explique|pratique)\w*\b|\bm (?:eclaire|aide|a aide|as aide|a bien aide|a eclaire)\w*\b|\bbonne (?:reponse|idee|explication|suggestion|remarque)\b"
        r"|\b(?:bon|super|excellent|tres bon) (?:conseil|resume|plan)\b|\bt(?:u)? as (?:tout a fait |bien |totalement )?raison\b|\bvous avez (?:tout a fait )?raison\b|\bce que je (?:cherchais|voulais|demandais)(?! pas)\b(?<!pas ce que je cherchais)|\bbien (?:vu|joue)\b|\bca (?:marche|fonctionne) (?:merci|nickel|parfaitement)\b|\bvoila c est ca\b|\b(?:parfait|nickel|super|impec\w*)\W+(?:merci|c est (?:clair|compris))\b|\bmerci\b.{0,30}\b(?:clair|utile|aide|reponse|precis\w*|parfait|conseil|explication\w*)\b"
    ),
}
_BAD: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\bthats (?:not|wrong|incorrect|false|nonsense|rubbish)\b|\bnot what i (?:asked|meant|wanted|said|was asking|was looking for|need\w*)\b|^(?:no|nope|nah)\b\W+(?:i (?:meant|mean|said|asked|was)|not|thats|its|it|he|she|the other|wrong|you)\b"
        r"|^(?:still |you are |youre )?wrong\b|\b(?:youre|you are|you were|you got (?:it|that|this)) (?:\w+ )?(?:wrong|mistaken|incorrect)\b|\b\d{2,4}\b[^\d]{0,12}\bnot \d{2,4}\b|\bnot \d{2,4}\b[^\d]{0,12}\b(?:but|its) \d{2,4}\b|\bi (?:\w+ )?(?:told|said) (?:you )?(?:this |that |it |already)|\balready (?:told|said)\b"
        r"|\b(?:can|could|would|will) (?:you|u) (?:please )?(?:make (?:it|this|that) |rephrase|redo|try again|be (?:more|less)|shorten|simplify|rewrite|explain (?:it |that |this )?(?:again|better|more|differently)|say (?:it|that) (?:again|in|more))|\b(?:too|so) (?:long|short|vague|complicated|formal|wordy|generic|technical)\b(?= ?(?:[!.,]|for me|please|$))|\btry again\b|\brephrase\b|\b(?:shorter|simpler|less formal)\b(?= ?(?:[!.,]|please|pls|$))"
        r"|\byou (?:mis\w+|didnt (?:answer|listen|read|get|understand)|dont (?:listen|understand|get|know)|never (?:listen|understand|answer|remember)|keep \w+ing|forgot|missed)\b|\byou(?: are|re) (?:useless|not (?:listening|helping|getting|answering|making)|no help|repeating|making)|\b(?:doesnt|didnt|does not|did not) (?:help|answer|make sense|work for me)\b|\bnot (?:helpful|correct|right|true|accurate|quite)\b(?= ?(?:[!.,]|at all|$))|\bstop (?:repeating|asking|saying|lecturing|apologi\w+)\b|\bwrong (?:one|again|answer|date|name|city|person)\b"
    ),
    "fr": re.compile(
        r"^non\b.{0,12}\b(?:je (?:parlais|voulais|disais|pensais|demandais)|c est|pas|l autre|celui|celle|tu)\b|\bc est (?:faux|pas (?:ca|vrai|exact|juste|correct|ce que|bon|la bonne))\b|\bn est pas (?:ca|vrai|exact|juste|correct|ce que|bon)\b|\bpas ce que (?:j ai|je)\b|\b\d{2,4}\b[^\d]{0,8}\b(?:pas|et non)(?: pas)? (?:en )?\d{2,4}\b"
        r"|\b(?:tu peux|peux tu|tu pourrais|pourrais tu|vous pouvez|pouvez vous|pourriez vous) (?:reformuler|refaire|recommencer|raccourcir|simplifier|reessayer|etre plus|faire plus|reexpliquer|repeter|expliquer (?:autrement|mieux|plus))|\bplus (?:court|simple|simplement|clair|clairement|precis|concis)\b(?= ?(?:[!.,?]|stp|svp|s il|$))|\b(?:tu )?repond\w* a cote\b|\bcomprend\w* (?:jamais|rien|pas|toujours pas)\b(?<!je comprends pas)|\bt(?:u t)? ?(?:e )?trompes?\b|\bvous vous trompez\b|\bdeja dit\b|\btrop (?:long|vague|complique|formel|technique)\b(?= ?(?:[!.,]|$))|\bt as (?:pas|rien|mal) compris\b|\bas pas compris\b|\bpas repondu a\b|\bm ecoutes (?:pas|jamais)\b|\breessaie\b|\brecommence\b|\b(?:t es|tu es) (?:nul\w*|inutile|a cote)\b|\bsers a rien\b|\bmauvaise (?:reponse|date|ville)\b|\btoujours pas ca\b|\bpas tout a fait\b"
    ),
}
_THANKS = re.compile(
    r"\b(?:thank you|thanks|thx|tysm|ty|cheers|merci|mrc|je t (?:aime|adore|embrasse)|i love (?:you|u)|ily)\b(?! (?:god|goodness|heavens|to|dieu|a (?:mon|ma|mes|mon|lui|elle|eux)))"
)
_ADDRESS = re.compile(
    r"\b(?:you|u|your|youre|ur|youve|youll|youd|yourself|ya)\b|\b(?:tu|te|toi|ton|ta|tes|vous|votre|vos)\b|\bt (?:es|as|etais|aime|adore|deteste|aimes|inquiete)\b"
)
_NOT_MEANT = re.compile(
    # requests, manners of speaking, and "you" for anybody
    r"\b(?:can|could|would|will|cld) (?:you|u)\b(?: please| pls)?|\bhow (?:do|can|would|did|should|does|are|is) (?:you|u) (?:\w+ )?(?:spell|say|make|cook|get|write|pronounce|do|use|change|remove|clean|fix|open|find|turn|know if|call|translate|calculate)\b|\b(?:if|when|whenever|where|before|after|once|that|what|as|because|so|unless) (?:you|u)\b|\byou know\b(?! (?:me|i|what i))|\byou see\b|\bmind you\b|\bbelieve you me\b|\bdo you know (?:if|how|what|where|when|who|why|any|a|the)\b|\btell you\b|\btold you (?:about|that)\b(?! (?:three|twice|already))|\bsee you\b|\blet you\b|\bask you\b|\b(?:give|send|show) you\b|\byour (?:answer|reply|idea|advice|suggestion|opinion|thoughts)\b|\bdo you (?:think|mean|have (?:a|any|the))\b|\bwhat do you (?:think|suggest|recommend)\b|\byou (?:can|could|cant|get|need|should|must|never know|have to)\b|\bthank you letter\b"
    r"|\b(?:tu peux|peux tu|tu pourrais|pourrais tu|tu saurais|peut tu|vous pouvez|pouvez vous|vous pourriez|pourriez vous|sauriez vous|tu sais|vous savez|tu vois|vous voyez|tu connais|vous connaissez|tu crois|tu penses|vous pensez|tu me conseilles|tu as une idee|t as une idee|tu te rends compte|tu te souviens)\b|\bs il (?:te|vous) plait\b|\b(?:faut|faudra|fallait) (?:\w+ )?que t(?:u)?\b(?: y)?|\b(?:si|quand|que|comme|la ou|dont|ou) (?:tu|vous|t)\b|\b(?:ton|ta|tes|votre|vos) (?:idee|reponse|avis|conseil|aide|explication|recette|suggestion)\w*\b|\bje (?:te|vous) (?:dis|jure|raconte|explique|laisse|rappelle|demande|ai dit|promets)\b|\brendez vous\b|\bvous vous\b"
)
_ABOUT_ITSELF = re.compile(
    r"\b(?:do|are|did|have|were|can) (?:you|u)\b(?! (?:know|think|mean|have (?:a|any|the)|please|make|remind|give|tell|help|send|find|show|explain|write|add|put|set|check|translate|recommend|suggest|list|do|get|be|spell|rephrase|shorten))|\b(?:tu|vous) (?:parle|dor|mange|aime|reve|ressen|vi|existe|es|etes|as quel)\w*"
)


_MAY_ADDRESS = frozenset(
    "you u your youre ur youve youll youd yourself ya thank thanks thx tysm ty cheers ily merci mrc"
    " tu te toi ton ta tes t vous votre vos".split()
)


def feedback(words: Sequence[str], language: Language | None = None) -> float:
    """-1 where the answer was wrong or is to be another, 1 where it was right, else 0."""
    said = " ".join(words)
    spoken: tuple[Language, ...] = ("en", "fr") if language is None else (language,)
    if any(_BAD[each].search(said) for each in spoken):
        return -1.0
    return 1.0 if any(_GOOD[each].search(said) for each in spoken) else 0.0


def addressed(words: Sequence[str]) -> bool:
    """Whether a message speaks of the avatar or to it, and does not merely ask it for something."""
    said = " ".join(words)
    if not _MAY_ADDRESS.intersection(words):
        return False
    if _THANKS.search(said) or _ABOUT_ITSELF.search(said):
        return True
    return _ADDRESS.search(_NOT_MEANT.sub(" ", said)) is not None


_WHO = r"(?:i|we|you|u|he|she|they|who|(?:my|his|her|our|the) \w+)(?: (?:really|just|absolutely|also|do|always|still|simply|kinda|both))*"
_NOT_THINGS = (  # of persons, of oneself, of what happens: no matter of taste
    r"(?:you|u|me|my|mine|myself|him|his|her|them|us|it|this|that|these|those|our|your|their|when|how|what|being|feeling"
    r"|living|having|to|every\w*|nobody|people|life|men|women|the (?:way|thought|idea|fact|feeling))\b"
)
_PAS_DES_CHOSES = (
    r"(?:te|t|toi|vous|me|m|moi|ma|mon|mes|ta|ton|tes|sa|son|ses|notre|nos|votre|vos|leurs?|ca|cela|ce|cette|ces|tout\w*"
    r"|quand|comme|comment|qu|que|etre|elle|lui|eux|la vie|les gens|de (?:vivre|me|m)|d etre|vivre)\b"
)
_ENDS = frozenset(".!?;")
_MAY_PASS = frozenset(
    "? hate hates hated dislike dislikes detest detests loathe loathes stand bear like love enjoy care eat drink"
    " deteste detestes detestent detestais detestait hais hait supporte supportes aime aimes aiment aimait horreur".split()
)
_DISLIKE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        rf"(?P<who>\b{_WHO}) (?P<verb>hates?|hated|dislikes?|detests?|loathes?|(?:cant|cannot|cant really) (?:stand|bear)"
        rf"|(?:dont|doesnt|didnt|do not|does not) (?:really |much )?(?:like|love|enjoy|care for|eat|drink))\b(?! {_NOT_THINGS})"
    ),
    "fr": re.compile(
        r"(?P<who>\b(?:je|j|on|nous|tu|il|elle|ils|elles|qui|ma \w+|mon \w+)(?: ne| n)?) (?P<verb>deteste\w*|hais|hait"
        r"|supporte\w* pas|aim\w+ (?:vraiment |trop |du tout )?pas|(?:ai|a|as|ont) horreur d(?:es?|u)?)\b"
        rf"(?! (?:vraiment |trop |du tout )*{_PAS_DES_CHOSES})"
    ),
}
_ASKED = re.compile(
    r"^(?:(?:hey|hi|hello|ok|so|and|but|well|then|now|et|mais|alors|dis|bon|,) )*"
    r"(?:(?:(?:do|can|could|would) (?:you|u) (?:still |even |please )?(?:know|remember|recall|tell me)"
    r"|(?:tu|vous) (?:(?:te|vous|t) )?(?:souvien\w*|souvenez|rappelle\w*|rappelez|sais|savez)|te souviens tu|sais tu"
    r"|(?:tu peux|peux tu|vous pouvez|pouvez vous) me dire)(?: de| a)?(?: ce)? )?"
    r"(?:what|whats|who|whos|whom|when|where|wheres|which|whose|how (?:many|much|long|old|far|do|does|did|to)"
    r"|qui|quand|quoi|combien|quel\w*|que|qu|ou) (?!(?:an?|the hell|the fuck) )"
)
_OF_ONESELF = re.compile(
    r"\b(?:me|myself|im|am i|i am|i feel|i was|why|everyone|everybody|everything|nobody|people|point|life|die|dead|kill"
    r"|moi|m|suis|me sens|pourquoi|personne|tout le monde|gens|vie|mourir|mort|tuer)\b"
)


def without_what_is_not_felt(words: Sequence[str], language: Language | None = None) -> list[str]:
    """The words of a message less what nobody who hears it need feel: dislikes of things, and questions of fact.

    A dislike loses its verb, so that what else is said stays; of oneself and of persons nothing is taken away.
    """
    if _MAY_PASS.isdisjoint(words):
        return list(words)
    kept: list[str] = []
    sentence: list[str] = []
    for word in [*words, "."]:
        sentence.append(word)
        if word in _ENDS:
            kept += _felt_of(sentence, language)
            sentence = []
    return kept[:-1]


def _felt_of(sentence: list[str], language: Language | None) -> list[str]:
    said = " ".join(sentence)
    for spoken in ("en", "fr") if language is None else (language,):
        said = _DISLIKE[spoken].sub(r"\g<who> have", said)
    asks = sentence[-1] == "?" and _ASKED.search(said) and not _OF_ONESELF.search(said)
    return [sentence[-1]] if asks else said.split()
