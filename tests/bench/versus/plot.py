"""The plot of docs/performance.md: ratios to Chromium as bars, in SVG for a light or a dark page."""

from collections.abc import Sequence
from html import escape

from tests.bench.versus.goals import Reached

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 760, 270, 60, 24, 40
_FULL = 1.25
_STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #57606a }
.name { text-anchor: end } .bar { fill: #6e7ff3 } .missed { fill: #d29922 }
.one { stroke: #57606a; stroke-dasharray: 3 3 } .span { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } .span { stroke: #f0f6fc } }
</style>"""


def plot(found: Sequence[Reached]) -> str:
    """Each goal that has a ratio as a bar, its range over the pairs as a line; Chromium is 1."""
    rows = [one for one in found if one.ratio is not None and one.goal.bound.endswith(("×", "ms"))]
    height = _TOP + _ROW * len(rows) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>The program’s figures as shares of Chromium’s; shorter is better</title>",
        _STYLE,
        f'<text x="{_x(1):.0f}" y="18" text-anchor="middle">Chromium</text>',
        f'<line class="one" x1="{_x(1):.0f}" x2="{_x(1):.0f}" y1="26" y2="{height - 8}"/>',
    ]
    for number, one in enumerate(rows):
        lines += _bar(one, _TOP + number * _ROW)
    return "\n".join([*lines, "</svg>", ""])


def _bar(one: Reached, top: int) -> list[str]:
    assert one.ratio is not None
    middle, low, high = one.ratio
    kind = "bar" if one.kept else "bar missed"
    name = f"{one.goal.stream}  {one.goal.title.rsplit(',', 1)[0]}"
    at = top + _ROW // 2 - 3
    return [
        f'<text class="name" x="{_LEFT - 10}" y="{top + 13}">{escape(name)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{_x(middle) - _LEFT:.0f}" height="16" rx="2"/>',
        f'<line class="span" x1="{_x(low):.0f}" x2="{_x(high):.0f}" y1="{at}" y2="{at}"/>',
        f'<text x="{max(_x(middle), _x(high)) + 6:.0f}" y="{top + 13}">{middle:.2f}</text>',
    ]


def _x(ratio: float) -> float:
    return _LEFT + min(ratio, _FULL) / _FULL * (_WIDTH - _LEFT - _RIGHT)
