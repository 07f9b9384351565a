"""How kind a message is to whom it is sent, by simple words in English and French: quick and blunt."""

from __future__ import annotations

import math
import re

_KIND = set(
    """
    thank thanks thankful grateful love loved lovely like liked great wonderful amazing awesome excellent
    perfect nice kind good glad happy fun funny beautiful brilliant helpful sweet cool yay haha
    congratulations welcome appreciate enjoy enjoyed proud excited hug smile best
    merci aime adore génial géniale super bravo parfait parfaite merveilleux gentil gentille heureux heureuse
    content contente magnifique excellent excellente plaisir drôle mignon mignonne chouette formidable
    """.split()
)
_UNKIND = set(
    """
    hate hated stupid idiot useless terrible awful horrible worst bad boring annoying dumb ugly disgusting
    pathetic angry furious liar garbage trash worthless
    déteste stupide idiot idiote nul nulle horrible affreux affreuse pire ennuyeux ennuyeuse débile moche
    menteur menteuse inutile pathétique colère
    """.split()
)
_HARSH = (
    "shut up",
    "fuck you",
    "screw you",
    "i hate you",
    "tais-toi",
    "ta gueule",
    "casse-toi",
    "je te déteste",
)
_NOT = {"not", "no", "never", "pas", "jamais", "aucun", "aucune"}
_ADDRESS = set("you your yours you're you've you'll you'd tu toi te t'es t'as ton ta tes vous votre vos".split())
_WORD = re.compile(r"[\w'-]+")
_REACH = 3
"""A negation turns the words after it, so many of them."""
_EXCLAMATION = 3
"""So few words are meant for whom they are sent to, without saying so."""


def sentiment(text: str) -> float:
    """-1 (hostile) to 1 (kind); 0 where no word tells.

    An unkind word counts where the other is addressed: somebody who hates olives is not unkind.
    """
    lowered = text.casefold().replace("’", "'")
    words = _WORD.findall(lowered)
    addressed = len(words) <= _EXCLAMATION or not _ADDRESS.isdisjoint(words)
    kind, unkind = _counts(words)
    harsh = sum(phrase in lowered for phrase in _HARSH)
    total = kind * (1.0 if addressed else 0.5) - (unkind if addressed else 0.0) - 2.0 * harsh
    return math.tanh(total / 2.0)


def _counts(words: list[str]) -> tuple[float, float]:
    """How many words are kind, how many are not; a negated one counts half for the other side."""
    kind = unkind = 0.0
    turned = 0
    for word in words:
        if word in _NOT or word.endswith("n't"):
            turned = _REACH
            continue
        liked, disliked = float(word in _KIND), float(word in _UNKIND)
        kind += disliked / 2.0 if turned else liked
        unkind += liked / 2.0 if turned else disliked
        turned = max(0, turned - 1)
    return kind, unkind
