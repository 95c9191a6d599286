"""Jobs: a full-featured scheduler that runs inside Redis."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobs_core.errors import (
    AgainError,
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
    UserError,
)
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.types import (
    BoardLike,
    Check,
    Context,
    Decision,
    Event,
    Finding,
    Job,
    Logger,
    Outcome,
    Policy,
    Runner,
    Setting,
    Task,
    WorkerInfo,
)

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.client.aio import AsyncBoard
    from jobs_core.worker.worker import Worker

__version__ = "0.1.0"

__all__ = [
    "AgainError",
    "AsyncBoard",
    "Board",
    "BoardLike",
    "Check",
    "Context",
    "Decision",
    "DeniedError",
    "Event",
    "ExistsError",
    "FaultError",
    "Finding",
    "Job",
    "JobsError",
    "LayoutError",
    "Logger",
    "NotFoundError",
    "OptionError",
    "Outcome",
    "PayloadError",
    "PluginError",
    "Policy",
    "Runner",
    "RunnerError",
    "ServerError",
    "Setting",
    "StaleError",
    "Task",
    "UserError",
    "Worker",
    "WorkerInfo",
    "__version__",
    "hookimpl",
]

_LAZY = {
    "AsyncBoard": "jobs_core.client.aio",
    "Board": "jobs_core.app",
    "Worker": "jobs_core.worker.worker",
}


def __getattr__(name: str) -> Any:
    """Import the clients and Worker on first use: they need redis, and a plugin or `jobs --help` does not."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
