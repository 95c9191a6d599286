"""Send a notice to all destinations, and report who did not get it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs_core import Context, OptionError, Outcome, StoppedError, Task
from jobs_notify.failures import Failed, is_final
from jobs_notify.message import Notice
from jobs_notify.targets import Destination

LIMIT = 60.0
"""Seconds that one service, or all mails, may take."""

_NOT_SENT = re.compile(r"\bnot sent: (\S.*)$")
_LABEL = re.compile(r"(\S+) \([\w-]*\)")


def deliver(found: Sequence[Destination], notice: Notice, task: Task, context: Context) -> Outcome:
    """Send a notice to those who have not got it by an earlier attempt.

    >>> deliver(found, notice, task, context).note
    'sent to 1 of 2; not sent: ops/slack (503)'
    """
    left = unsent([one.label for one in found], task)
    ended: dict[str, str] = {}
    stopped = False
    try:
        send_all([one for one in found if one.label in left], notice, context, ended)
    except StoppedError:
        stopped = True
    failed = {label: ended.get(label, "stopped") for label in left if ended.get(label, "stopped")}
    sent = [one.label for one in found if one.label not in failed]
    data: dict[str, Any] = {"sent": sent, "failed": failed}
    if not failed:
        return Outcome.done(f"sent to {', '.join(sent)}", **data)
    listed = ", ".join(f"{label} ({code})" for label, code in failed.items())
    note = f"sent to {len(sent)} of {len(found)}; not sent: {listed}"
    if stopped:
        outcome = context.stop_outcome(**data)
        return replace(outcome, note=f"{outcome.note}; {note}")
    codes = sorted(failed.values(), key=is_final)  # as long as a retry may help anybody, there is one
    return Outcome.failed(note, code=codes[0], **data)


def unsent(labels: Sequence[str], task: Task) -> list[str]:
    """Return who has not got the notice by an earlier attempt, by the note of the last one that tells.

    A note that is cut does not tell, so that all are told again.
    """
    for attempt in reversed(task.history):
        told = _NOT_SENT.search(attempt.note)
        if attempt.status == "failed" and told:
            named = _LABEL.findall(told[1])
            is_whole = len(named) == told[1].count(", ") + 1 and told[1].endswith(")")
            left = [label for label in labels if label in named]
            return left if is_whole and left else list(labels)
    return list(labels)


def send_all(found: Sequence[Destination], notice: Notice, context: Context, ended: dict[str, str]) -> None:
    """Send a notice to all, one after another.

    Args:
        found: Whom to send it to.
        notice: What to send.
        context: What may stop it.
        ended: Is told how each has ended: by its label, with a code, or an empty text if it was sent.

    Raises:
        StoppedError: The task was told to stop. `ended` has those that were ended by then.
    """
    for one in found:
        if not one.address:
            ended[one.label] = _send(one, notice, context)
    if mails := [one for one in found if one.address]:
        _send_mails(mails, notice, context, ended)


def _send(one: Destination, notice: Notice, context: Context) -> str:
    from jobs_notify.services import send

    try:
        context.call(lambda: send(one.url, notice), LIMIT)
    except Failed as failed:
        return failed.code
    except TimeoutError:
        return "timeout"
    except StoppedError:
        raise
    except Exception:  # what a service raises may quote its URL
        return "failed"
    return ""


def _send_mails(
    mails: Sequence[Destination], notice: Notice, context: Context, ended: dict[str, str]
) -> None:
    from jobs_notify.mail import MailServer, send_mails

    settings: Mapping[str, Any] = context.settings
    try:
        server = MailServer.read(settings)
        context.call(lambda: send_mails(server, mails, notice, ended), LIMIT)
        code = ""
    except OptionError:
        code = "settings"
    except TimeoutError:
        code = "timeout"
    for mail in mails:
        ended.setdefault(mail.label, code)
