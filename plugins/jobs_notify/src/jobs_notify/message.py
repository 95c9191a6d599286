"""What a notification says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jobs_core import Context, Message, OptionError, Task
from jobs_notify.payload import check, read_days
from jobs_notify.text import defused, plain_body, plain_title

Kind = Literal["info", "success", "warning", "failure"]
"""What services show by a color or a sign."""

GOOD = ("recovered", "done")
SLOW = ("late", "long")


@dataclass(frozen=True, slots=True)
class Notice:
    """A title of one line, a text, and what kind of news it is. `id` is the same for each attempt."""

    title: str = field(repr=False)
    body: str = field(repr=False)
    kind: Kind = "info"
    id: str = ""


def compose(task: Task, context: Context) -> Notice:
    """Return what the notification of a task says.

    Raises:
        PayloadError: There is nothing to say, or the payload is invalid.
        OptionError: There is no board to make a digest of.
    """
    payload: Any = task.payload
    check(payload, is_alert=context.alert is not None)
    title, body = _own_text(task, context)
    return Notice(
        plain_title(payload.get("title") or title),
        plain_body(payload.get("body") or body),
        _kind(context.alert),
        task.id,
    )


def _own_text(task: Task, context: Context) -> tuple[str, str]:
    """Return the title and the text if the payload has none."""
    payload: Any = task.payload
    if "digest" in payload:
        if context.board is None:
            raise OptionError("digest: there is no board to tell of")
        digest = context.board.alert_digest(read_days(payload["digest"]))
        return defused(digest.subject), defused(digest.details)
    if context.alert is not None:
        return defused(context.alert.facts.subject), defused(context.alert.details)
    return task.job, ""


def _kind(alert: Message | None) -> Kind:
    if alert is None or alert.facts.kind == "test":
        return "info"
    if alert.facts.state == "over" or alert.facts.kind in GOOD:
        return "success"
    return "warning" if alert.facts.kind in SLOW else "failure"
