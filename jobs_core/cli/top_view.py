"""The view of `jobs top`, as lines that fit a terminal of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from jobs_core.cli.table import Column, Layout, as_cell, cut
from jobs_core.options import span
from jobs_core.top import RunningTask, Top, WaitingQueue

WIDE = 100
"""From this width on, there are more columns."""

TALL = 16
"""From this height on, empty lines separate the sections."""

RATES = ("due", "done", "dead", "cancelled", "retried", "lost")


class Line(NamedTuple):
    """A line of the view, and its style as rich names it."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is shown at one moment.

    Args:
        name: The name of the board.
        server: Where Redis is.
        top: The latest look at the board.
        earlier: The look before it, for the rates.
        trouble: Why there is no newer look, or "". It takes the place of the first line.
        hint: What keys do, or "".
    """

    name: str
    server: str
    top: Top
    earlier: Top | None = None
    trouble: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A table whose title is the header of its first column, and how many rows the board has."""

    title: str
    count: int
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    styles: Sequence[str]

    def lines(self, most: int, width: int) -> Iterator[Line]:
        """Format the header and at most `most` rows."""
        rows = self.rows[:most]
        columns = [Column(_title(self.title, len(rows), self.count)), *self.columns]
        layout = Layout(columns, rows, width)
        yield Line(layout.line([column.name for column in columns]), "bold")
        for row, style in zip(rows, self.styles, strict=False):
            yield Line(layout.line(row), style)


def render(frame: Frame, width: int, height: int) -> list[Line]:
    """Return at most `height` lines of at most `width` columns. Control characters are escaped."""
    top, is_wide, is_tall = frame.top, width >= WIDE, height >= TALL
    sections = [_tasks(top, is_wide), _queues(top), _workers(top, is_wide)]
    lines = list(_head(frame))
    room = height - len(lines) - len(sections) * (1 + is_tall)
    for section, most in zip(sections, share(room, [len(each.rows) for each in sections]), strict=True):
        lines += [Line("")] * is_tall
        lines += section.lines(most, width)
    if frame.trouble:
        lines = [Line(as_cell(frame.trouble), "bold red"), *(Line(line.text, "dim") for line in lines[1:])]
    return [Line(cut(line.text, width), line.style) for line in lines[:height]]


def share(room: int, wanted: Sequence[int]) -> list[int]:
    """Distribute rows among sections evenly. What one does not need goes to the others.

    >>> share(10, [8, 1, 20])
    [5, 1, 4]
    """
    given = [0] * len(wanted)
    while room > 0 and any(got < want for got, want in zip(given, wanted, strict=True)):
        for index, want in enumerate(wanted):
            if given[index] < want and room > 0:
                given[index] += 1
                room -= 1
    return given


def _head(frame: Frame) -> Iterator[Line]:
    top = frame.top
    clock = datetime.fromtimestamp(top.time).astimezone().strftime("%H:%M:%S")
    yield Line(_joined(clock, as_cell(frame.name), frame.hint, as_cell(frame.server)), "bold")
    yield _state(top)
    more = "+" if top.partial else ""
    yield Line(
        _joined(
            f"running {top.leased:,}",
            f"queued {top.queued:,}{more}",
            f"held {top.held:,}{more}",
            f"delayed {top.delayed:,}",
            f"dead letters {top.dead:,}",
            f"jobs {top.jobs:,}",
        )
    )
    rates = top.rates_since(frame.earlier) if frame.earlier else {}
    shown = (f"{name} {_rate(rates.get(name))}" for name in RATES)
    yield Line("per second: " + _joined(*shown))


def _state(top: Top) -> Line:
    """Say how late the board is, with its jobs and its queued tasks, and how many jobs fail."""
    overdue = f"{top.overdue:,} overdue, late by {_seconds(top.late)}" if top.overdue else ""
    waited = f"queued tasks late by {_seconds(top.waited)}" if top.waited >= 1 else ""
    failing = f"{top.failing:,} failing" if top.failing else "no job failing"
    is_late = top.overdue and top.late >= 1
    style = "red" if is_late else "yellow" if top.failing or waited else "green"
    return Line(_joined(*([overdue, waited] if overdue or waited else ["nothing overdue"]), failing), style)


def _tasks(top: Top, is_wide: bool) -> Section:
    found = top.running_tasks
    columns = [
        *([Column("job"), Column("runner")] if is_wide else []),
        Column("worker"),
        Column("for", whole=True),
        Column("left", whole=True),
        *([Column("progress", whole=True), Column("note")] if is_wide else []),
    ]

    def row(task: RunningTask) -> Iterable[Any]:
        yield task.task
        if is_wide:
            yield from (task.job, task.runner or "-")
        yield task.worker or "-"
        yield "-" if task.since is None else _seconds(top.time - task.since)
        yield "-" if task.ends is None else _seconds(task.ends - top.time)
        if is_wide:
            yield from ("-" if task.progress is None else f"{task.progress:g}%", task.note)

    def style(task: RunningTask) -> str:
        return "red" if task.ends is not None and task.ends <= top.time else ""

    return _section("running", top.leased, columns, found, row, style)


def _queues(top: Top) -> Section:
    found = top.waiting_queues
    columns = [Column("waiting", whole=True), Column("oldest", whole=True)]

    def row(queue: WaitingQueue) -> Iterable[Any]:
        age = "-" if queue.oldest is None else _seconds(top.time - queue.oldest)
        return queue.queue, f"{queue.length:,}", age

    return _section("queues", top.queues, columns, found, row, lambda _: "")


def _workers(top: Top, is_wide: bool) -> Section:
    found = top.seen_workers
    columns = [
        Column("state", whole=True),
        Column("load", whole=True),
        Column("seen", whole=True),
        *([Column("host"), Column("queues")] if is_wide else []),
    ]

    def row(worker: Mapping[str, Any]) -> Iterable[Any]:
        load = f"{worker.get('running', '?')} of {worker['concurrency']}" if "concurrency" in worker else "-"
        yield from (worker["worker"], worker["state"], load, f"{_seconds(top.time - worker['seen'])} ago")
        if is_wide:
            yield from (worker.get("host", "-"), ", ".join(worker["queues"]))

    def style(worker: Mapping[str, Any]) -> str:
        return "red" if worker["state"] == "silent" else ""

    return _section("workers", top.workers, columns, found, row, style)


def _section(
    title: str,
    count: int,
    columns: Sequence[Column],
    items: Sequence[Any],
    row: Callable[[Any], Iterable[Any]],
    style: Callable[[Any], str],
) -> Section:
    rows = [[as_cell(value) for value in row(item)] for item in items]
    return Section(title, count, columns, rows, [style(item) for item in items])


def _title(name: str, shown: int, count: int) -> str:
    """Format a title: `running 3`, or `running 20 of 300` if not all are shown."""
    return f"{name} {count:,}" if shown >= count else f"{name} {shown:,} of {count:,}"


def _seconds(seconds: float) -> str:
    """Format a duration to the second, with at most two units: 2h5m."""
    whole = max(0, int(seconds))
    for unit, part in ((86400, 3600), (3600, 60)):
        if whole >= unit:
            whole -= whole % part
            break
    return span(whole)


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def _joined(*parts: str) -> str:
    return "  ".join(filter(None, parts))
