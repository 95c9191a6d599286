"""What was changed on a board, by whom, and what was before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.errors import OptionError
from jobs_core.options import JOB_OPTIONS, Time, to_pairs

PAGE = 100
"""Changes to read at once."""

_JOB_ORDER = ("runner", "payload", "state", "next", *JOB_OPTIONS)

_FILTERS = frozenset(("job", "from", "to", "payload"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a board, as the call that made it.

    Attributes:
        id: Its id on the board.
        time: When it was made, in epoch seconds.
        what: put, edit, pause, resume, remove, apply, alert, limit, push, backfill, cancel, retry, purge,
            trim or retain.
        by: Who made it, such as `ann@web-1`; `-` if that is not known.
        because: Why, if somebody said so.
        jobs: The ids of the jobs it is about.
        target: The board file, alert (`alert:ops`), queue, runner, task or backfill that it is about.
        count: How many tasks were cancelled, trimmed, retried or purged.
        before: What was before: the job as `show` returns it, the limit, or the bounds. None if there was
            nothing, or the change is about several jobs: ask for one of them.
        after: The same, after the change.
        payload_changed: Whether the payload of the job changed.
    """

    id: str
    time: float
    what: str
    by: str = "-"
    because: str | None = None
    jobs: tuple[str, ...] = ()
    target: str | None = None
    count: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    payload_changed: bool = False

    @property
    def differences(self) -> list[str]:
        """The names of the options that differ, without the state and the next run."""
        before, after = self.before, self.after
        if before is None or after is None:
            return []
        names = dict.fromkeys((*before, *after))
        return [name for name in names if name not in _STATE and before.get(name) != after.get(name)]


_STATE = frozenset(
    ("next", "state", "left", "payload-bytes", "paused-at", "paused-by", "paused-because", "paused-until")
)
"""The state of a job, beside its options."""


def changes_arguments(
    job: str | None, from_: Time | None, to: Time | None, payload: bool, cursor: str | None, most: int | None
) -> Sequence[Any]:
    """Return the arguments of a JCHANGES for the page after `cursor`, of at most `most` changes.

    Raises:
        OptionError: `most` is below 1.
    """
    if most is not None and most < 1:
        raise OptionError(f"limit: expected a whole number above 0, got {most}", option="limit")
    filters = to_pairs({"job": job, "from": from_, "to": to, "payload": 1 if payload else None}, _FILTERS)
    return (*filters, "count", min(PAGE, most or PAGE), *(("before", cursor) if cursor else ()))


def as_change(text: str) -> Change:
    """Read one change of a JCHANGES reply."""
    found: dict[str, Any] = json.loads(text)
    jobs = [found.pop("job")] if "job" in found else found.pop("jobs", [])
    payload_changed = found.pop("payload-changed", False)
    found |= {name: _in_order(found[name]) for name in ("before", "after") if name in found}
    return Change(**found, jobs=tuple(jobs), payload_changed=payload_changed)


def _in_order(side: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job with the most interesting fields first, and other things by name."""
    return {name: side[name] for name in dict.fromkeys((*_JOB_ORDER, *sorted(side))) if name in side}


def as_plain(change: Change) -> dict[str, Any]:
    """Return a change as JSON has it: without what is not known, and with the names of what differs."""
    fields = {name: getattr(change, name) for name in (*change.__dataclass_fields__, "differences")}
    return {
        name: list(value) if name == "jobs" else value
        for name, value in fields.items()
        if value not in (None, (), [], False)
    }


def as_changes(reply: Sequence[Any]) -> tuple[str | None, list[Change]]:
    """Read a JCHANGES reply: the cursor of the next page, if there is one, and the changes."""
    cursor, page = reply
    return (None if cursor == "0" else str(cursor)), [as_change(text) for text in page]
