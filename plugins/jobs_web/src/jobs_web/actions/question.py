"""What an action asks before it changes anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and a mark of what it is about: see `jobs_web.actions.selection.mark_of`."""

    text: str
    mark: str

    def __str__(self) -> str:
        return self.text
