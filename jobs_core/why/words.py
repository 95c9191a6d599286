"""Times and facts as the sentences of an answer put them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jobs_core.changes import Change
from jobs_core.options import span
from jobs_core.runs import Gap, Run
from jobs_core.wording import when

NAMED = 3
"""Things of one kind that a sentence names at most."""


def took(start: float | None, end: float | None) -> str:
    """Return the time between two instants: `4s`. Below a second, it is in milliseconds.

    >>> took(10.0, 14.2)
    '4s'
    """
    if start is None or end is None:
        return "an unknown time"
    seconds = max(0.0, end - start)
    return f"{round(seconds * 1000)} ms" if seconds < 1 else span(round(seconds))


def who(change: Change | Mapping[str, Any]) -> str:
    """Return who made a change, and why: `ann@host ("release")`."""
    by, because = (
        (change.by, change.because)
        if isinstance(change, Change)
        else (change.get("paused-by"), change.get("paused-because"))
    )
    name = by if by and by != "-" else "somebody"
    return f'{name} ("{because}")' if because else name


def names(found: Iterable[str]) -> str:
    """Join names, and count those beyond the first few.

    >>> names(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    listed = list(found)
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")


def filled_by(tasks: Sequence[str]) -> str:
    """Say which tasks fill a limit.

    >>> filled_by(["a@1"])
    ', which a@1 fills'
    """
    return f", which {names(tasks)} {'fill' if len(tasks) > 1 else 'fills'}" if tasks else ""


def history_fact(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of the history as proof, without data: that may have all the output of a task."""
    return {"kind": "history"} | {name: value for name, value in entry.items() if name != "data"}


def run_fact(run: Run) -> dict[str, Any]:
    """Return a run as proof."""
    return {"kind": "run"} | {name: value for name, value in asdict(run).items() if value not in (None, "")}


def change_fact(change: Change) -> dict[str, Any]:
    """Return a change as proof."""
    return {
        "kind": "change",
        "time": change.time,
        "what": change.what,
        "by": change.by,
        "because": change.because,
    }


def gap_fact(gap: Gap) -> dict[str, Any]:
    """Return a gap as proof."""
    return {"kind": "gap"} | asdict(gap)


def task_fact(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return an open task as proof."""
    kept = ("id", "state", "due", "since", "until", "attempt", "worker", "queue", "history")
    return {"kind": "task"} | {name: task[name] for name in kept if name in task}


def gap_text(gap: Gap) -> str:
    """Describe a gap: `nobody ticked from … to …`."""
    if gap.what == "idle":
        return f"nobody ticked from {when(gap.begin)} to {when(gap.end)}"
    return f"the clock of Redis jumped from {when(gap.begin)} to {when(gap.end)}"
