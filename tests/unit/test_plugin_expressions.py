"""Arithmetic from text: exact, within a bound, and nothing else is done with what somebody wrote."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.plugins.expressions import MAX_CHARS, NotCalculated, calculate
from anima.plugins.recognition import recognised


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17*23", "391"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "≈ 0.333333333333333"),
        ("1/3 + 1/3 + 1/3", "1"),
        ("2^10", "1024"),
        ("2**-1", "0.5"),
        ("-2^2", "-4"),
        ("2^3^2", "512"),
        ("10 - 4 - 3", "3"),
        ("15% of 80", "12"),
        ("200 + 10%", "220"),
        ("50%", "0.5"),
        ("10 % 3", "1"),
        ("-7 // 2", "-4"),
        ("1,234 * 2", "2468"),
        ("3,5 + 1", "4.5"),
        ("max(1, 2.5, 2)", "2.5"),
        ("sum(1/3; 2/3)", "1"),
        ("round(2.345, 2)", "2.35"),
        ("round(-2.5)", "-3"),
        ("√16 + sqrt(2.25)", "5.5"),
        ("sqrt(2)", "≈ 1.4142135623731"),
        ("5!", "120"),
        ("log(1000)", "≈ 3"),
        ("sin(pi / 6)", "≈ 0.5"),
        ("3 × 4 − 2", "10"),
        ("1e-20", "0.00000000000000000001"),
        ("12 * (3 + 4) = ?", "84"),
        ("1000!", "≈ 4.023872600770938e+2567"),
    ],
)
def test_it_calculates(text: str, value: str) -> None:
    assert calculate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "1 +", "abc", "3 4", "(1", "1)", "1/0", "0^-1", "sqrt(-1)", "ln(0)", "(-8)^(1/3)", "round()", "max()"),
        *("9^9^9", "9**99999", "2000!", "3!!!!", "exp(1e9)", "1e9999", "10^(10^3)^2", "sin(1e400)", "0.1^4000"),
        *("__import__('os').system('x')", "open", "().__class__", "lambda: 1", "1 if 1 else 2", "x := 1", "[1]*9"),
        *("(" * 100 + "1" + ")" * 100, "-" * 900 + "1", "1+" * 499 + "x", "9" * (MAX_CHARS + 1)),
    ],
)
def test_what_it_does_not_calculate_it_says(text: str) -> None:
    with pytest.raises(NotCalculated):
        calculate(text)


@given(st.text(alphabet="0123456789.,+-*/%^!() eπ√sqrtlogmaxof_", max_size=60))
def test_whatever_is_written_it_ends_with_a_value_or_a_reason(text: str) -> None:
    with suppress(NotCalculated):
        assert calculate(text)


_NUMBER = st.integers(0, 9999).map(str)
_SUM = st.recursive(
    _NUMBER,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda one: f"({''.join(one)})"),
    max_leaves=20,
)


@given(_SUM)
def test_it_agrees_with_whole_numbers(text: str) -> None:
    assert Fraction(calculate(text)) == eval(text)  # noqa: S307 - digits, signs and parentheses made here


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("What is 17 * 23?", "17 * 23"),
        ("how much is 15% of 80", "15% of 80"),
        ("Combien font 12 fois 7 ?", "12 * 7"),
        ("Please calculate (3+4)^2 / 7, thanks", "(3+4)^2 / 7"),
        ("What is the square root of 144?", "√ 144"),
        ("tell me 12 divided by 4", "12 / 4"),
        ("17*23=?", "17*23"),
        ("what is 3 x 4", "3 * 4"),
        ("20 percent of 50", "20 % of 50"),
        ("What is 5 divided by 0?", "5 / 0"),
    ],
)
def test_a_calculation_is_recognised(said: str, expression: str) -> None:
    assert recognised(said) == ("calculate", {"expression": expression})


@pytest.mark.parametrize(
    "said",
    [
        *("2024-05-12", "call me at 555-1234567", "What is 24/7?", "What's 5!", "-5", "5", "1/2", "room 5-3", "5 - 3"),
        *("I have 3 cats and 2 dogs", "what happened in 1939-1945?", "how old is 5 + 3 years", "version 2.0", ""),
        *("I like https://example.org a lot", "compare https://a.example and https://b.example", "x" * 5000),
    ],
)
def test_what_is_none_is_not(said: str) -> None:
    assert recognised(said) is None


@pytest.mark.parametrize("said", ["Read {} please.", "{}", "Peux-tu résumer {} ?", "What does {} say?", "open <{}>"])
def test_a_page_that_is_to_be_read_is_recognised(said: str) -> None:
    url = "https://example.org/a?b=c"
    assert recognised(said.format(url)) == ("read_page", {"url": url})
