"""A job as it is typed into a form, beside the job that the form was opened with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from starlette.datastructures import FormData

from jobs_core.plugin_ui import JOB_OPTIONS, SCHEDULE_OPTIONS, UNITS
from jobs_web.job_texts import form_value
from jobs_web.payloads import EDITED
from jobs_web.zones import with_offset

STATE = ("left", "next")
"""What can be set of the state of a job. Pausing is an action of its own."""

OPTIONS = [
    name for name in JOB_OPTIONS if name not in UNITS and (name in STATE or not name.startswith("paused"))
]
"""The options that a form has. The units add up to `every`."""

NAMES = ("runner", "payload", *OPTIONS)
"""The fields of a form, beside the id."""

KINDS = ("every", "cron", "at", "after", "duration")
"""Options that make another schedule. An edit that names one drops what does not go with it."""

OPENED = "was."
"""Precedes the name of a field with the value that the form was opened with."""


@dataclass
class Draft:
    """A job as it is typed.

    Args:
        id: The job's id.
        is_new: Whether the job is to be created.
        typed: The fields by their names, as text. Empty ones are left out.
        opened: The fields of the job that the form was opened with.
        etag: The version of that job.
        seen: The id of its latest change then.
        because: Why it is changed.
        keeps_payload: Whether the payload is too large for a form, and so stays as it is.
    """

    id: str = ""
    is_new: bool = False
    typed: dict[str, str] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    seen: str = ""
    because: str = ""
    keeps_payload: bool = False

    @property
    def changed(self) -> list[str]:
        """The names of the fields that differ from the job that the form was opened with."""
        return [name for name in NAMES if self.typed.get(name, "") != self.opened.get(name, "")]

    @property
    def changes_state(self) -> bool:
        """Whether the state of the job is to be set, which only `put` does."""
        return any(name in STATE for name in self.changed)

    def options(self, job: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all options, for `put` and `plan`: those that were typed, and the others as they are.

        Args:
            job: The job that the form was opened with, as `show` returns it. None if it is new.
        """
        changed = set(self.changed)
        kept = {name: value for name, value in (job or {}).items() if name in OPTIONS and name not in STATE}
        return {name: value for name, value in kept.items() if name not in changed} | {
            name: self.typed[name] for name in OPTIONS if name in changed and name in self.typed
        }

    @property
    def edit(self) -> tuple[dict[str, Any], list[str]]:
        """The arguments of `edit` that make the job what is typed: what to change, and what to unset.

        An option that makes another schedule drops others, so all options of the schedule are named, too.
        """
        changed = set(self.changed)
        if changed & set(KINDS):
            changed |= {name for name in SCHEDULE_OPTIONS if name in self.typed}
        given = {name: self.typed.get(name, "") for name in NAMES if name in changed}
        kept = {name: text for name, text in given.items() if text or name in ("runner", "payload")}
        return kept, [name for name in given if name not in kept]


def fields_of(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a job, as `show` returns it, as they are typed."""
    found = {name: form_value(name, job[name]) for name in NAMES if name in job}
    return {name: _normal(name, text) for name, text in found.items() if text}


def opened_with(job: Mapping[str, Any], seen: str) -> Draft:
    """Return the draft of a form that has just been opened to edit a job."""
    fields, is_large = fields_of(job), has_large_payload(job)
    if is_large:
        fields.pop("payload")
    return Draft(job["id"], False, dict(fields), fields, job.get("etag", ""), seen, keeps_payload=is_large)


def has_large_payload(job: Mapping[str, Any]) -> bool:
    """Return whether the payload of a job is too large for a form."""
    return len(form_value("payload", job["payload"])) > EDITED


def read_draft(form: FormData, zone: tzinfo, *, is_new: bool) -> Draft:
    """Read a form. Times without an offset are by the clock of a zone, and get its offset."""
    typed, opened = ({name: _field(form, mark + name) for name in NAMES} for mark in ("", OPENED))
    return Draft(
        str(form.get("id", "")).strip() if is_new else str(form.get("id", "")),
        is_new,
        {name: with_offset(text, zone) if is_time(name) else text for name, text in typed.items() if text},
        {name: text for name, text in opened.items() if text},
        str(form.get("etag", "")),
        str(form.get("seen", "")),
        str(form.get("because", "")).strip(),
        not is_new and form.get("keeps_payload") == "1",
    )


def _field(form: FormData, name: str) -> str:
    return _normal(name.removeprefix(OPENED), str(form.get(name, "")))


def _normal(name: str, text: str) -> str:
    """Return a text as forms send it: with plain line ends, and no spaces around it but for the payload."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if name == "payload":
        return text
    return text.strip() if is_long(name) else text.replace("\n", "").strip()


def is_time(name: str) -> bool:
    """Return whether a field is a time."""
    return name in JOB_OPTIONS and JOB_OPTIONS[name].kind == "time"


def is_long(name: str) -> bool:
    """Return whether a field may have several lines."""
    return name == "payload" or (name in JOB_OPTIONS and JOB_OPTIONS[name].kind == "text")
