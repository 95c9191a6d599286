"""MAILTO in a crontab: whom the failed runs of its jobs are mailed to, as their option on-failure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from jobs_core.errors import RunnerError

if TYPE_CHECKING:
    from jobs_core.client.board import BoardClient

RUNNER = "notify"
"""The runner that mails, of the plugin jobs-notify."""

OPTION = "on-failure"

_SCHEME = "mailto:"


def on_failure(mailto: str | None) -> str | None:
    """Return the option on-failure for a MAILTO, or None if it names nobody.

    What is no address is a local user for cron, and the name of a target for the runner.

    >>> on_failure("ops@example.com"), on_failure("")
    ('notify mailto:ops@example.com', None)
    >>> on_failure("ops, ann@example.com")
    'notify {"to":["ops","mailto:ann@example.com"]}'
    """
    words = [_SCHEME + word if "@" in word else word for word in re.split(r"[,\s]+", mailto or "") if word]
    if not words:
        return None
    payload = words[0] if len(words) == 1 else json.dumps({"to": words}, separators=(",", ":"))
    return f"{RUNNER} {payload}"


def mailto_of(option: str) -> str | None:
    """Return the MAILTO for an option on-failure, or None if a crontab cannot express it.

    >>> mailto_of('notify {"to":["ops","mailto:ann@example.com"]}')
    'ops,ann@example.com'
    """
    payload = option.partition(" ")[2]
    try:
        words = json.loads(payload)["to"] if payload.startswith("{") else [payload]
        found = ",".join(word.removeprefix(_SCHEME) for word in words)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if on_failure(found) == option else None


def refusal(board: BoardClient) -> str:
    """Return why nobody can be mailed from a board, or an empty string: the runner is unknown."""
    try:
        board.calls.require_runner(RUNNER)
    except RunnerError as error:
        return f"MAILTO mails nobody: {error}"
    return ""
