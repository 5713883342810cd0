"""Charts as SVG markup: pure functions from data to text, no script.

Geometry is in per cent of the drawing, so that a chart is sharp at every width; colours come from the style sheet by
class. Each chart has a title and a description; the page puts a table of the same data beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_PLOT_TOP, _PLOT_BOTTOM = 6.0, 88.0  # per cent of the height; day labels stand below
_MAX_LABELS = 7
_GAP = 0.24  # of a slot


@dataclass(frozen=True, slots=True)
class Bar:
    """One stacked bar: what passed below, what failed above. `label` is short ("3 Mar"), `told` is read out."""

    label: str
    told: str
    passed: int
    failed: int

    @property
    def total(self) -> int:
        """The height of the bar."""
        return self.passed + self.failed


def stacked_bars(bars: Sequence[Bar], *, title: str, description: str, name: str = "chart") -> Markup:
    """Bars side by side over time. `name` makes the ids of title and description unique on a page."""
    top = nice_ceiling(max((bar.total for bar in bars), default=0))
    parts = [_grid(top), *(_slot(bar, place, count=len(bars), top=top) for place, bar in enumerate(bars)), _scale(top)]
    parts += [_day_label(bars[place].label, place, count=len(bars)) for place in label_places(len(bars))]
    return _svg("chart chart-bars", Markup("").join(parts), title=title, description=description, name=name)


def share_bar(part: int, whole: int, *, told: str) -> Markup:
    """One horizontal bar: `part` of `whole` as passed, the rest as failed."""
    good = _percent(100 * part / whole) if whole > 0 else "0"
    rest = Markup('<rect class="fail" width="100%" height="100%" rx="2"/>') if 0 <= part < whole else ""
    pass_ = Markup('<rect class="pass" width="{}%" height="100%" rx="2"/>').format(good) if part > 0 else ""
    return Markup(
        '<svg class="chart chart-share" role="img" aria-label="{}">'
        '<rect class="track" width="100%" height="100%" rx="2"/>{}{}</svg>'
    ).format(told, rest, pass_)


def nice_ceiling(value: int) -> int:
    """The smallest of 4, 10, 20, 40, 100, ... (halves are round, too) that is not below `value`."""
    step = 1
    while True:
        for factor in (2, 4, 10):
            if factor * step >= max(value, 4):
                return factor * step
        step *= 10


def label_places(count: int) -> list[int]:
    """Which of `count` bars are labelled: evenly spread, at most seven, the first among them."""
    if count == 0:
        return []
    stride = -(-count // _MAX_LABELS)
    return list(range(0, count, stride))


def _slot(bar: Bar, place: int, *, count: int, top: int) -> Markup:
    width = 100 / count
    left = place * width
    hit = Markup('<rect class="hit" x="{}%" y="0" width="{}%" height="{}%"/>').format(
        _percent(left), _percent(width), _percent(_PLOT_BOTTOM)
    )
    passed_at = _height(bar.passed, top)
    good = _rect("pass", left, width, low=0, high=passed_at)
    bad = _rect("fail", left, width, low=passed_at, high=_height(bar.total, top))
    return Markup('<g class="slot"><title>{}</title>{}{}{}</g>').format(bar.told, hit, good, bad)


def _rect(kind: str, left: float, width: float, *, low: float, high: float) -> Markup:
    if high <= low:
        return Markup("")
    return Markup('<rect class="{}" x="{}%" y="{}%" width="{}%" height="{}%" rx="1.5"/>').format(
        kind,
        _percent(left + width * _GAP / 2),
        _percent(_PLOT_BOTTOM - high),
        _percent(width * (1 - _GAP)),
        _percent(high - low),
    )


def _height(value: int, top: int) -> float:
    return (_PLOT_BOTTOM - _PLOT_TOP) * value / top


def _grid(top: int) -> Markup:
    line = Markup('<line class="{}" x1="0" x2="100%" y1="{}%" y2="{}%"/>')
    places = {value: _percent(_PLOT_BOTTOM - _height(value, top)) for value in (top, top // 2, 0)}
    return Markup("").join(line.format("grid" if value else "base", y, y) for value, y in places.items())


def _scale(top: int) -> Markup:
    text = Markup('<text x="0" y="{}%" dy="-4" aria-hidden="true">{}</text>')
    places = {value: _percent(_PLOT_BOTTOM - _height(value, top)) for value in (top, top // 2)}
    return Markup("").join(text.format(y, f"{value:,}") for value, y in places.items())


def _day_label(label: str, place: int, *, count: int) -> Markup:
    minor = " minor" if label_places(count).index(place) % 2 else ""
    anchor, x = ("start", 0.0) if place == 0 else ("middle", (place + 0.5) * 100 / count)
    return Markup('<text class="day{}" x="{}%" y="99%" text-anchor="{}" aria-hidden="true">{}</text>').format(
        minor, _percent(x), anchor, label
    )


def _svg(classes: str, body: Markup, *, title: str, description: str, name: str) -> Markup:
    return Markup(
        '<svg class="{0}" role="img" aria-labelledby="{1}-title {1}-desc">'
        '<title id="{1}-title">{2}</title><desc id="{1}-desc">{3}</desc>{4}</svg>'
    ).format(classes, name, title, description, body)


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
