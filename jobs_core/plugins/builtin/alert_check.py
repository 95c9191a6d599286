"""The check of `jobs doctor` for alerts: that they reach somebody."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from jobs_core.alerts.rule import Alert
from jobs_core.context import BoardLike
from jobs_core.contract import Finding

MOST = 1000
"""The latest dead letters that are looked at."""

NAMED = 3
"""Alerts that a sentence names at most."""


def check_alerts(board: BoardLike) -> Finding:
    """Report alerts of which somebody was not told, and those whose tasks no worker takes."""
    dead = _untold(board)
    if dead:
        return Finding(
            "problem",
            f"somebody was not told: {len(dead)} task{'s' * (len(dead) > 1)} of {_names(dead)} failed",
            "see `jobs dead list`, and tell it with `jobs dead retry`",
        )
    alerts = list(board.alert_list(payload=False))
    unserved = _unserved(board, alerts)
    if unserved:
        name, queue, runner = unserved[0]
        whose = f" of the queue {queue!r}" if runner else ""
        what = f"runner {runner!r}" if runner else f"queue {queue!r}"
        others = f", nor those of {len(unserved) - 1} others" if len(unserved) > 1 else ""
        return Finding(
            "problem",
            f"no worker{whose} serves the {what} of the alert {name}{others}",
            f"start a worker that has the plugin with {runner or 'its runner'}: `jobs run --queue {queue}`",
        )
    failing = 0 if alerts else sum(board.commands.each(lambda client, keys: client.zcard(keys.failing)))
    if failing:
        jobs = "1 job fails" if failing == 1 else f"{failing:,} jobs fail"
        return Finding("ok", f"no alerts, and {jobs}", "have somebody told: see `jobs alert put --help`")
    return Finding("ok", "all alerts have reached somebody")


def _untold(board: BoardLike) -> list[str]:
    """Return the alert of each dead letter of one."""
    found: list[list[Any]] = board.commands.each(lambda client, keys: client.zrange(keys.dead, -MOST, -1))
    tickets = map(str, chain.from_iterable(found))
    return [ticket.partition("@")[0] for ticket in tickets if ticket.startswith("alert:")]


def _names(tasks: list[str]) -> str:
    names = sorted({name.removeprefix("alert:") for name in tasks})
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} others" if len(names) > NAMED else "")


def _unserved(board: BoardLike, alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    """Return the alerts whose tasks no living worker can run; none if no worker lives.

    Each has its queue, and the runner if only that is missing among the workers of the queue.
    """
    living = [worker for worker in board.workers() if worker["state"] != "silent"]
    runners: dict[str, set[str]] = {}
    for worker in living:
        for queue in worker["queues"]:
            runners.setdefault(queue, set()).update(worker["runners"])
    found = []
    for alert in alerts if living else ():
        queue = alert.queue or alert.runner
        if queue not in runners:
            found.append((alert.name, queue, ""))
        elif alert.runner not in runners[queue]:
            found.append((alert.name, queue, alert.runner))
    return found
