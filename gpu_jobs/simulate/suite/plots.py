"""Curves as SVG text: lines with bands, a legend, readable on a light and on a dark page; no plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 16, 48
LEGEND = 18
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#888888")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4", "4 2", "1 3")

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 }
.page { fill: #fff } .axis { stroke: #444; fill: none } .grid { stroke: #ddd; fill: none }
.change { stroke: #999; stroke-dasharray: 2 4 } .line { fill: none; stroke-width: 2 }
.band { opacity: 0.15; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .page { fill: #14171a } .axis { stroke: #aaa } .grid { stroke: #333 } .change { stroke: #777 }
}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its band, all of one length."""

    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def drawing(
    title: str, lines: Mapping[str, Line], span: tuple[float, float], axis: tuple[str, str], marks: Sequence[float] = ()
) -> str:
    """An SVG of these lines over `span`; `marks` are places on the x axis at which the world changed."""
    ceiling = _ceiling(lines)
    height = HEIGHT + LEGEND * len(lines)
    name = escape(title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">',
        f"<title>{name}</title><style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        *_frame(span, ceiling, axis),
        *(f'<path class="change" d="M{_x(mark, span):.1f} {TOP}V{HEIGHT - BOTTOM}"/>' for mark in marks),
    ]
    for place, (name, line) in enumerate(lines.items()):
        parts += _curve(line, span, ceiling, place)
        parts += _entry(name, place)
    return "\n".join([*parts, "</svg>", ""])


def _ceiling(lines: Mapping[str, Line]) -> tuple[float, float]:
    every = np.concatenate([np.asarray([*line.low, *line.high]) for line in lines.values()])
    low, high = min(0.0, float(np.nanmin(every))), float(np.nanmax(every))
    return low, high if high > low else low + 1.0


def _frame(span: tuple[float, float], ceiling: tuple[float, float], axis: tuple[str, str]) -> list[str]:
    bottom = HEIGHT - BOTTOM
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>']
    for value in np.linspace(*ceiling, 5):
        y = _y(float(value), ceiling)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for value in np.linspace(*span, 7):
        x = _x(float(value), span)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:,.0f}</text>')
    across, up = (escape(name) for name in axis)
    parts.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{bottom + 36}" text-anchor="middle">{across}</text>')
    middle = (TOP + bottom) / 2
    parts.append(f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{up}</text>')
    return parts


def _curve(line: Line, span: tuple[float, float], ceiling: tuple[float, float], place: int) -> list[str]:
    across = [_x(float(value), span) for value in np.linspace(*span, len(line.middle))]
    colour = COLOURS[place % len(COLOURS)]

    def points(values: Sequence[float]) -> list[str]:
        return [f"{x:.1f},{_y(value, ceiling):.1f}" for x, value in zip(across, values, strict=True)]

    around = " ".join([*points(line.high), *reversed(points(line.low))])
    dash, along = DASHES[place % len(DASHES)], " ".join(points(line.middle))
    return [
        f'<polygon class="band" fill="{colour}" points="{around}"/>',
        f'<polyline class="line" stroke="{colour}" stroke-dasharray="{dash}" points="{along}"/>',
    ]


def _entry(name: str, place: int) -> list[str]:
    y = HEIGHT + LEGEND * place
    colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
    return [
        f'<path class="line" stroke="{colour}" stroke-dasharray="{dash}" d="M{LEFT} {y}h32"/>',
        f'<text x="{LEFT + 40}" y="{y + 4}">{escape(name)}</text>',
    ]


def _x(value: float, span: tuple[float, float]) -> float:
    return LEFT + (value - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)


def _y(value: float, ceiling: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (value - ceiling[0]) / (ceiling[1] - ceiling[0]) * (HEIGHT - BOTTOM - TOP)
