"""The filters of lists, as the fields of a query say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

JOB_SWITCHES = ("failing", "late", "running", "paused")
"""Filters of jobs that are on or off."""

JOB_FIELDS = ("text", "runner", "state")
"""Filters of jobs that have a value."""

TASK_FIELDS = ("task", "job", "runner", "queue", "worker", "older_than")
"""Filters of tasks that have a value."""


def job_filters(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters of `Board.find` that a query has."""
    switches = {name: True for name in JOB_SWITCHES if query.get(name)}
    return switches | _fields(query, JOB_FIELDS) | _labels(query)


def task_filters(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters of `Board.tasks` that a query has, without the state."""
    return _fields(query, TASK_FIELDS) | _labels(query)


def as_query(text: str) -> dict[str, str]:
    """Read a query as it stands in a URL: `runner=http&failing=1`."""
    return dict(parse_qsl(text))


def filter_text(query: Mapping[str, str]) -> str:
    """Return what filters a list, in words. Empty if nothing does."""
    words = [name for name in JOB_SWITCHES if query.get(name)]
    fields = (*JOB_FIELDS, *TASK_FIELDS, "label")
    words += [
        f"{name.replace('_', ' ')} {query[name].strip()}" for name in dict.fromkeys(fields) if query.get(name)
    ]
    return ", ".join(words)


def _fields(query: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: query[name].strip() for name in names if query.get(name, "").strip()}


def _labels(query: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the labels of the field `label`: `team=payments, stage=test`."""
    labels = query.get("label", "").replace(",", " ").split()
    return {"label": labels} if labels else {}


def last_attempt(letter: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how the last attempt of a task ended."""
    return letter["history"][-1] if letter["history"] else {}


def code_of(letter: Mapping[str, Any]) -> str:
    """Return the code with which a task died."""
    return str(last_attempt(letter).get("code", ""))
