"""Where a passage stands, as the command line and the page without scripts say it."""

from __future__ import annotations

from typing import Any

import pytest

from anima.cli import output
from anima.console import plain

PLACES: list[tuple[dict[str, Any], str, str]] = [
    ({"page": 3, "heading": "Keepers"}, "page 3, Keepers", "page 3, Keepers"),
    ({"page": 3, "page_end": 4}, "pages 3-4", "page 3"),
    ({"slide": 2}, "slide 2", "slide 2"),
    ({"slide": 2, "slide_end": 3}, "slides 2-3", "slide 2"),
    ({"sheet": "Visits", "row_start": 2, "row_end": 9}, "sheet Visits, rows 2-9", "sheet Visits, rows 2 to 9"),
    ({"second_start": 65.2, "second_end": 80.9, "speaker": "Ines"}, "1:05-1:20, Ines", "minute 1:05, Ines"),
    ({"second_start": 0.0}, "0:00", "minute 0:00"),
    ({"second_start": 3725.0, "second_end": 3725.5}, "1:02:05", "minute 62:05"),
    ({"line_start": 8, "line_end": 8}, "line 8", "lines 8 to 8"),
    ({"line_start": 8, "line_end": 13, "heading": "A > B"}, "lines 8-13, A > B", "A > B, lines 8 to 13"),
    ({"char_start": 1, "char_end": 5}, "", ""),
]


@pytest.mark.parametrize(("location", "line", "page"), PLACES)
def test_a_place_is_said_in_words(location: dict[str, Any], line: str, page: str) -> None:
    assert output.place(location) == line
    assert plain.place(location) == page
