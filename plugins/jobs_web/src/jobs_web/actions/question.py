"""What an action asks before it changes anything, and whether that still holds when it is confirmed.

A question about all that match says how many there are, and its form carries a mark of which. Others may
match by the time somebody confirms. Then it is asked again, so that nobody acts on what they were not shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from starlette.datastructures import FormData

from jobs_web.actions.fields import text

ASKED = "asked"
"""The field of a confirmed form with the mark of what was asked about."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and a mark of what it is about: see `mark_of`."""

    text: str
    mark: str


class ChangedError(Exception):
    """What matches is no longer what the question was about, so that it must be asked again."""


def mark_of(ids: Iterable[str]) -> str:
    """Return a short text that differs for different sets of ids, in whatever order they come.

    It begins with how many there are.

    >>> mark_of(["a", "b"]) == mark_of(["b", "a"]) != mark_of(["a"])
    True
    """
    count, digests = 0, 0
    for id in ids:
        count += 1
        digests ^= int.from_bytes(blake2b(id.encode("utf-8", "surrogateescape"), digest_size=16).digest())
    return f"{count}-{digests:x}"


def require_asked(form: FormData, ids: Iterable[str]) -> None:
    """Raise ChangedError unless the question was about exactly these ids."""
    if text(form, ASKED) != mark_of(ids):
        raise ChangedError


def change_text(form: FormData, question: Question) -> str | None:
    """Say how what matches has changed since the question before; None if there was none.

    >>> change_text(FormData({ASKED: mark_of("ab")}), Question("Run 3 jobs?", mark_of("abc")))
    'What matches has changed since you were asked: then it was 2.'
    """
    asked = text(form, ASKED)
    if asked is None:
        return None
    was, now = (mark.partition("-")[0][:12] for mark in (asked, question.mark))
    then = "as many match, but others" if was == now else f"then it was {was}"
    return f"What matches has changed since you were asked: {then}."
