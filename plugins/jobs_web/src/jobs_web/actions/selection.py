"""What a bulk action is about: the rows that are selected, or everything that the page's filter matches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from starlette.datastructures import FormData

from jobs_core import JobsError, OptionError
from jobs_web.actions.fields import text, texts
from jobs_web.actions.question import require_asked
from jobs_web.filters import as_query, filter_text, job_filters
from jobs_web.site import View
from jobs_web.texts import counted

CHUNK = 100
"""Jobs that one call removes, at most."""


def is_all(form: FormData) -> bool:
    """Return whether the action is about everything that the filter matches."""
    return text(form, "scope") == "all"


def query_of(form: FormData) -> Mapping[str, str]:
    """Return the filter of the page, as the form has it."""
    return as_query(text(form, "filter") or "")


def selected_jobs(view: View, form: FormData) -> list[str]:
    """Return the ids of the jobs to change. Raises OptionError if there are none, and ChangedError if these
    are not those that the question was about.

    All ids are read before anything changes, since changes move jobs in and out of what the filter matches.
    """
    ids = named_jobs(view, form)
    if is_all(form):
        require_asked(form, ids)
    return ids


def named_jobs(view: View, form: FormData) -> list[str]:
    """Return the ids of the jobs that a form is about. Raises OptionError if there are none.

    A hundred thousand of them take about 15 MB. They are needed at once: what is confirmed is compared with
    what was asked before the first job changes.
    """
    query = query_of(form)
    ids = list(dict.fromkeys(view.board.find(**job_filters(query)))) if is_all(form) else texts(form, "job")
    if ids:
        return ids
    if not is_all(form):
        raise OptionError("No job is selected: select at least one", option="job")
    words = filter_text(query)
    raise OptionError(f"No job matches: {words}" if words else "There are no jobs")


def jobs_named(form: FormData, ids: list[str]) -> str:
    """Return the jobs in words, for a question: `report`, `3 jobs`, `1,200 jobs that match: failing`."""
    if len(ids) == 1 and not is_all(form):
        return ids[0]
    words = filter_text(query_of(form)) if is_all(form) else ""
    return counted(len(ids), "job") + (f" that match: {words}" if words else "")


def outcome(
    did: str,
    ids: list[str],
    results: Iterable[object],
    same: str = "",
    is_same: Callable[[str, object], bool] = lambda id, result: False,
) -> str:
    """Return what was done to jobs, in words. Raises the first error if all failed.

    Args:
        did: What was done: `Paused`.
        ids: The ids of the jobs.
        results: The result of each.
        same: What jobs were that did not change: `paused already`.
        is_same: Whether a job did not change, given its id and its result.
    """
    failed, unchanged, first = 0, 0, None
    for id, result in zip(ids, results, strict=True):
        if isinstance(result, JobsError):
            failed, first = failed + 1, first or result
        elif is_same(id, result):
            unchanged += 1
    if first and failed == len(ids):
        raise first
    if len(ids) == 1:
        return f"{ids[0]} is {same}." if unchanged else f"{did} {ids[0]}."
    others = f" {unchanged:,} {'was' if unchanged == 1 else 'were'} {same}." if unchanged else ""
    but = f" {failed:,} could not be: {first}." if failed else ""
    return f"{did} {counted(len(ids) - failed - unchanged, 'job')}.{others}{but}"
