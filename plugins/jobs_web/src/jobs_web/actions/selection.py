"""What a bulk action is about: the rows that are selected, or everything that the page's filter matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
    """Return the ids of the jobs. Raises OptionError if there are none, and ChangedError if these are not
    those that the question was about.

    All ids are read before anything changes, since changes move jobs in and out of what the filter matches.
    """
    if is_all(form):
        ids = matching_jobs(view, form)
        if not ids:
            words = filter_text(query_of(form))
            raise OptionError(f"No job matches: {words}" if words else "There are no jobs")
        require_asked(form, ids)
        return ids
    ids = texts(form, "job")
    if not ids:
        raise OptionError("No job is selected: select at least one", option="job")
    return ids


def matching_jobs(view: View, form: FormData) -> list[str]:
    """Return the ids of all jobs that the filter of the page matches.

    A hundred thousand of them take about 15 MB. They are needed at once: what is confirmed is compared with
    what was asked before the first job changes.
    """
    return list(dict.fromkeys(view.board.find(**job_filters(query_of(form)))))


def jobs_named(form: FormData, ids: list[str]) -> str:
    """Return the jobs in words, for a question: `report`, `3 jobs`, `1,200 jobs that match: failing`."""
    if len(ids) == 1 and not is_all(form):
        return ids[0]
    words = filter_text(query_of(form)) if is_all(form) else ""
    return counted(len(ids), "job") + (f" that match: {words}" if words else "")


def outcome(did: str, ids: list[str], results: Iterable[object]) -> str:
    """Return what was done to jobs, in words, given each result. Raises the first error if all failed."""
    failed, first = 0, None
    for result in results:
        if isinstance(result, JobsError):
            failed, first = failed + 1, first or result
    if first and failed == len(ids):
        raise first
    but = f" {failed:,} could not be: {first}." if failed else ""
    return f"{did} {ids[0] if len(ids) == 1 else counted(len(ids) - failed, 'job')}.{but}"
