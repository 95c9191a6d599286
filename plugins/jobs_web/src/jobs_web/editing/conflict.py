"""What to do when a job was changed since its form was opened: merge both, and show where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from jobs_core import Board, Change
from jobs_web.editing.draft import NAMES, Draft, fields_of

CHANGES = 20
"""Changes to look at, at most."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else has changed since the form was opened.

    Args:
        name: Its name.
        opened: The value that the form was opened with.
        theirs: The value now.
        typed: The value that was typed.
    """

    name: str
    opened: str
    theirs: str
    typed: str

    @property
    def is_disputed(self) -> bool:
        """Whether both have changed it, differently."""
        return self.typed not in (self.opened, self.theirs)


def merge(board: Board, draft: Draft, job: Mapping[str, Any]) -> tuple[Draft, list[Difference]]:
    """Merge a draft with the job as it is now: of each field, what was typed, or else what it is now.

    Returns:
        A draft that is based on the job as it is now, and the fields that others have changed.
    """
    theirs, changed = fields_of(job), set(draft.changed)
    if draft.keeps_payload:
        theirs.pop("payload", None)
    typed = {name: (draft.typed if name in changed else theirs).get(name, "") for name in NAMES}
    found = [
        Difference(name, draft.opened.get(name, ""), theirs.get(name, ""), draft.typed.get(name, ""))
        for name in NAMES
        if theirs.get(name, "") != draft.opened.get(name, "") and name != "next"
    ]
    merged = Draft(
        draft.id,
        False,
        {name: text for name, text in typed.items() if text},
        theirs,
        job.get("etag", ""),
        latest_change(board, draft.id),
        draft.because,
        draft.keeps_payload,
    )
    return merged, found


def changes_since(board: Board, draft: Draft) -> list[Change]:
    """Return how a job was changed since its form was opened, newest first."""
    found = board.changes(draft.id, limit=CHANGES)
    return [one for one in takewhile(lambda one: one.id != draft.seen, found) if one.what != "push"]


def latest_change(board: Board, id: str) -> str:
    """Return the id of the latest change of a job, to find those after it; empty if none is recorded."""
    return next((one.id for one in board.changes(id, limit=1)), "")
