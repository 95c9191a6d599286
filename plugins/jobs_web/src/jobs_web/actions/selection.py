"""What a bulk action is about: the rows that are selected, or everything that the page's filter matches."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import FormData

from jobs_core import JobsError, OptionError
from jobs_web.actions.fields import text, texts
from jobs_web.filters import as_query, filter_text, job_filters
from jobs_web.site import View

CHUNK = 100
"""Jobs that one call removes, at most."""


def is_all(form: FormData) -> bool:
    """Return whether the action is about everything that the filter matches."""
    return text(form, "scope") == "all"


def query_of(form: FormData) -> Mapping[str, str]:
    """Return the filter of the page, as the form has it."""
    return as_query(text(form, "filter") or "")


def selected_jobs(view: View, form: FormData) -> list[str]:
    """Return the ids of the jobs. Raises OptionError if there are none.

    All ids are read before anything changes, since changes move jobs in and out of what the filter matches.
    """
    if is_all(form):
        query = query_of(form)
        ids = list(dict.fromkeys(view.board.find(**job_filters(query))))
        if not ids:
            raise OptionError(
                f"No job matches: {filter_text(query)}" if filter_text(query) else "There are no jobs"
            )
        return ids
    ids = texts(form, "job")
    if not ids:
        raise OptionError("No job is selected: select at least one", option="job")
    return ids


def count_jobs(view: View, form: FormData) -> int:
    """Return how many jobs the action is about."""
    if not is_all(form):
        return len(texts(form, "job"))
    filters = job_filters(query_of(form))
    return sum(1 for _ in view.board.find(**filters)) if filters else view.board.count()["jobs"]


def jobs_named(view: View, form: FormData) -> str:
    """Return the jobs in words, for a question: `report`, `3 jobs`, `1,200 jobs that match: failing`."""
    ids = texts(form, "job")
    if len(ids) == 1 and not is_all(form):
        return ids[0]
    count = count_jobs(view, form)
    words = filter_text(query_of(form)) if is_all(form) else ""
    return f"{count:,} job{'s' * (count != 1)}" + (f" that match: {words}" if words else "")


def outcome(did: str, ids: list[str], errors: list[JobsError]) -> str:
    """Return what was done in a sentence. Raises the error if nothing could be done."""
    if errors and len(errors) == len(ids):
        raise errors[0]
    done = len(ids) - len(errors)
    failed = f" {len(errors):,} could not be: {errors[0]}." if errors else ""
    return f"{did} {ids[0] if len(ids) == 1 else f'{done:,} job' + 's' * (done != 1)}.{failed}"
