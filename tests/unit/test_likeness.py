"""The same in other words is the same fact; what only sounds alike is not."""

from __future__ import annotations

import pytest

from anima.memory.facts_model import Found
from anima.memory.likeness import alike, means_same

# New key and value, held key and value, their cosine by the default embedder, whether they are one fact.
CASES = [
    ("hobby:playing-chess", "playing chess", "hobby:chess", "chess", 0.97, True),
    ("likes:jazz-music", "jazz music", "likes:jazz", "jazz", 0.97, True),
    ("allergy:peanut", "peanut", "allergy:peanuts", "peanuts", 0.95, True),
    ("child:tom", "Tom", "child:tom-son", "Tom (son)", 0.97, True),
    ("job", "physician", "job", "doctor", 0.93, True),
    ("home", "Lisbon, Portugal", "home", "Lisbon", 0.95, True),
    ("sport:running", "running", "hobby:running", "running", 0.51, True),
    ("plan:running-a-marathon", "running a marathon", "goal:run-a-marathon", "run a marathon", 0.88, True),
    ("job", "nurse", "job", "doctor", 0.77, False),
    ("diet", "vegan", "diet", "vegetarian", 0.91, False),
    ("diet", "no meat", "diet", "meat", 0.95, False),
    ("child:tim", "Tim", "child:tom", "Tom", 0.95, False),
    ("pet:max-dog", "Max (dog)", "pet:rex-dog", "Rex (dog)", 0.95, False),
    ("dislikes:olives", "olives", "likes:olives", "olives", 0.95, False),
    ("fear:dogs", "dogs", "allergy:dogs", "dogs", 0.9, False),
    ("hometown", "Lisbon", "home", "Lisbon", 0.95, False),
    ("age", "35", "age", "34", 0.97, False),
    ("goal:learn-spanish", "learn Spanish", "plan:learn-italian", "learn Italian", 0.95, False),
    ("home", "Oslo", "home", "Oslo", 1.0, False),
]


@pytest.mark.parametrize(("key", "value", "held", "other", "cosine", "one"), CASES)
def test_the_same_in_other_words(key: str, value: str, held: str, other: str, cosine: float, one: bool) -> None:
    assert means_same(Found(key, "any", value, value, True), held, other, cosine) is one


def test_only_keys_of_one_kind_say_the_same() -> None:
    chess, dogs = Found("hobby:chess", "", "", "", True), Found("fear:dogs", "", "", "", True)
    assert alike(chess, Found("skill:chess", "", "", "", True))
    assert not alike(chess, dogs)
