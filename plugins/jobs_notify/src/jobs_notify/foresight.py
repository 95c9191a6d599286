"""What the settings of this machine would refuse of a job or an alert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobs_core import Job, UserError
from jobs_notify.payload import check, parse
from jobs_notify.targets import destinations

OWN = ("on-failure", "on-success", "on_failure", "on_success")
"""The options of a job that have a runner and its payload."""


def refusals(job: Job, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each payload of a valid job that a worker with these settings would refuse."""
    if job.runner == "notify" and (refusal := refusal_of(job.payload, settings)):
        yield refusal
    for option in OWN:
        runner, _, raw = str(job.options.get(option) or "").partition(" ")
        if runner == "notify" and (refusal := refusal_of(parse(raw), settings)):
            yield f"{option.replace('_', '-')}: {refusal}"


def refusal_of(payload: Any, settings: Mapping[str, Any]) -> str:
    """Return why a worker with these settings would refuse a payload. Empty if it would not."""
    try:
        check(payload, is_alert=True)
        if any(one.address for one in destinations(payload, settings)):
            from jobs_notify.mail import MailServer  # loads TLS, which `--help` must not

            MailServer.read(settings)
    except UserError as error:
        return str(error)
    return ""
