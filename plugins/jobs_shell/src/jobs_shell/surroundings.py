"""The environment of a command: variables, standard input and user."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

from jobs_core import Context, Task, parents_json

LARGEST = 32 * 1024
"""The largest payload in the environment, in bytes, because exec limits the environment."""

LARGEST_PARENTS = 100_000
"""The most that JOBS_PARENTS may take, in bytes, because Linux limits a variable to 128 KiB."""


OWN = b"JOBS_"
"""How the variables of Jobs begin: its settings, some of them secret, and those of a task."""

TRACE = (b"TRACEPARENT", b"TRACESTATE")
"""The variables with the trace of a task. Those of the worker itself belong to another trace."""

CLEAN = (b"PATH", b"LANG", b"TZ")
"""The worker's variables that a command of another user gets."""


@cache
def inherited() -> dict[bytes, bytes]:
    """Return the worker's own environment at the time of the first call.

    Reading and encoding it for each command would take longer than the rest of this module.
    """
    return dict(os.environb.items())


def passed(also: Collection[str], *, clean: bool) -> dict[bytes, bytes]:
    """Return the worker's variables that a command gets: none of Jobs or a trace, and few if it is `clean`.

    `also` names more, which the setting `shell_env` allows.
    """
    allowed = {os.fsencode(name) for name in also}
    return {
        name: value
        for name, value in inherited().items()
        if name in allowed or (name in CLEAN if clean else not name.startswith(OWN) and name not in TRACE)
    }


@cache
def ack_program() -> str | None:
    """Return the path of `jobs-ack`, or None if Jobs was installed without its programs."""
    installed = (Path(str(file.locate())) for file in files("jobs-core") or () if file.name == "jobs-ack")
    return next((str(path.resolve()) for path in installed if path.exists()), None)


def environment(
    task: Task, context: Context, extra: Mapping[str, str], *, clean: bool = False
) -> dict[bytes, bytes]:
    """Return the worker's environment without Jobs' own, then the variables of the task, then `extra`.

    If it is `clean`, only a few variables of the worker remain.
    """
    variables = {
        "JOBS_TASK_ID": task.id,
        "JOBS_JOB_ID": task.job,
        "JOBS_DUE": f"{task.due:.3f}".removesuffix(".000"),
        "JOBS_ATTEMPT": str(task.attempt),
        "JOBS_RUNNER": task.runner,
        "JOBS_QUEUE": task.queue,
        "JOBS_TOKEN": task.token,
        "JOBS_WORKER": context.worker,
    }
    if program := ack_program():
        variables["JOBS_ACK"] = program
    if context.board is not None:
        variables["JOBS_BOARD"] = context.board.name
    if len(task.raw.encode(errors="replace")) <= LARGEST and "\0" not in task.raw:
        variables["JOBS_PAYLOAD"] = task.raw
    if parents := parents_json(task.parents, LARGEST_PARENTS) if task.parents else "":
        variables["JOBS_PARENTS"] = parents
    variables |= {name.upper(): value for name, value in context.trace.items()}
    variables.update(extra)
    return passed(context.settings.get("shell_env", ()), clean=clean) | {
        os.fsencode(name): os.fsencode(value) for name, value in variables.items()
    }


def metadata(task: Task, context: Context) -> str:
    """Return the task as one line of JSON."""
    record: dict[str, Any] = {
        "id": task.id,
        "job": task.job,
        "runner": task.runner,
        "queue": task.queue,
        "due": task.due,
        "attempt": task.attempt,
        "token": task.token,
        "worker": context.worker,
        "payload": task.payload,
    }
    if task.parents:
        record["parents"] = [asdict(parent) for parent in task.parents]
    return json.dumps(record) + "\n"


def identity(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return Popen arguments and variables to run as a user. Raises LookupError if there is no such user.

    >>> identity("nobody")
    ({'user': 65534, 'group': 65534, 'extra_groups': [65534]}, {'HOME': '/nonexistent', ...})
    """
    import pwd

    entry = pwd.getpwnam(name)
    variables = {"HOME": entry.pw_dir, "USER": name, "LOGNAME": name, "SHELL": entry.pw_shell}
    if entry.pw_uid == os.geteuid():
        return {}, variables
    groups = os.getgrouplist(name, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}, variables
