"""Make what the tasks of alerts tell, from their facts and from what the board knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from jobs_core.alerts import Facts, Message
from jobs_core.alerts.facts import facts_of
from jobs_core.alerts.message import LINES
from jobs_core.client.board import BoardClient
from jobs_core.contract import Runner
from jobs_core.engine.calls import as_raw
from jobs_core.errors import JobsError
from jobs_core.types import Task


def message_of(task: Task, board: BoardClient, settings: Mapping[str, Any]) -> Message | None:
    """Return what a task tells, or None if it is not the task of an alert."""
    facts = facts_of(task)
    if facts is None:
        return None
    return Message(
        facts,
        why=lambda: _or_nothing(lambda: _why(board, facts)),
        output=lambda: _or_nothing(lambda: _output(board, facts)),
        url=_url(str(settings.get("web_url") or ""), facts),
    )


def fill_task(task: Task, message: Message, runner: Runner) -> Task:
    """Return the task of an alert with its payload filled in."""
    payload = message.fill_payload(task.raw, runner.short, runner.quote)
    return replace(task, raw=as_raw(payload), payload=payload)


def _or_nothing(ask: Callable[[], str]) -> str:
    """Ask the board. What it does not know any more must not keep an alert from being told."""
    try:
        return ask()
    except JobsError:
        return ""


def _why(board: BoardClient, facts: Facts) -> str:
    return board.why(facts.task or facts.job).text if facts.job else ""


def _output(board: BoardClient, facts: Facts) -> str:
    """Return the last lines that the latest attempt printed."""
    if not facts.task:
        return ""
    lines = [entry["line"] for entry in board.logs(facts.task) if "line" in entry]
    return "\n".join(lines[-LINES:])


def _url(base: str, facts: Facts) -> str:
    if not base:
        return ""
    base = base.rstrip("/")
    if facts.task:
        return f"{base}/task?{urlencode({'id': facts.task})}"
    return f"{base}/job?{urlencode({'id': facts.job})}" if facts.job else f"{base}/"
