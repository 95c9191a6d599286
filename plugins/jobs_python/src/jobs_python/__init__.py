"""The Python runner. It calls functions by import path."""

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

    >>> run(task, context).note         # payload: "reports:send", which this worker allows
    '12 pages'
    """
    from jobs_python.call import call

    payload: Any = task.payload
    return call(payload["function"], payload.get("args", []), payload.get("kwargs", {}), task, context)


def target(payload: Payload) -> str:
    """Return the module of a payload's function.

    >>> target("reports.monthly:send")
    'reports.monthly'
    """
    path = payload if isinstance(payload, str) else str(payload.get("function", ""))
    return path.partition(":")[0]


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `python` runner."""
    yield Runner("python", run, "Call a Python function", short="function", schema=SCHEMA, target=target)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare which functions may be called, and where modules are searched."""
    yield Setting("python_allow", [], "Functions that payloads may call, such as app.tasks:*; see --allow")
    yield Setting("python_path", ["."], "Directories to search for modules, in addition to Python's own")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Reject a payload whose function is not `module:name`."""
    if job.runner != "python":
        return
    path = job.payload if isinstance(job.payload, str) else job.payload.get("function", "")
    if not PATH.fullmatch(str(path)):
        raise PayloadError("invalid payload for the python runner: expected module:name, as in reports:send")
