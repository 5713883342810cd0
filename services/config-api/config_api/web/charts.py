"""Charts as SVG markup: pure functions from data to text, no script.

Geometry is in per cent of the drawing, so that a chart is sharp at every width; colours come from the style sheet by
class. Each chart has a title and a description; the page puts a table of the same data beside it. Each bar carries its
days, what is said of it and where it leads; `static/js/chart.js` shows that on hover, touch and keyboard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

_PLOT_TOP, _PLOT_BOTTOM = 6.0, 88.0  # per cent of the height; day labels stand below
_MAX_LABELS = 7
_MAX_LINES = 5  # of the grid, the base not counted
_GAP = 0.24  # of a slot


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of value that a bar stacks: `key` is its class in the style sheet, `name` what it is called."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One stacked bar of days, ISO dates, both included. `values` are from the bottom up, one for each series."""

    label: str
    span: str
    since: str
    until: str
    values: tuple[int, ...]
    href: str = ""

    @property
    def total(self) -> int:
        """The height of the bar."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with what their values are. `noun` is what is counted."""

    series: tuple[Series, ...]
    bars: Sequence[Bar]
    noun: str = "messages"

    @property
    def total(self) -> int:
        """The sum of all bars."""
        return sum(bar.total for bar in self.bars)

    def told(self, bar: Bar) -> str:
        """A bar in words: "1 Mar 2026: 90 messages; Passed 88, Failed 2"."""
        if not bar.total:
            return f"{bar.span}: no {self.noun}"
        parts = [f"{each.name} {value:,}" for each, value in zip(self.series, bar.values, strict=True) if value]
        return f"{bar.span}: {bar.total:,} {self.noun}; {', '.join(parts)}"


ALIGNMENT = (
    Series("pass", "DKIM and SPF"),
    Series("dkim", "DKIM only"),
    Series("spf", "SPF only"),
    Series("fail", "Neither"),
)
PASS_FAIL = (Series("pass", "Passed"), Series("fail", "Failed"))


def stacked_bars(chart: Chart, *, title: str, description: str, name: str = "chart") -> Markup:
    """Bars side by side over time. `name` makes the ids of title and description unique on a page."""
    lines = ticks(max((bar.total for bar in chart.bars), default=0))
    bars = chart.bars
    parts = [
        _grid(lines),
        *(_slot(chart, bar, place, top=lines[-1]) for place, bar in enumerate(bars)),
        _scale(lines),
        *(_day_label(bars[place].label, place, count=len(bars)) for place in label_places(len(bars))),
    ]
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


def ticks(value: int) -> list[int]:
    """Round values for the lines of a grid, 0 first, evenly apart; the last is the first one not below `value`."""
    step = next(step for step in _round_steps() if step * _MAX_LINES >= value)
    return [step * n for n in range(max(-(-value // step), 2) + 1)]


def label_places(count: int) -> list[int]:
    """Which of `count` bars are labelled: evenly spread, at most seven, the first among them."""
    if count == 0:
        return []
    stride = -(-count // _MAX_LABELS)
    return list(range(0, count, stride))


def _round_steps() -> Iterator[int]:
    scale = 1
    while True:
        yield from (scale, 2 * scale, 5 * scale)
        scale *= 10


def _slot(chart: Chart, bar: Bar, place: int, *, top: int) -> Markup:
    width = 100 / len(chart.bars)
    left = place * width
    drawn, low = [], 0
    for each, value in zip(chart.series, bar.values, strict=True):
        drawn.append(_rect(each.key, left, width, low=_height(low, top), high=_height(low + value, top)))
        low += value
    hit = Markup('<rect class="hit" x="{}%" y="0" width="{}%" height="{}%"/>').format(
        _percent(left), _percent(width), _percent(_PLOT_BOTTOM)
    )
    return Markup('<g class="slot" data-since="{}" data-until="{}" data-href="{}" data-told="{}">{}{}</g>').format(
        bar.since, bar.until, bar.href, chart.told(bar), hit, Markup("").join(drawn)
    )


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


def _grid(lines: Sequence[int]) -> Markup:
    line = Markup('<line class="{}" x1="0" x2="100%" y1="{}%" y2="{}%"/>')
    places = {value: _percent(_PLOT_BOTTOM - _height(value, lines[-1])) for value in lines}
    return Markup("").join(line.format("grid" if value else "base", y, y) for value, y in places.items())


def _scale(lines: Sequence[int]) -> Markup:
    """The values of the lines, left of the drawing, where the style sheet leaves room."""
    text = Markup('<text x="0" y="{}%" dx="-8" dy="4" text-anchor="end" aria-hidden="true">{}</text>')
    places = {value: _percent(_PLOT_BOTTOM - _height(value, lines[-1])) for value in lines}
    return Markup("").join(text.format(y, _short(value)) for value, y in places.items())


def _short(value: int) -> str:
    """A round number in few characters: "500", "2.5k", "10M"."""
    for scale, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= scale:
            return f"{value / scale:g}{letter}"
    return str(value)


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
