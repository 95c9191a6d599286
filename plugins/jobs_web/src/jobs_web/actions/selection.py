"""What a bulk action is about: the rows that are selected, or everything that the page's filter matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from starlette.datastructures import FormData

from jobs_core import JobsError, OptionError
from jobs_web.actions.fields import text, texts
from jobs_web.filters import as_query, filter_text, job_filters
from jobs_web.site import View
from jobs_web.texts import counted

CHUNK = 100
"""Jobs that one call removes, at most."""


ASKED = "asked"
"""The field of a confirmed form with the mark of what was asked about."""


class ChangedError(Exception):
    """What matches a filter is no longer what the question was about, so that it must be asked again."""


def mark_of(ids: Iterable[str]) -> str:
    """Return a short text that differs for different sets of ids, in whatever order they come.

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
    """Return the ids of all jobs that the filter of the page matches."""
    return list(dict.fromkeys(view.board.find(**job_filters(query_of(form)))))


def jobs_named(form: FormData, ids: list[str]) -> str:
    """Return the jobs in words, for a question: `report`, `3 jobs`, `1,200 jobs that match: failing`."""
    if len(ids) == 1 and not is_all(form):
        return ids[0]
    words = filter_text(query_of(form)) if is_all(form) else ""
    return counted(len(ids), "job") + (f" that match: {words}" if words else "")


def outcome(did: str, ids: list[str], errors: list[JobsError]) -> str:
    """Return what was done in a sentence. Raises the error if nothing could be done."""
    if errors and len(errors) == len(ids):
        raise errors[0]
    done = len(ids) - len(errors)
    failed = f" {len(errors):,} could not be: {errors[0]}." if errors else ""
    return f"{did} {ids[0] if len(ids) == 1 else counted(done, 'job')}.{failed}"
