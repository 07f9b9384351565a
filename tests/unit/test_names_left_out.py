"""Names are left out of a question's second vector; acronyms, first words and small words are not."""

from __future__ import annotations

import pytest

from anima.kernel.terms import without_names


@pytest.mark.parametrize(
    ("question", "plain", "names"),
    [
        ("When did Caroline go to the LGBTQ group?", "When did go to the LGBTQ group?", ("caroline",)),
        ("What is Caroline's dog called, and Élise's?", "What is dog called, and ?", ("caroline", "elise")),
        ("Where did I go?", "Where did I go?", ()),
        ("Caroline went where?", "Caroline went where?", ()),
        ("Who is Bob?", "Who is Bob?", ()),
        ("where does caroline live", "where does caroline live", ()),
        ("Is it so. The end?", "Is it so. The end?", ()),
        ("", "", ()),
    ],
)
def test_names_are_left_out(question: str, plain: str, names: tuple[str, ...]) -> None:
    assert without_names(question) == (plain, names)
