"""The built-in plugin: the `console` runner, loggers, policies, checks and default hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs_core.context import Context
from jobs_core.contract import Logger, Policy, Runner, Setting, WorkerInfo
from jobs_core.errors import PayloadError
from jobs_core.plugins.builtin.checks import jobs_checks as jobs_checks
from jobs_core.plugins.builtin.loggers import JsonPrinter, LinePrinter
from jobs_core.plugins.builtin.policies import jobs_policies as jobs_policies
from jobs_core.plugins.builtin.redis_settings import (
    ANSWER,
    CONNECT,
    PASSWORD_COMMAND,
    PASSWORD_FILE,
    TLS,
)
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.plugins.payloads import check_payload
from jobs_core.stopping import StoppedError
from jobs_core.types import Decision, Event, Outcome, Task

if TYPE_CHECKING:
    from jobs_core.plugins.builtin.logfile import LogFile


def print_payload(task: Task, context: Context) -> Outcome:
    """Send the payload to the loggers as a line of output. This is the `console` runner."""
    context.line(task.raw)
    return Outcome.done()


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `console` runner."""
    yield Runner("console", print_payload, "Print the payload, to try Jobs out")


@hookimpl(trylast=True)
def jobs_execute(task: Task, runner: Runner, context: Context) -> Outcome:
    """Check a task's payload against its runner's schema, then run it.

    A client without plugins can put a job without this check.
    """
    if runner.schema is not None:
        try:
            check_payload(runner, task.payload, show_keys=False)
        except PayloadError as error:
            return Outcome.refused(error)
    context.has_begun = True
    try:
        return runner.run(task, context)
    except StoppedError:
        return context.stop_outcome()


@hookimpl(trylast=True)
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision:
    """Ask the task's policy."""
    return policy.decide(task, outcome)


@hookimpl
def jobs_loggers() -> Iterator[Logger]:
    """Provide the loggers `console`, `json` and `file`."""
    console = LinePrinter()
    yield Logger("console", console.write, "One line per event, for people", open=console.open)
    json = JsonPrinter()
    yield Logger("json", json.write, "One JSON object per event, for programs", open=json.open)
    file = _File()
    yield Logger("file", file.write, "One line per event, in a rotating file", file.close, file.open)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare the settings of the connection to Redis, and of the loggers `json` and `file`."""
    yield from (CONNECT, ANSWER, PASSWORD_FILE, PASSWORD_COMMAND, *TLS)
    yield Setting("web_url", None, "Address of the page, for links in alerts: https://jobs.example.com")
    yield Setting("log_file", "jobs.log", "Path of the file logger's file; may contain {worker} and {board}")
    yield Setting("log_file_bytes", 10_000_000, "Size in bytes at which the file is rotated; 0 means never")
    yield Setting("log_file_keep", 5, "Number of rotated files to keep, as .1, .2, …")
    yield Setting("log_file_format", "text", "Format of the file logger: text or json")
    yield Setting("log_json", "jobs", "Names in JSON logs: jobs, otel (OpenTelemetry) or ecs (Elastic)")


class _File:
    """The `file` logger. Its module imports `logging`, so only opening it does."""

    def __init__(self) -> None:
        self._file: LogFile | None = None

    def open(self, worker: WorkerInfo) -> None:
        from jobs_core.plugins.builtin.logfile import LogFile

        self._file = LogFile(worker)

    def write(self, event: Event) -> None:
        if self._file is not None:
            self._file.write(event)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
