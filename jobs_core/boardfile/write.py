"""Writing a board as a board file that people can read, and that makes the same board again."""

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

from jobs_core.boardfile.job import OPTIONS
from jobs_core.boardfile.parse import DEEPEST
from jobs_core.boardfile.variables import escape
from jobs_core.errors import OptionError
from jobs_core.options import JOB_OPTIONS, span

INSIDE = 4
"""How deep a payload stands in a board file, at most."""

_DUMPER: Any = yaml.SafeDumper


BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""What YAML takes for the end of a line, and would change."""

UNFIT = re.compile(r"\A\n|\n\n\Z|[ \t](\n|\Z)")
"""What a block of lines would lose, or not show: empty lines around it, blanks at the end of a line."""


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as blocks."""


def _text(dumper: Any, text: str) -> Any:
    style = None
    if BREAKS.search(text):
        style = '"'
    elif "\n" in text.strip("\n") and not UNFIT.search(text):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def write(jobs: Iterable[Mapping[str, Any]], now: float | None = None) -> Iterator[str]:
    """A board file of jobs as `Board.list` gives them, a job at a time and in their order.

    No id may come twice: list them with `sort="id"`. A start that has passed is left out where it changes
    nothing: of cron patterns, and of jobs that run after others. `now` is in epoch seconds.
    Raises OptionError for a payload that is not UTF-8.
    """
    present = time.time() if now is None else now
    before = "jobs:\n"
    for job in jobs:
        text = yaml.dump(
            {job["id"]: _job(job, present)}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
        )
        yield before + re.sub(r"(?m)^(?=.)", "  ", text)
        before = "\n"
    if before != "\n":
        yield "jobs: {}\n"


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
    if not _is_utf8(job["payload"]):
        raise OptionError(
            f"the payload of the job {job['id']!r} is not UTF-8, which a board file must be: "
            "leave the job out with --match"
        )
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
    except (ValueError, RecursionError):
        found = None
    if (
        isinstance(found, dict)
        and _depth(found) < DEEPEST - INSIDE
        and json.dumps(found, ensure_ascii=False, separators=(",", ":")) == raw
    ):
        return _escaped(found)
    return escape(raw)


def _is_utf8(text: str) -> bool:
    """Whether a text from Redis is what it looks like: bytes that are not UTF-8 come as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth(value: Any) -> int:
    """How deep values are nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


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
