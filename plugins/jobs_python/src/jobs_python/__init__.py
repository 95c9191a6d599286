"""The Python runner: functions as jobs, by their import paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jobs_core import Context, Job, Outcome, Payload, PayloadError, Runner, Setting, Task, hookimpl

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

SCHEMA = {
    "type": "object",
    "properties": {
        "function": {"type": "string"},
        "args": {"type": "array"},
        "kwargs": {"type": "object"},
    },
    "required": ["function"],
    "additionalProperties": False,
}


def run(task: Task, context: Context) -> Outcome:
    """Call the function of a task.

    >>> run(task, context).note         # of the payload "shutil:disk_usage"
    ''
    """
    from jobs_python.call import call

    payload: Any = task.payload
    return call(payload["function"], payload.get("args", []), payload.get("kwargs", {}), task, context)


def target(payload: Payload) -> str:
    """The module that a payload's function is in.

    >>> target("reports.monthly:send")
    'reports.monthly'
    """
    path = payload if isinstance(payload, str) else str(payload.get("function", ""))
    return path.partition(":")[0]


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """The `python` runner."""
    yield Runner("python", run, "Call a Python function", short="function", schema=SCHEMA, target=target)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Where modules are looked for."""
    yield Setting("python_path", ["."], "Directories of modules, besides those of Python itself")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Refuse a payload that names no function."""
    if job.runner != "python":
        return
    path = job.payload if isinstance(job.payload, str) else job.payload.get("function", "")
    if not PATH.fullmatch(str(path)):
        raise PayloadError("the python runner refuses the payload: a function is module:name, reports:send")
