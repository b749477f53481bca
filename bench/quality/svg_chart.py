"""A line chart of shares as SVG, by hand: one chart is not worth a library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template

WIDTH, HEIGHT, LEFT, TOP, PLOT = 760, 400, 60, 40, (420, 300)
STEPS = 5

# Of every chart.
FRAME = Template(
    """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
<text x="$left" y="22" font-size="15">$title</text>
$parts
</svg>
"""
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the chart: points of x and y from 0 to 1."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False


def draw(title: str, lines: Sequence[Line], *, across: str, mark: float) -> str:
    """The SVG of `lines` over the axis named `across`, with an upright line at `mark`."""
    parts = [*_axes(across), _mark(mark)]
    for at, line in enumerate(lines):
        dash = ' stroke-dasharray="6 4"' if line.is_dashed else ""
        stroke = f'fill="none" stroke="{line.colour}" stroke-width="2"{dash}'
        points = " ".join(f"{_across(x):.1f},{_up(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{points}" {stroke}/>')
        left, height = LEFT + PLOT[0] + 16, TOP + 20 + 22 * at
        parts.append(f'<path d="M{left} {height - 4}h28" {stroke}/>')
        parts.append(f'<text x="{left + 34}" y="{height}">{escape(line.name)}</text>')
    frame = FRAME.substitute(width=WIDTH, height=HEIGHT, left=LEFT, title=escape(title), parts="\n".join(parts))
    return frame


def _axes(across: str) -> list[str]:
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{PLOT[0]}" height="{PLOT[1]}" fill="none" stroke="#888"/>']
    for step in range(STEPS + 1):
        share = step / STEPS
        x, y = _across(share), _up(share)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{PLOT[0]}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<text x="{x:.1f}" y="{TOP + PLOT[1] + 18}" text-anchor="middle">{share:.1f}</text>')
    middle, below = LEFT + PLOT[0] / 2, TOP + PLOT[1] + 42
    return [*parts, f'<text x="{middle}" y="{below}" text-anchor="middle">{escape(across)}</text>']


def _mark(place: float) -> str:
    x = _across(place)
    line = f'<path d="M{x:.1f} {TOP}v{PLOT[1]}" stroke="#444" stroke-dasharray="2 3"/>'
    return f'{line}\n<text x="{x - 6:.1f}" y="{TOP + 16}" text-anchor="end">{place:.2f}</text>'


def _across(share: float) -> float:
    return LEFT + share * PLOT[0]


def _up(share: float) -> float:
    return TOP + (1 - share) * PLOT[1]
