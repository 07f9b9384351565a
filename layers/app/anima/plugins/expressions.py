"""Arithmetic from text: exact where numbers allow it, with a bound on the work, and no code of anybody's run.

A Pratt parser over numbers, + - * / // % ^, factorial, percentages, functions of one or more numbers, pi and e.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Overflow
from fractions import Fraction
from functools import partial

from anima.kernel.errors import BadInput

MAX_CHARS = 1_000
MAX_UNITS = 20_000
"""Units of work: one an operation, and one for each 64 bits of what comes of it."""
MAX_BITS = 13_000
"""The longest number: some 3,900 digits."""
_MAX_DEPTH = 40
_DIGITS = 40
_CONTEXT = Context(prec=_DIGITS, Emax=999_999, Emin=-999_999)

Number = Fraction | Decimal

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:_\d+)*(?:\.\d+)?(?:e[+-]?\d{1,4})?|\.\d+)|(?P<name>[a-z_][a-z0-9_]*)|"
    r"(?P<sign>\*\*|//|[-+*/%^!(),;×÷·−√]))",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d+),(\d+)(?![\d,])")
_CALL = re.compile(r"[a-z]\s*\(", re.IGNORECASE)
_SIGNS = {"×": "*", "·": "*", "÷": "/", "−": "-", "**": "^"}
_BINDS = {"+": 10, "-": 10, "*": 20, "/": 20, "//": 20, "mod": 20, "of": 20, "^": 40}
_UNARY = 30


class NotCalculated(BadInput):
    """This cannot be calculated: {reason}."""

    slug = "not-calculated"
    quoted = ("reason",)


@dataclass(frozen=True, slots=True)
class _Percent:
    """A percentage: of what it is added to, else a hundredth."""

    value: Number


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[str]
    at: int = 0
    units: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, wanted: str) -> None:
        if self.take() != wanted:
            raise NotCalculated(reason=f"a {wanted!r} is missing")

    def spend(self, value: Number) -> Number:
        """Counts the work that a value stands for. Raises NotCalculated where it is too much."""
        bits = max(map(int.bit_length, value.as_integer_ratio())) if isinstance(value, Fraction) else 0
        self.units += 1 + bits // 64
        if bits > MAX_BITS or self.units > MAX_UNITS:
            raise NotCalculated(reason="it is too large")
        return value


def calculate(text: str) -> str:
    """The value of an expression as text; "≈" before what is rounded. Raises NotCalculated."""
    if len(text) > MAX_CHARS:
        raise NotCalculated(reason=f"an expression has at most {MAX_CHARS} characters")
    reader = _Reader(_tokens(text))
    try:
        value = _plain(_expression(reader, 0))
    except ZeroDivisionError:
        raise NotCalculated(reason="it divides by zero") from None
    except (Overflow, OverflowError):
        raise NotCalculated(reason="it is too large") from None
    except (DecimalException, ValueError):
        raise NotCalculated(reason="it has no value among real numbers") from None
    if reader.peek():
        raise NotCalculated(reason=f"{reader.peek()[:20]!r} stands where nothing should")
    if isinstance(value, Decimal) and not value.is_finite():
        raise NotCalculated(reason="it has no value among real numbers")
    return written(value)


def written(value: Number) -> str:
    """A number as people write it: exact where it ends within thirty digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator) if abs(value.numerator) < 10**400 else f"≈ {_decimal(value):.15e}"
        exact = _decimal(value)
        if Fraction(exact) == value and _exponent(exact) >= -30:
            return f"{exact.normalize():f}"
        value = exact
    rounded = Context(prec=15).create_decimal(value).normalize()
    return f"≈ {rounded:f}" if -10 < rounded.adjusted() < 20 else f"≈ {rounded:e}"


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _tokens(text: str) -> list[str]:
    text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text) if not _CALL.search(text) else text
    text = _DECIMAL_COMMA.sub(r"\1.\2", text) if not _CALL.search(text) else text
    text = text.strip().rstrip("=? ")
    tokens: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotCalculated(reason=f"{text[at : at + 20].strip()!r} is no arithmetic")
        token = found[0].strip().lower()
        tokens.append(_SIGNS.get(token, token))
        at = found.end()
    if not tokens:
        raise NotCalculated(reason="there is nothing to calculate")
    return tokens


def _expression(reader: _Reader, least: int) -> Number | _Percent:
    reader.depth += 1
    if reader.depth > _MAX_DEPTH:
        raise NotCalculated(reason="it is nested too deeply")
    left = _after(reader, _operand(reader))
    while (sign := _binary(reader)) and (binds := _BINDS[sign]) >= least:
        reader.take()
        right = _expression(reader, binds if sign == "^" else binds + 1)
        left = reader.spend(_applied(sign, left, right))
    reader.depth -= 1
    return left


def _binary(reader: _Reader) -> str:
    sign = reader.peek()
    if sign == "%":
        return "mod"
    return sign if sign in _BINDS else ""


def _after(reader: _Reader, value: Number) -> Number | _Percent:
    """What stands behind an operand: factorials, and a percent sign that is no remainder."""
    while reader.peek() == "!":
        reader.take()
        value = reader.spend(_factorial(value))
    after = reader.tokens[reader.at + 1] if reader.at + 1 < len(reader.tokens) else ""
    if reader.peek() == "%" and not (after[:1].isdigit() or after == "(" or (after[:1].isalpha() and after != "of")):
        reader.take()
        return _Percent(value)
    return value


def _operand(reader: _Reader) -> Number:
    word = reader.take()
    if word[:1].isdigit() or (word[:1] == "." and len(word) > 1):
        return reader.spend(_number(word))
    if word in ("-", "+"):
        value = _plain(_expression(reader, _UNARY))
        return -value if word == "-" else value
    if word == "√":
        return reader.spend(_root(_operand(reader)))
    if word == "(":
        value = _plain(_expression(reader, 0))
        reader.expect(")")
        return value
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    if word in _FUNCTIONS:
        return reader.spend(_called(word, _arguments(reader)))
    raise NotCalculated(reason=f"{word[:20]!r} is no number" if word else "it ends too early")


def _arguments(reader: _Reader) -> list[Number]:
    reader.expect("(")
    found = [_plain(_expression(reader, 0))]
    while reader.peek() in (",", ";"):
        reader.take()
        found.append(_plain(_expression(reader, 0)))
    reader.expect(")")
    return found


def _number(token: str) -> Fraction:
    value = Decimal(token.replace("_", ""))
    if abs(value.adjusted()) > MAX_BITS // 4:
        raise NotCalculated(reason="it is too large")
    return Fraction(value)


def _plain(value: Number | _Percent) -> Number:
    return _both(value.value, Fraction(100), "/") if isinstance(value, _Percent) else value


def _applied(sign: str, left: Number | _Percent, right: Number | _Percent) -> Number:
    if isinstance(right, _Percent) and sign in "+-" and not isinstance(left, _Percent):
        part = _OPERATIONS["*"](left, _plain(right))
        return _OPERATIONS[sign](left, part)
    return _OPERATIONS[sign](_plain(left), _plain(right))


def _both(left: Number, right: Number, sign: str) -> Number:
    """An operation on two numbers: exact where both are, else with forty digits."""
    exact, rounded = _ARITHMETIC[sign]
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return exact(left, right)
    if sign == "/" and not right:
        raise ZeroDivisionError
    return rounded(_decimal(left), _decimal(right))


def _decimal(value: Number) -> Decimal:
    if isinstance(value, Decimal):
        return value
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _floor(left: Number, right: Number) -> Number:
    return Fraction(math.floor(_exactly(left) / _exactly(right)))


def _remainder(left: Number, right: Number) -> Number:
    return _exactly(left) % _exactly(right)


def _exactly(value: Number) -> Fraction:
    """A rounded number as the exact one that it is; refused where that is too long to be held."""
    if isinstance(value, Decimal) and abs(value.adjusted()) > MAX_BITS // 4:
        raise OverflowError
    return Fraction(value)


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = max(map(int.bit_length, base.as_integer_ratio()))
        if abs(exponent.numerator) * (bits - 1) > MAX_BITS:
            raise OverflowError
        return base**exponent.numerator
    return _CONTEXT.power(_decimal(base), _decimal(exponent))


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise ValueError
    if value > MAX_BITS // 10:
        raise OverflowError
    return Fraction(math.factorial(value.numerator))


def _root(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        top, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and below * below == value.denominator:
            return Fraction(top, below)
    return _CONTEXT.sqrt(_decimal(value))


def _measured(of: Callable[[float], float]) -> Callable[[Number], Number]:
    """A function of floating point numbers, to fifteen digits."""
    return lambda value: Context(prec=15).create_decimal_from_float(of(float(value)))


def _round(value: Number, digits: Number = Fraction(0)) -> Number:
    """Half away from zero, as people round."""
    places = int(digits)
    if digits != places or abs(places) > 30:
        raise ValueError
    scale = Fraction(10**places) if places >= 0 else Fraction(1, 10**-places)
    scaled = _exactly(value) * scale
    return Fraction(math.floor(abs(scaled) + Fraction(1, 2)) * (1 if scaled >= 0 else -1)) / scale


def _logarithm(value: Number, base: Number | None = None) -> Number:
    if base is None:
        return _CONTEXT.log10(_decimal(value))
    return _CONTEXT.divide(_CONTEXT.ln(_decimal(value)), _CONTEXT.ln(_decimal(base)))


def _sum(values: Sequence[Number]) -> Number:
    return sum(map(_exactly, values), Fraction(0))


def _mean(values: Sequence[Number]) -> Number:
    return _exactly(_sum(values)) / len(values)


def _called(name: str, arguments: Sequence[Number]) -> Number:
    least, most, of = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise NotCalculated(reason=f"{name} takes {least if least == most else f'{least} to {most}'} numbers")
    return of(*arguments)


_ARITHMETIC: dict[str, tuple[Callable[[Fraction, Fraction], Fraction], Callable[[Decimal, Decimal], Decimal]]] = {
    "+": (operator.add, _CONTEXT.add),
    "-": (operator.sub, _CONTEXT.subtract),
    "*": (operator.mul, _CONTEXT.multiply),
    "/": (operator.truediv, _CONTEXT.divide),
}
_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    **{sign: partial(_both, sign=sign) for sign in "+-*/"},
    "of": partial(_both, sign="*"),
    "//": _floor,
    "mod": _remainder,
    "^": _power,
}
_CONSTANTS: dict[str, Number] = {
    "pi": Decimal("3.141592653589793238462643383279502884197"),
    "π": Decimal("3.141592653589793238462643383279502884197"),
    "e": Decimal("2.718281828459045235360287471352662497757"),
}
_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Number]]] = {
    "sqrt": (1, 1, _root),
    "abs": (1, 1, abs),
    "round": (1, 2, _round),
    "floor": (1, 1, lambda value: Fraction(math.floor(_exactly(value)))),
    "ceil": (1, 1, lambda value: Fraction(math.ceil(_exactly(value)))),
    "exp": (1, 1, lambda value: _CONTEXT.exp(_decimal(value))),
    "ln": (1, 1, lambda value: _CONTEXT.ln(_decimal(value))),
    "log": (1, 2, _logarithm),
    "min": (1, 50, lambda *values: min(map(_exactly, values))),
    "max": (1, 50, lambda *values: max(map(_exactly, values))),
    "sum": (1, 50, lambda *values: _sum(values)),
    "mean": (1, 50, lambda *values: _mean(values)),
    "factorial": (1, 1, _factorial),
    **{
        name: (1, 1, _measured(getattr(math, name)))
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "degrees", "radians")
    },
}
