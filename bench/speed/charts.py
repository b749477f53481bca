"""Line charts as SVG, by hand: a few lines are not worth a library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.quality.svg_chart import FRAME

WIDTH, HEIGHT, LEFT, TOP, ACROSS, UP = 780, 400, 70, 40, 440, 300
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")
MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: points of x and y."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """What one direction of a chart means.

    Attributes:
        low, high: values at its ends; above 0 where it is logarithmic.
        length: in pixels.
    """

    name: str
    low: float
    high: float
    length: int
    is_logarithmic: bool = False

    @classmethod
    def over(cls, name: str, values: Sequence[float], length: int, *, is_logarithmic: bool = False) -> "Axis":
        """An axis that has room for all values."""
        if is_logarithmic:
            low = min(value for value in values if value > 0)
            return cls(name, 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(max(values))), length, True)
        step = find_step(max(values))
        return cls(name, 0.0, math.ceil(max(values) / step) * step, length)

    def place(self, value: float) -> float:
        """Pixels from the low end."""
        if self.is_logarithmic:
            low, high = math.log10(self.low), math.log10(self.high)
            return self.length * (math.log10(max(value, self.low)) - low) / ((high - low) or 1)
        return self.length * (value - self.low) / ((self.high - self.low) or 1)

    def ticks(self) -> list[float]:
        """The values that are written beside it."""
        if self.is_logarithmic:
            decades = round(math.log10(self.high / self.low))
            return [self.low * 10**at for at in range(decades + 1)]
        step = find_step(self.high)
        return [at * step for at in range(round(self.high / step) + 1)]


def find_step(high: float) -> float:
    """A round distance of ticks, so that few of them reach from 0 to `high`."""
    magnitude: float = 10 ** math.floor(math.log10(high / MOST_TICKS)) if high > 0 else 1.0
    return next(
        factor * magnitude for factor in (1, 2, 5, 10) if high <= MOST_TICKS * factor * magnitude or factor == 10
    )


def draw(title: str, lines: Sequence[Line], *, across: str, up: str, logarithmic: Sequence[str] = ()) -> str:
    """The SVG of `lines`.

    Args:
        title: above it.
        lines: each with a colour of its own.
        across: what x means.
        up: what y means.
        logarithmic: "x", "y", both or none.
    """
    points = [point for line in lines for point in line.points]
    x = Axis.over(across, [point[0] for point in points], ACROSS, is_logarithmic="x" in logarithmic)
    y = Axis.over(up, [point[1] for point in points], UP, is_logarithmic="y" in logarithmic)
    parts = _frame(x, y)
    for at, line in enumerate(lines):
        colour = COLOURS[at % len(COLOURS)]
        places = [(LEFT + x.place(left), TOP + UP - y.place(height)) for left, height in line.points]
        drawn = " ".join(f"{left:.1f},{height:.1f}" for left, height in places)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 20:
            parts += [f'<circle cx="{left:.1f}" cy="{height:.1f}" r="3" fill="{colour}"/>' for left, height in places]
        left, height = LEFT + ACROSS + 16, TOP + 20 + 22 * at
        parts.append(f'<path d="M{left} {height - 4}h28" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 34}" y="{height}">{escape(line.name)}</text>')
    return FRAME.substitute(width=WIDTH, height=HEIGHT, left=LEFT, title=escape(title), parts="\n".join(parts))


def _frame(x: Axis, y: Axis) -> list[str]:
    bottom = TOP + UP
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{ACROSS}" height="{UP}" fill="none" stroke="#888"/>']
    for tick in y.ticks():
        height = bottom - y.place(tick)
        parts.append(f'<path d="M{LEFT} {height:.1f}h{ACROSS}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks():
        left = LEFT + x.place(tick)
        parts.append(f'<path d="M{left:.1f} {TOP}v{UP}" stroke="#eee"/>')
        parts.append(f'<text x="{left:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{LEFT + ACROSS / 2}" y="{bottom + 42}" text-anchor="middle">{escape(x.name)}</text>')
    middle = TOP + UP / 2
    turned = (
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{escape(y.name)}</text>'
    )
    return [*parts, turned]
