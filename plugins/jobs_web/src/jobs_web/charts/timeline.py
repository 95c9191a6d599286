"""What ran when: a row of bars for each job or worker, as wide as the page, so places are in percent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup

from jobs_core import Gap
from jobs_core.plugin_ui import visible
from jobs_web.texts import exact

LANE, BAR = 16, 11
"""The height of a lane, and of a bar in it, in pixels."""

LANES = 8
"""Lanes of a row at most. More bars at once are drawn over those of the last one."""

THIN = 0.25
"""The least width of a bar, in percent."""

HATCHED = frozenset(("dead", "failed", "lost"))
"""Outcomes whose bars are hatched. `cancelled` and `unleased` are hollow, `running` ends in an arrow."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown, in epoch seconds."""

    begin: float
    end: float

    def percent(self, time: float) -> float:
        """Return where a time is: 0 at the beginning and 100 at the end, and never outside."""
        return round(100 * min(1.0, max(0.0, (time - self.begin) / (self.end - self.begin))), 3)


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that took time, in epoch seconds.

    Args:
        state: How it ended, or `running`.
        begin: When it began.
        end: When it ended, or now.
        href: What the bar leads to.
        title: What it says when pointed at.
        due: When it was due: a thin line shows how long it waited.
    """

    state: str
    begin: float
    end: float
    href: str
    title: str
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that took no time, or of which only the time (epoch seconds) is known."""

    state: str
    time: float
    href: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is shown beside a name."""

    name: str
    href: str
    bars: Sequence[Bar] = ()
    marks: Sequence[Mark] = ()


def assign_lanes(bars: Iterable[Bar]) -> list[tuple[Bar, int]]:
    """Return bars by their beginning, each with the first lane in which it overlaps no other.

    >>> [lane for _, lane in assign_lanes([Bar("done", 0, 9, "", ""), Bar("done", 5, 6, "", "")])]
    [0, 1]
    """
    ends: list[float] = []
    found = []
    for bar in sorted(bars, key=lambda bar: (bar.begin, bar.end)):
        lane = next((n for n, end in enumerate(ends) if end <= bar.begin), len(ends))
        if lane == len(ends):
            ends.append(bar.end)
        ends[lane] = bar.end
        found.append((bar, min(lane, LANES - 1)))
    return found


def merge_thin(row: Row, window: Window) -> Row:
    """Return a row in which bars and marks that would be drawn over each other are one, if they ended alike.

    What is merged leads to where the row leads.
    """
    thin: dict[tuple[str, int], list[Bar]] = {}
    bars = []
    for bar in row.bars:
        begin = window.percent(bar.begin)
        if window.percent(bar.end) - begin < THIN:
            thin.setdefault((bar.state, int(begin / THIN)), []).append(bar)
        else:
            bars.append(bar)
    near: dict[tuple[str, int], list[Mark]] = {}
    for mark in row.marks:
        near.setdefault((mark.state, int(window.percent(mark.time) / THIN)), []).append(mark)
    bars += (_merged_bar(row, group) for group in thin.values())
    return Row(row.name, row.href, bars, [_merged_mark(row, group) for group in near.values()])


def _merged_bar(row: Row, group: Sequence[Bar]) -> Bar:
    if len(group) == 1:
        return group[0]
    begin, end = min(bar.begin for bar in group), max(bar.end for bar in group)
    title = f"{len(group)} {group[0].state}, from {exact(begin)} to {exact(end)}"
    return Bar(group[0].state, begin, end, row.href, title)


def _merged_mark(row: Row, group: Sequence[Mark]) -> Mark:
    if len(group) == 1:
        return group[0]
    begin, end = min(mark.time for mark in group), max(mark.time for mark in group)
    title = f"{len(group)} {group[0].state}, from {exact(begin)} to {exact(end)}"
    return Mark(group[0].state, (begin + end) / 2, row.href, title)


def timeline_row(row: Row, window: Window, gaps: Sequence[Gap], times: Sequence[float]) -> Markup:
    """Draw a row: gaps behind, then lines at `times`, bars and marks."""
    row = merge_thin(row, window)
    placed = assign_lanes(row.bars)
    height = LANE * (1 + max((lane for _, lane in placed), default=0))
    parts = [
        *(_gap(gap, window) for gap in gaps),
        *(
            Markup('<line class="line" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>').format(window.percent(time))
            for time in times
        ),
        *(_bar(bar, lane, window) for bar, lane in placed),
        *(_mark(mark, window) for mark in row.marks),
    ]
    count = len(row.bars) + len(row.marks)
    return Markup('<svg class="lanes" width="100%" height="{}" role="group" aria-label="{}">{}</svg>').format(
        height, f"{visible(row.name)}: {count} {'entry' if count == 1 else 'entries'}", Markup("").join(parts)
    )


def timeline_axis(window: Window, ticks: Sequence[tuple[float, str]]) -> Markup:
    """Draw the labels above the rows."""
    labels = Markup("").join(
        Markup('<text x="{}%" y="12">{}</text>').format(window.percent(time), label) for time, label in ticks
    )
    return Markup('<svg class="axis" width="100%" height="18" aria-hidden="true">{}</svg>').format(labels)


def timeline_key(state: str) -> Markup:
    """Draw what a bar or a mark of a state looks like, for the legend."""
    window, size = Window(0, 1), Markup('<svg class="key" width="26" height="{}" aria-hidden="true">{}</svg>')
    if state == "gap":
        return size.format(LANE, _gap(Gap("idle", 0, 1), window))
    if state in ("skipped", "failed", "end"):
        return size.format(LANE, _shape(Mark(state, 0.5, "", ""), window))
    return size.format(LANE, _rects(Bar(state, 0, 1, "", ""), 0, window))


def ticks_of(window: Window, step: timedelta, zone: tzinfo) -> list[tuple[float, str]]:
    """Return round times of a clock in the window, `step` apart, with their labels.

    Steps count from midnight, so they are as round on a day on which the clock changes.
    """
    return [
        (time, label) for time, label in _round_times(window, step, zone) if window.begin <= time < window.end
    ]


def _round_times(window: Window, step: timedelta, zone: tzinfo) -> Iterator[tuple[float, str]]:
    day = datetime.fromtimestamp(window.begin, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    is_daily = step >= timedelta(days=1)
    while day.timestamp() < window.end:
        local, next_day = day, day + timedelta(days=1)
        while local < next_day:
            yield local.timestamp(), f"{local:%a %d}" if is_daily else f"{local:%H:%M}"
            local += step
        day = next_day


def _gap(gap: Gap, window: Window) -> Markup:
    begin, end = window.percent(gap.begin), window.percent(gap.end)
    title = "nobody ticked" if gap.what == "idle" else "Redis's clock went back"
    return Markup(
        '<rect class="gap" x="{}%" y="0" width="{:.3f}%" height="100%"><title>{}</title></rect>'
    ).format(begin, max(THIN, end - begin), title)


def _bar(bar: Bar, lane: int, window: Window) -> Markup:
    wait = Markup("")
    if bar.due is not None and bar.due < bar.begin:
        wait = Markup('<line class="wait" x1="{0}%" x2="{1}%" y1="{2}" y2="{2}"/>').format(
            window.percent(bar.due), window.percent(bar.begin), LANE * lane + LANE / 2
        )
    return Markup('<a href="{}"><title>{}</title>{}{}</a>').format(
        bar.href, visible(bar.title), wait, _rects(bar, lane, window)
    )


def _rects(bar: Bar, lane: int, window: Window) -> Markup:
    x = window.percent(bar.begin)
    width = max(THIN, window.percent(bar.end) - x)
    place = (min(x, 100 - THIN), LANE * lane + (LANE - BAR) // 2, width, BAR)
    shape = Markup('<rect class="bar {}" x="{}%" y="{}" width="{:.3f}%" height="{}" rx="2"/>')
    found = shape.format(bar.state, *place)
    if bar.state in HATCHED:
        found += shape.format("hatch", *place)
    if bar.state == "running":
        found += Markup(
            '<svg x="{:.3f}%" y="{}" overflow="visible"><path class="running" d="M-1 0 5 5.5 -1 11z"/></svg>'
        ).format(place[0] + width, place[1])
    return found


def _mark(mark: Mark, window: Window) -> Markup:
    return Markup('<a href="{}"><title>{}</title>{}</a>').format(
        mark.href, visible(mark.title), _shape(mark, window)
    )


SHAPES = {
    "skipped": "M0 3 5 8 0 13 -5 8z",
    "coalesced": "M0 3 5 8 0 13 -5 8z",
    "failed": "M-4 4 4 12 M4 4-4 12",
    "lost": "M-4 4 4 12 M4 4-4 12",
}
"""A diamond for what did not run, a cross for an attempt that failed. Other ends are a line."""


def _shape(mark: Mark, window: Window) -> Markup:
    path = SHAPES.get(mark.state, "M0 2 V14")
    return Markup('<svg x="{}%" overflow="visible"><path class="mark {}" d="{}"/></svg>').format(
        window.percent(mark.time), mark.state, path
    )
