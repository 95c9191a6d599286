"""The notify runner: tell people by mail, chat and push services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobs_core import (
    Check,
    Context,
    Decision,
    Job,
    Outcome,
    Policy,
    Runner,
    Setting,
    Task,
    UserError,
    hookimpl,
    retry,
)
from jobs_notify.payload import SCHEMA, check
from jobs_notify.text import defused

if TYPE_CHECKING:
    import click

RUNNER = "notify"

RETRY = {"attempts": 10, "backoff": "exponential 10 max 600"}
"""The options of retries, if a task says nothing of them: for about 40 minutes."""


def run(task: Task, context: Context) -> Outcome:
    """Send a notification to all who have not got it by an earlier attempt.

    >>> run(task, context).note
    'sent to ops/slack, ops/mailto'
    """
    from jobs_notify.delivery import deliver
    from jobs_notify.message import compose
    from jobs_notify.targets import destinations

    try:
        found = destinations(task.payload, context.settings)
        message = compose(task, context)
    except UserError as error:
        return Outcome.refused(error)
    return deliver(found, message, task, context)


def quote(value: str, key: str, before: str) -> str:
    """Return a value that an alert fills into a payload in a form that notifies nobody else.

    Raises ValueError if it would choose whom to notify.

    >>> quote("@everyone", "body", "").isascii()
    False
    """
    if key == "to":
        raise ValueError("to: an alert cannot choose whom to notify; write names without braces")
    return defused(value)


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `notify` runner."""
    yield Runner(RUNNER, run, "Notify people by mail, chat, push", short="to", schema=SCHEMA, quote=quote)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare whom to notify, and the mail server."""
    yield Setting("notify", {}, "Targets by name: URLs of services (slack://…, mailto:…)", secret=True)
    yield Setting("notify_smtp_host", "", "Mail server, for mailto: addresses")
    yield Setting("notify_smtp_port", 0, "Its port; 0 means 587, or 465 with tls, or 25 with none")
    yield Setting("notify_smtp_tls", "starttls", "How to encrypt: starttls, tls or none")
    yield Setting("notify_smtp_user", "", "User at the mail server; empty: no login")
    yield Setting("notify_smtp_password", "", "Password at the mail server", secret=True)
    yield Setting("notify_smtp_from", "", "Sender of mails: Jobs <jobs@example.com>")
    yield Setting("notify_mail_domains", [], "Domains that payloads may mail to; empty: the sender's; *: all")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Reject an invalid payload of the notify runner."""
    if job.runner == RUNNER:
        check(job.payload, is_alert=job.id.startswith("alert:"))


@hookimpl
def jobs_warnings(job: Job, settings: Mapping[str, Any]) -> Iterator[str]:
    """Warn about targets that these settings do not have."""
    from jobs_notify.foresight import refusals

    yield from refusals(job, settings)


@hookimpl
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Give up what a retry cannot fix, and retry other failures, unless the task says what to do."""
    if task.runner != RUNNER or policy.name == "none" or "retry-on" in task.options:
        return None
    from jobs_notify.failures import is_final

    if outcome.status == "failed" and is_final(outcome.code):
        return Decision.dead()
    if policy.name == "ack" and "policy" not in task.options:
        return retry(replace(task, options={**task.options, **RETRY}), outcome)
    return None


@hookimpl
def jobs_checks() -> Iterator[Check]:
    """Provide the checks of the mail server, and of the targets of alerts."""
    from jobs_notify.checks import check_mail_server, check_targets

    yield Check("mail-server", check_mail_server, "The mail server of notifications")
    yield Check("notify-targets", check_targets, "Alerts name targets that this machine has")


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs notify`."""
    from jobs_notify.cli import notify

    cli.add_command(notify)
