"""Whole payloads and outputs as plain text, where a page shows a part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from starlette.exceptions import HTTPException

from jobs_core import NotFoundError
from jobs_web.job_texts import json_text
from jobs_web.pages.open_tasks import find_tasks
from jobs_web.payloads import payload_for
from jobs_web.site import View


def job_payload(view: View) -> Iterable[str]:
    """Return the payload of the job that the field `id` of the query names."""
    return [json_text(payload_for(view.board.show(view.query.get("id", ""))["payload"], view.user))]


def task_payload(view: View) -> Iterable[str]:
    """Return the payload of a task that has not ended, or is dead."""
    found, _ = find_tasks(view.board, task=view.query.get("id", ""), payload=True)
    if not found:
        raise HTTPException(404, "There is no such task any more, so its payload is not known.")
    return [json_text(payload_for(found[0]["payload"], view.user))]


def task_output(view: View) -> Iterable[str]:
    """Return all that is kept of what a task printed, a line after the other."""
    id = view.query.get("id", "")
    lines = _begun(view.board.output, id) or _begun(view.board.logs, id)
    if lines is None:
        raise HTTPException(404, "Nothing that this task printed is kept.")
    return map(_line, lines)


def _begun(read: Callable[[str], Iterator[Mapping[str, Any]]], id: str) -> Iterator[Mapping[str, Any]] | None:
    """Return lines, of which the first is there already; None if nothing is kept."""
    lines = read(id)
    try:
        return chain([next(lines)], lines)
    except (NotFoundError, StopIteration):
        return None


def _line(entry: Mapping[str, Any]) -> str:
    if "line" in entry:
        return f"{entry['line']}\n"
    if "missing" in entry:
        return f"[{entry['missing']} lines missing]\n"
    if "what" in entry:
        return f"[attempt {entry['attempt']}: {entry['what']}]\n"
    return ""


WHOLE: Mapping[str, Callable[[View], Iterable[str]]] = {
    "/job/payload": job_payload,
    "/task/payload": task_payload,
    "/task/output": task_output,
}
"""What is answered as plain text, by its path."""
