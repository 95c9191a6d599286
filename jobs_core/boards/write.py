"""Writing a board as a board file that people can read, and that makes the same board again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from jobs_core.boards.job import OPTIONS
from jobs_core.boards.variables import escape
from jobs_core.options import JOB_OPTIONS, span

_DUMPER: Any = yaml.SafeDumper


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as blocks."""


def _text(dumper: Any, text: str) -> Any:
    is_block = "\n" in text and not any(line != line.rstrip() for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else None)


_Dumper.add_representer(str, _text)


def write(jobs: Iterable[Mapping[str, Any]], now: float | None = None) -> str:
    """A board file of jobs as `Board.list` gives them.

    A start that has passed is left out where it changes nothing: of cron patterns, and of jobs that run after
    others. `now` is in epoch seconds.
    """
    present = time.time() if now is None else now
    declared = {job["id"]: _job(job, present) for job in sorted(jobs, key=lambda job: str(job["id"]))}
    if not declared:
        return "jobs: {}\n"
    blocks = (
        yaml.dump({id: job}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
        for id, job in declared.items()
    )
    indented = (
        "".join(f"  {line}" if line.strip() else line for line in block.splitlines(True)) for block in blocks
    )
    return "jobs:\n" + "\n".join(indented)


def _job(job: Mapping[str, Any], now: float) -> dict[str, Any]:
    found: dict[str, Any] = {"runner": job["runner"], "payload": _payload(job["payload"])}
    for name in OPTIONS:
        if name in job and not (name == "start" and _is_idle_start(job, now)):
            found[name] = _value(name, job[name])
    if job.get("state") == "paused":
        found["paused"] = True
    return found


def _is_idle_start(job: Mapping[str, Any], now: float) -> bool:
    return ("cron" in job or "after" in job) and job["start"] <= now and "duration" not in job


def _payload(raw: str) -> Any:
    """A payload as a mapping, where that makes the very same text again."""
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if isinstance(found, dict) and json.dumps(found, ensure_ascii=False, separators=(",", ":")) == raw:
        return _escaped(found)
    return escape(raw)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return escape(value) if isinstance(value, str) else value


def _value(name: str, value: Any) -> Any:
    kind = JOB_OPTIONS[name].kind
    if kind == "time" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind == "duration" and isinstance(value, (int, float)):
        return span(value)
    return escape(value) if isinstance(value, str) else value
