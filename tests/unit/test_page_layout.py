"""The order in which the pieces of text on a page are read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anima.vendors.readers import layout
from anima.vendors.readers.layout import Line


def lines_of(column: int, *texts: str, top: int = 0, width: int = 400) -> list[Line]:
    """Lines of 30 pixels, 10 apart, from x = `column` on."""
    return [Line(text, column, top + n * 40, column + width, top + n * 40 + 30) for n, text in enumerate(texts)]


def test_lines_that_follow_closely_are_one_paragraph_and_a_gap_begins_another() -> None:
    page = lines_of(0, "One goes", "on here.") + lines_of(0, "Another", "begins.", top=140)
    assert layout.paragraphs(page) == ["One goes on here.", "Another begins."]


def test_a_word_parted_at_the_end_of_a_line_becomes_whole() -> None:
    assert layout.paragraphs(lines_of(0, "The exam-", "ple of well-", "Known sort")) == [
        "The example of well- Known sort"
    ]


def test_a_larger_line_is_a_paragraph_of_its_own() -> None:
    title = Line("A title", 0, 0, 500, 60)
    assert layout.paragraphs([title, *lines_of(0, "Some text.", top=75)]) == ["A title", "Some text."]


def test_columns_of_text_are_read_one_after_the_other_below_what_spans_them() -> None:
    title = Line("Across both", 0, 0, 900, 50)
    left = lines_of(0, "left one", "left two", "left three", top=100)
    right = lines_of(500, "right one", "right two", "right three", top=100)
    mixed = [right[1], left[0], title, left[2], right[0], left[1], right[2]]
    assert layout.paragraphs(mixed) == [
        "Across both",
        "left one left two left three",
        "right one right two right three",
    ]


def test_rows_of_a_table_stay_together() -> None:
    names = lines_of(0, "Rope", "Anchor", "Lantern", width=90)
    prices = lines_of(600, "12.50", "80.00", "4.75", width=70)
    assert layout.paragraphs([*prices, *names]) == ["Rope 12.50 Anchor 80.00 Lantern 4.75"]


def test_an_empty_page_has_no_paragraph() -> None:
    assert layout.paragraphs([]) == []


boxes = st.lists(st.tuples(*[st.integers(0, 2000)] * 2, *[st.integers(0, 300)] * 2), max_size=40)


@given(boxes)
def test_whatever_stands_where_nothing_is_lost_or_doubled(given_boxes: list[tuple[int, int, int, int]]) -> None:
    page = [Line(f"w{n}x", x, y, x + w, y + h) for n, (x, y, w, h) in enumerate(given_boxes)]
    words = " ".join(layout.paragraphs(page)).split()
    assert sorted(words) == sorted(line.text for line in page)


def test_a_page_full_of_specks_is_still_read() -> None:
    page = [Line("x", (n * 37) % 2000, (n * 53) % 3000, (n * 37) % 2000 + 9, (n * 53) % 3000 + 9) for n in range(3000)]
    assert len(" ".join(layout.paragraphs(page)).split()) == 3000
