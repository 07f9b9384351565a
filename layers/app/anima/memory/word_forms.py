"""Irregular forms of English words, which no stemmer brings together: "go" asks for "went", "child" for "children"."""

from __future__ import annotations

from functools import cache

from anima.kernel.terms import terms

_WEIGHT = 0.8
"""What another form counts for: "left" is of "leave", and also a side."""
_FORMS = """
be been; bear bore born; beat beaten; become became; begin began begun; bend bent; bind bound; bite bit bitten; bleed
bled; blow blew blown; break broke broken; bring brought; build built; burn burnt; buy bought; catch caught; choose
chose chosen; come came; creep crept; deal dealt; dig dug; do did done; draw drew drawn; dream dreamt; drink drank
drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled;
fly flew flown; forget forgot forgotten; forgive forgave forgiven; freeze froze frozen; get got gotten; give gave
given; go went gone; grow grew grown; hang hung; hear heard; hide hid hidden; hold held; keep kept; kneel knelt; know
knew known; lay laid; lead led; lean leant; leap leapt; learn learnt; leave left; lend lent; lie lay lain; light lit;
lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung; rise rose risen; run ran; say
said; see saw seen; seek sought; sell sold; send sent; sew sewn; shake shook shaken; shine shone; shoot shot; show
shown; shrink shrank; sing sang sung; sink sank sunk; sit sat; sleep slept; slide slid; speak spoke spoken; speed
sped; spend spent; spill spilt; spin spun; stand stood; steal stole stolen; stick stuck; sting stung; strike struck;
swear swore sworn; sweep swept; swim swam swum; swing swung; take took taken; teach taught; tear tore torn; tell told;
think thought; throw threw thrown; understand understood; wake woke woken; wear wore worn; weave wove woven; weep
wept; win won; wind wound; write wrote written; child children; man men; woman women; foot feet; tooth teeth; mouse
mice; person people; life lives; wife wives; mom mum mother mama; dad father papa; good better best; bad worse worst
"""


@cache
def _families() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for family in _FORMS.split(";"):
        stems = set(terms(" ".join(family.split()), "en"))
        for stem in stems:
            found.setdefault(stem, set()).update(stems - {stem})
    return {stem: tuple(sorted(others)) for stem, others in found.items() if others}


def with_forms(terms_: list[str], words: list[int]) -> tuple[list[str], list[int], list[float]]:
    """Terms, the words that they stand for and what each counts for, with the other forms of each word added."""
    weighed = {term: (word, 1.0) for term, word in zip(terms_, words, strict=True)}
    for term, word in zip(terms_, words, strict=True):
        for form in _families().get(term, ()):
            weighed.setdefault(form, (word, _WEIGHT))
    return list(weighed), [word for word, _ in weighed.values()], [weight for _, weight in weighed.values()]
