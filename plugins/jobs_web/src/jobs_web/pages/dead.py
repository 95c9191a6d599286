"""Dead letters: tasks that have failed for good, by job and code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from jobs_core import ListPage
from jobs_web.filters import code_of, filter_text, task_filters
from jobs_web.offsets import offset_in_sorted, offset_of
from jobs_web.site import Page, View

ROWS = 50
"""Dead letters on a page."""

SCAN = 1000
"""Dead letters that are counted by job and code. If there are no more, they are sorted by when they died."""

GROUPS = 20
"""Groups that are shown."""


def dead(view: View) -> Page:
    """List dead letters that match the fields of the query: job, code, runner, queue, label, age."""
    query, filters = view.query, task_filters(view.query)
    code, cursor = query.get("code") or None, query.get("cursor") or None
    scanned = list(islice(view.board.dead(**filters), SCAN + 1))
    is_all = len(scanned) <= SCAN

    def read(cursor: str | None) -> ListPage:
        return view.board.task_page(cursor, ROWS, state="dead", **filters)

    if is_all:
        letters, following = _sorted_page(scanned, code, offset_in_sorted(cursor, read))
    else:
        page = read(None if offset_of(cursor) is not None else cursor)
        letters, following = _with_code(page.items, code), page.next
    return Page(
        "dead.html",
        {
            "letters": letters,
            "next": following,
            "groups": _groups(scanned[:SCAN]),
            "scanned": None if is_all else SCAN,
            "filtered": filter_text(query),
            "code": code,
            "filter": urlencode({name: value for name, value in query.items() if name != "cursor"}),
        },
    )


def _groups(letters: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str], int]]:
    """Count letters by job and code, the most first. One alone is no group."""
    counts = Counter((letter["job"], code_of(letter)) for letter in letters)
    return [(key, count) for key, count in counts.most_common(GROUPS) if count > 1]


def _sorted_page(
    letters: Sequence[Mapping[str, Any]], code: str | None, first: int
) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """Return a page of few dead letters, the latest first. Its cursor is how many come before it."""
    found = sorted(_with_code(letters, code), key=lambda letter: (-letter["since"], letter["ticket"]))
    last = first + ROWS
    return found[first:last], str(last) if last < len(found) else None


def _with_code(letters: Sequence[Mapping[str, Any]], code: str | None) -> Sequence[Mapping[str, Any]]:
    return [letter for letter in letters if code is None or code_of(letter) == code]
