"""Jobs: a full-featured scheduler that runs inside Redis."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobs_core.alerts import Alert, Digest, Incident, JobDigest, Message
from jobs_core.changes import Change
from jobs_core.context import BoardLike, Context
from jobs_core.contract import Check, Finding, Logger, Policy, Push, Runner, Setting, WorkerInfo
from jobs_core.errors import (
    AgainError,
    ConflictError,
    DeniedError,
    ExistsError,
    FaultError,
    JobsError,
    LayoutError,
    NotFoundError,
    OptionError,
    PayloadError,
    PluginError,
    RunnerError,
    ServerError,
    StaleError,
    UnconfirmedError,
    UserError,
    is_shortage,
)
from jobs_core.lease import Lease, lease_clock
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.runs import Gap, Hour, Run, Summary
from jobs_core.stopping import SocketInterrupter, StoppedError
from jobs_core.text import described
from jobs_core.top import RunningTask, Top, WaitingQueue
from jobs_core.tracing import trace_of
from jobs_core.types import (
    Attempt,
    Backfill,
    Decision,
    Event,
    Job,
    Occurrence,
    Outcome,
    Parent,
    Payload,
    Task,
    parents_json,
)
from jobs_core.why.answer import Why

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.client.aio import AsyncBoard
    from jobs_core.client.functions import call_function, exception_outcome
    from jobs_core.client.paging import JobPage, ListPage
    from jobs_core.plugins.builtin.log_records import event_json
    from jobs_core.plugins.builtin.policies import retry
    from jobs_core.plugins.manager import Plugins
    from jobs_core.worker.worker import Worker

__version__ = "0.1.0"

__all__ = [
    "AgainError",
    "Alert",
    "AsyncBoard",
    "Attempt",
    "Backfill",
    "Board",
    "BoardLike",
    "Change",
    "Check",
    "ConflictError",
    "Context",
    "Decision",
    "DeniedError",
    "Digest",
    "Event",
    "ExistsError",
    "FaultError",
    "Finding",
    "Gap",
    "Hour",
    "Incident",
    "Job",
    "JobDigest",
    "JobPage",
    "JobsError",
    "LayoutError",
    "Lease",
    "ListPage",
    "Logger",
    "Message",
    "NotFoundError",
    "Occurrence",
    "OptionError",
    "Outcome",
    "Parent",
    "Payload",
    "PayloadError",
    "PluginError",
    "Plugins",
    "Policy",
    "Push",
    "Run",
    "Runner",
    "RunnerError",
    "RunningTask",
    "ServerError",
    "Setting",
    "SocketInterrupter",
    "StaleError",
    "StoppedError",
    "Summary",
    "Task",
    "Top",
    "UnconfirmedError",
    "UserError",
    "WaitingQueue",
    "Why",
    "Worker",
    "WorkerInfo",
    "__version__",
    "call_function",
    "described",
    "event_json",
    "exception_outcome",
    "hookimpl",
    "is_shortage",
    "lease_clock",
    "parents_json",
    "retry",
    "trace_of",
]

_LAZY = {
    "AsyncBoard": "jobs_core.client.aio",
    "Board": "jobs_core.app",
    "JobPage": "jobs_core.client.paging",
    "ListPage": "jobs_core.client.paging",
    "Plugins": "jobs_core.plugins.manager",
    "Worker": "jobs_core.worker.worker",
    "call_function": "jobs_core.client.functions",
    "exception_outcome": "jobs_core.client.functions",
    "event_json": "jobs_core.plugins.builtin.log_records",
    "retry": "jobs_core.plugins.builtin.policies",
}


def __getattr__(name: str) -> Any:
    """Import these on first use: most need redis, and a plugin or `jobs --help` does not."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
