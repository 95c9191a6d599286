"""Every hook a plugin may implement, each with an example that runs as it stands.

A plugin is a module (or any object) named by an entry point of the group `jobs`:

    [project.entry-points.jobs]
    hello = "jobs_hello"

Registration hooks yield the small dataclasses of `jobs_core.types`; implement as many as the plugin needs.

The hooks have a version, `API`. It grows when a plugin written for the hooks before would break, and never
for a hook, a parameter or a field that is added; what is to go is kept for one version more. A plugin may say
what it needs with `JOBS_API = 1`: an older jobs-core lists it as incompatible, and leaves it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from jobs_core.context import Context as Context
from jobs_core.contract import Check, Logger, Policy, Runner, Setting, WorkerInfo
from jobs_core.types import Decision, Event, Job, Outcome, Task

if TYPE_CHECKING:
    import click

PROJECT = "jobs"

API = 1
"""The version of the hooks."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def jobs_runners() -> Iterable[Runner]:
    """Provide runners.

    Example:
        from jobs_core import Outcome, Runner, hookimpl

        def run(task, context):
            context.line(f"hello, {task.payload}")
            return Outcome.done()

        @hookimpl
        def jobs_runners():
            yield Runner(name="hello", run=run, summary="Say hello")
    """
    raise NotImplementedError


@hookspec
def jobs_policies() -> Iterable[Policy]:
    """Provide acknowledgement and retry policies.

    Example:
        from jobs_core import Decision, Policy, hookimpl

        def decide(task, outcome):
            if outcome.status == "done":
                return Decision.done()
            return Decision.retry(delay=60) if task.attempt < 10 else Decision.dead()

        @hookimpl
        def jobs_policies():
            yield Policy(name="stubborn", decide=decide, summary="Ten attempts, a minute apart")
    """
    raise NotImplementedError


@hookspec
def jobs_loggers() -> Iterable[Logger]:
    """Provide loggers, chosen with `jobs run --log NAME`.

    Example:
        import sys
        from jobs_core import Logger, hookimpl

        def write(event):
            print(event.kind, event.task.id if event.task else "", file=sys.stderr)

        @hookimpl
        def jobs_loggers():
            yield Logger(name="terse", write=write, summary="One line an event")
    """
    raise NotImplementedError


@hookspec
def jobs_checks() -> Iterable[Check]:
    """Provide checks for `jobs doctor`.

    Example:
        import shutil
        from jobs_core import Check, Finding, hookimpl

        def disk(board):
            free = shutil.disk_usage("/").free
            return Finding("ok" if free > 1e9 else "warning", f"{free / 1e9:.0f} GB free", "make room")

        @hookimpl
        def jobs_checks():
            yield Check(name="disk", run=disk, summary="Room for the history")
    """
    raise NotImplementedError


@hookspec
def jobs_settings() -> Iterable[Setting]:
    """Declare settings; runners read them from `context.settings`.

    Example:
        from jobs_core import Setting, hookimpl

        @hookimpl
        def jobs_settings():
            yield Setting(name="hello_greeting", default="hello", summary="What to say")
    """
    raise NotImplementedError


@hookspec
def jobs_commands(cli: click.Group) -> None:
    """Add subcommands to `jobs`. The names of built-in commands are protected.

    Example:
        import click
        from jobs_core import hookimpl

        @hookimpl
        def jobs_commands(cli):
            @cli.command()
            def hello():
                "Say hello."
                click.echo("hello")
    """


@hookspec
def jobs_validate(job: Job) -> None:
    """Refuse a bad payload or option when a job is put, rather than when it is due.

    Raise `OptionError` or `PayloadError` with one sentence that does not quote the payload.

    Example:
        from jobs_core import PayloadError, hookimpl

        @hookimpl
        def jobs_validate(job):
            if job.runner == "hello" and not job.payload:
                raise PayloadError("the hello runner needs somebody to greet")
    """


@hookspec(firstresult=True)
def jobs_execute(task: Task, runner: Runner, context: Context) -> Outcome | None:
    """Run a task. The built-in implementation checks its payload against `runner.schema`, and calls
    `runner.run(task, context)`.

    Wrap it to add tracing or locks; return an Outcome to take over; return None to pass.

    Example:
        import time
        from jobs_core import hookimpl

        @hookimpl(wrapper=True)
        def jobs_execute(task, runner, context):
            started = time.monotonic()
            try:
                return (yield)
            finally:
                context.line(f"took {time.monotonic() - started:.3f} s", "trace")
    """


@hookspec(firstresult=True)
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Decide what becomes of a task. The built-in implementation calls `policy.decide(task, outcome)`.

    Example:
        from jobs_core import Decision, hookimpl

        @hookimpl
        def jobs_decide(task, outcome, policy):
            if outcome.code == "teapot":
                return Decision.dead()
    """


@hookspec
def jobs_event(event: Event) -> None:
    """Observe everything that happens in a worker. An observer that raises is reported, and harms no other.

    Example:
        from jobs_core import hookimpl

        counts = {}

        @hookimpl
        def jobs_event(event):
            counts[event.kind] = counts.get(event.kind, 0) + 1
    """


@hookspec
def jobs_startup(context: WorkerInfo) -> None:
    """Called once before a worker takes its first task.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_startup(context):
            print(f"{context.name} serves {', '.join(context.runners)}")
    """


@hookspec
def jobs_shutdown(context: WorkerInfo, reason: str) -> None:
    """Called once after a worker has ended its last task.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_shutdown(context, reason):
            print(f"{context.name} stops: {reason}")
    """
