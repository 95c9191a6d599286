"""Actions on queues and runners: set or remove a limit, trim a queue."""

from __future__ import annotations

from typing import Literal, cast

from starlette.datastructures import FormData

from jobs_core import OptionError
from jobs_web.actions.fields import required, text
from jobs_web.site import View


def limit(view: View, form: FormData) -> str:
    """Set the limit of a queue or runner. Without any number, remove it."""
    kind, name = _subject(form)
    concurrency, length = _count(form, "concurrency"), _count(form, "max_length")
    rate = text(form, "rate")
    view.board.limit(
        kind, name, concurrency=concurrency, rate=rate, max_length=length, because=text(form, "because")
    )
    is_limited = concurrency is not None or rate or length is not None
    return f"Limited the {kind} {name}." if is_limited else f"The {kind} {name} has no limit."


def unlimit(view: View, form: FormData) -> str:
    """Remove the limit of a queue or runner."""
    kind, name = _subject(form)
    view.board.limit(kind, name, because=text(form, "because"))
    return f"The {kind} {name} has no limit."


def trim(view: View, form: FormData) -> str:
    """Drop the oldest tasks of a queue."""
    queue, keep = required(form, "queue"), _count(form, "keep") or 0
    dropped = view.board.trim(queue, keep, because=text(form, "because"))
    return f"Dropped {dropped:,} task{'s' * (dropped != 1)} of the queue {queue}."


def ask_trim(view: View, form: FormData) -> str:
    """Return the question before a queue is trimmed."""
    queue, keep = required(form, "queue"), _count(form, "keep") or 0
    waiting = sum(item.length for item in view.board.top(100).waiting_queues if item.queue == queue)
    return f"Drop {max(0, waiting - keep):,} of the {waiting:,} tasks that wait in the queue {queue}?"


def _subject(form: FormData) -> tuple[Literal["queue", "runner"], str]:
    kind = required(form, "kind")
    if kind not in ("queue", "runner"):
        raise OptionError(f"kind: expected queue or runner, got {kind!r}", option="kind")
    return cast(Literal["queue", "runner"], kind), required(form, "name")


def _count(form: FormData, name: str) -> int | None:
    value = text(form, name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal()):
        raise OptionError(f"{name.replace('_', '-')}: expected a whole number, got {value!r}", option=name)
    return int(value)
