"""Write a board as a readable board file that recreates the board."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from jobs_core.alerts.options import ALERT_OPTIONS
from jobs_core.alerts.rule import Alert
from jobs_core.boardfile.job import OPTIONS
from jobs_core.boardfile.parse import MAX_DEPTH
from jobs_core.boardfile.variables import escape
from jobs_core.errors import OptionError
from jobs_core.options import JOB_OPTIONS, span
from jobs_core.text import is_utf8

PAYLOAD_DEPTH = 4
"""How deep a payload is nested in a board file, at most."""

_DUMPER: Any = yaml.SafeDumper


BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""Characters that YAML reads as a line break, and would change."""

LOSSY = re.compile(r"\A\n|\n\n\Z|[ \t](\n|\Z)")
"""Text that a YAML block would lose or hide: empty lines around it, spaces at the end of a line."""


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as blocks."""


def _text(dumper: Any, text: str) -> Any:
    style = None
    if BREAKS.search(text):
        style = '"'
    elif "\n" in text.strip("\n") and not LOSSY.search(text):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def write(
    jobs: Iterable[Mapping[str, Any]], alerts: Iterable[Alert] = (), now: float | None = None
) -> Iterator[str]:
    """Yield the text of a board file, job by job, then alert by alert.

    A `start` in the past is omitted where it has no effect: in jobs with `cron` or `after`.

    Args:
        jobs: Jobs as `Board.list` yields them. Each id must be unique: list them with `sort="id"`.
        alerts: Alerts as `Board.alert_list` yields them.
        now: The current time, in epoch seconds.

    Raises:
        OptionError: A payload is not UTF-8.
    """
    present = time.time() if now is None else now
    before = "jobs:\n"
    for job in jobs:
        yield before + _entry(job["id"], _job(job, present))
        before = "\n"
    if before != "\n":
        yield "jobs: {}\n"
    before = "\nalerts:\n"
    for alert in alerts:
        yield before + _entry(alert.name, _alert(alert))
        before = "\n"


def _entry(name: str, value: Mapping[str, Any]) -> str:
    text = yaml.dump({name: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return re.sub(r"(?m)^(?=.)", "  ", text)


def write_file(file: Path, texts: Iterable[str]) -> None:
    """Write a file once all of its text is there. A file cut short would declare fewer jobs.

    Raises:
        OptionError: The file cannot be written.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as complete:
        complete.writelines(texts)
        complete.seek(0)
        try:
            with file.open("w", encoding="utf-8") as target:
                shutil.copyfileobj(complete, target)
        except OSError as error:
            raise OptionError(f"Cannot write {file}: {error.strerror}.") from None


def _job(job: Mapping[str, Any], now: float) -> dict[str, Any]:
    _require_utf8(f"job {job['id']!r}", job["payload"])
    found: dict[str, Any] = {"runner": job["runner"], "payload": _payload(job["payload"])}
    for name in OPTIONS:
        if name in job and not (name == "start" and _start_has_no_effect(job, now)):
            found[name] = _value(JOB_OPTIONS[name].kind, job[name])
    if job.get("state") == "paused":
        found["paused"] = True
    return found


def _alert(alert: Alert) -> dict[str, Any]:
    _require_utf8(f"alert {alert.name!r}", alert.payload)
    found: dict[str, Any] = {"runner": alert.runner, "payload": _payload(alert.payload)}
    for name, value in alert.declared.items():
        if name in ALERT_OPTIONS and value != []:
            found[name] = _value(ALERT_OPTIONS[name].kind, value)
    return found


def _require_utf8(what: str, payload: str) -> None:
    if not is_utf8(payload):
        raise OptionError(
            f"The payload of the {what} is not UTF-8, so a board file cannot contain it. "
            "Select other jobs with --match."
        )


def _start_has_no_effect(job: Mapping[str, Any], now: float) -> bool:
    if "every" in job or "duration" in job:  # they count from the start
        return False
    return ("cron" in job or "after" in job) and job["start"] <= now


def _payload(raw: str) -> Any:
    """Return a payload as a mapping if that mapping recreates exactly the same text."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if (
        isinstance(found, dict)
        and _depth(found) < MAX_DEPTH - PAYLOAD_DEPTH
        and json.dumps(found, ensure_ascii=False, separators=(",", ":")) == raw
    ):
        return _escaped(found)
    return escape(raw)


def _depth(value: Any) -> int:
    """Return how deep values are nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return escape(value) if isinstance(value, str) else value


def _value(kind: str, value: Any) -> Any:
    if kind == "call":
        return _call(value)
    if kind == "labels":
        return {word: escape(text) for word, _, text in (label.partition("=") for label in value)}
    if kind == "time" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind == "duration" and isinstance(value, (int, float)):
        return span(value)
    return _escaped(value)


def _call(text: str) -> Any:
    """Return a runner and its payload as a mapping if the payload is one, else as they are."""
    runner, _, raw = text.partition(" ")
    payload = _payload(raw)
    return {"runner": runner, "payload": payload} if isinstance(payload, dict) else escape(text)
