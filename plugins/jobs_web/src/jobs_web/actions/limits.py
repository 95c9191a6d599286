"""Actions on queues and runners: set or remove a limit, trim a queue."""

from __future__ import annotations

from typing import Literal, cast

from starlette.datastructures import FormData

from jobs_core import OptionError
from jobs_web.actions.fields import required, text
from jobs_web.actions.question import ASKED, Question
from jobs_web.site import View
from jobs_web.texts import counted


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
    """Drop the oldest tasks of a queue: no more than was asked about, however many have come since."""
    queue, keep, asked = required(form, "queue"), _count(form, "keep") or 0, _count(form, ASKED)
    if asked is not None:
        keep = max(keep, _waiting(view, queue) - asked)
    dropped = view.board.trim(queue, keep, because=text(form, "because"))
    return f"Dropped {counted(dropped, 'task')} of the queue {queue}."


def ask_trim(view: View, form: FormData) -> Question:
    """Return the question before a queue is trimmed."""
    queue, keep = required(form, "queue"), _count(form, "keep") or 0
    waiting = _waiting(view, queue)
    drop = max(0, waiting - keep)
    tasks = f"the {counted(waiting, 'task')} that wait{'s' * (waiting == 1)} in the queue {queue}"
    return Question(f"Drop {drop:,} of {tasks}? The oldest are dropped first.", str(drop))


def _waiting(view: View, queue: str) -> int:
    return view.board.count().get(f"queue:{queue}", 0)


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
