"""The page of a task: where it is, its attempts, what it printed, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from jobs_core import Board, NotFoundError, OptionError, Run
from jobs_core.plugin_ui import WORK_OPTIONS
from jobs_web.job_texts import clock_of
from jobs_web.pages.job import answer
from jobs_web.pages.open_tasks import find_tasks
from jobs_web.pages.printed import Printed, kept_log, kept_output, logs_of_runs
from jobs_web.site import Page, View

ENTRIES = 100
"""Entries of the history to read at most."""

LATEST = 20
"""Runs of a job whose output is read to find that of a task."""

MOST = 1_000_000
"""More attempts than any task has."""

RUNNING = ("leased", "accepted")
"""The states of a task that somebody works on."""


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt at a task, as far as it is known. Times are in epoch seconds."""

    number: int
    outcome: str
    worker: str = ""
    started: float | None = None
    ended: float | None = None
    code: str = ""
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def task(view: View) -> Page:
    """Show the task that the field `id` of the query names."""
    board, id = view.board, view.query.get("id", "")
    if not id:
        raise OptionError("id: expected the id of a task, such as /task?id=report@1763900005000", option="id")
    found, is_complete = find_tasks(board, task=id, payload=True)
    open_task = found[0] if found else None
    run = None if open_task and open_task["state"] != "dead" else _run(board, id)
    entries = list(islice(board.history(task=id), ENTRIES))[::-1]
    state = open_task["state"] if open_task else run.outcome if run else _end(entries)
    tries = attempts(open_task, run, entries)
    job = _job_of(board, id)
    data = {
        "id": id,
        "task": open_task or {},
        "job": id.rpartition("@")[0],
        "clock": clock_of(job or {}),
        "is_outdated": _is_outdated(open_task, job),
        "is_one_off": id.startswith("push:"),
        "is_of_alert": id.startswith("alert:"),
        "due": open_task["due"] if open_task else run.due if run else None,
        "state": state,
        "is_running": state in RUNNING,
        "run": run,
        "attempts": tries,
        "result": next((one.data for one in reversed(tries) if one.data), {}),
        "parents": (open_task or {}).get("options", {}).get("parents", []),
        "options": _options(open_task),
        "is_complete": is_complete,
        "output_of": partial(kept_output, board),
        "log": partial(_log, board, id, run, may_search=is_complete),
        "why": partial(answer, board, id, None, may_search=is_complete or "ask" in view.query),
    }
    is_known = bool(open_task or run or entries) or not is_complete
    return Page("task.html", data, 200 if is_known else 404)


def _job_of(board: Board, id: str) -> Mapping[str, Any] | None:
    """Return the job of a task as it is now; None if it has none, or none any more."""
    if id.startswith("push:"):
        return None
    try:
        return board.show(id.rpartition("@")[0])
    except (NotFoundError, OptionError):
        return None


def _is_outdated(task: Mapping[str, Any] | None, job: Mapping[str, Any] | None) -> bool:
    """Return whether a task is a dead letter whose job has another payload by now."""
    if task is None or job is None or task["state"] != "dead":
        return False
    return bool(job["payload"] != task["payload"])


def attempts(open_task: Mapping[str, Any] | None, run: Run | None, entries: Iterable[Any]) -> list[Try]:
    """Return the attempts at a task, oldest first.

    Args:
        open_task: The task as `Board.tasks` yields it, with its history, if it has not ended or is dead.
        run: The run of its job, if it has ended: it tells of the last attempt.
        entries: What the board's history says of the task, oldest first.
    """
    history: Sequence[Mapping[str, Any]] = open_task["history"] if open_task else ()
    last = int(open_task["attempt"]) if open_task else run.attempts if run else MOST
    # Entries of later attempts were made before somebody queued the dead letter again.
    ends = [entry for entry in entries if entry["what"] in _ENDINGS and entry["attempt"] <= last]
    found = {entry["attempt"]: _of_entry(entry) for entry in ends}
    first = (last if open_task and open_task["state"] == "dead" else last - 1) - len(history) + 1
    for number, entry in enumerate(history, first):
        known = found.get(number) or Try(number, entry["status"], note=entry["note"], code=entry["code"])
        found[number] = replace(known, worker=entry["worker"], ended=entry["time"])
    if run and run.started is not None:
        known = found.get(run.attempts) or Try(run.attempts, run.outcome, code=run.code, note=run.note)
        found[run.attempts] = replace(known, worker=run.worker, started=run.started, ended=run.ended)
    if open_task and open_task["state"] in RUNNING:
        now = Try(last, open_task["state"], open_task.get("worker", ""), open_task.get("since"))
        found[last] = replace(now, note=open_task.get("note", ""))
    return [found[number] for number in sorted(found)]


_ENDINGS = {"done", "dead", "cancelled", "retry", "failed", "lost", "release"}
"""What an entry of the history says of an attempt that has ended."""


def _of_entry(entry: Mapping[str, Any]) -> Try:
    data = entry.get("data")
    outcome = "failed" if entry["what"] in ("retry", "dead") else entry["what"]
    return Try(
        entry["attempt"],
        outcome,
        entry.get("worker", ""),
        ended=entry["time"],
        code=entry.get("code", ""),
        note=entry.get("note", ""),
        data=data if isinstance(data, Mapping) else {"data": data} if data else {},
    )


def _log(board: Board, id: str, run: Run | None, *, may_search: bool) -> Printed | None:
    """Return the end of what a task printed.

    Where nothing is kept, the board looks for the task. If it may not, the latest runs of its job are read.
    """
    if may_search:
        return kept_log(board, id)
    return logs_of_runs(board, [run], LATEST).get(id) if run else None


def _run(board: Board, id: str) -> Run | None:
    """Return what the record of its job says of a task that has ended."""
    try:
        return next(board.runs(id.rpartition("@")[0], task=id), None)
    except NotFoundError:
        return None


def _end(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """Return how a task has ended, as the history of the board says."""
    ends = [entry["what"] for entry in entries if entry["what"] in ("done", "dead", "cancelled")]
    return ends[-1] if ends else None


def _options(open_task: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Return the options of a task that has not ended."""
    options = (open_task or {}).get("options", {})
    return [(name, options[name]) for name in WORK_OPTIONS if name in options]
