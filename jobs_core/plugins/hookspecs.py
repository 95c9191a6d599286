"""The hooks that a plugin can implement, each with an example that runs as is.

A plugin is a module (or any object) named by an entry point of the group `jobs`:

    [project.entry-points.jobs]
    hello = "jobs_hello"

Registration hooks yield the dataclasses of `jobs_core.contract`. Implement as many hooks as the plugin needs.

The hooks have a version, `API`. It increases only for changes that break existing plugins, never for an added
hook, parameter or field. A deprecated hook stays for one more version. A plugin can declare the version that
it requires with `JOBS_API = 1`: an older jobs-core lists it as incompatible and does not load it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pluggy

from jobs_core.context import BoardLike
from jobs_core.context import Context as Context
from jobs_core.contract import Check, Logger, Policy, Push, Runner, Setting, WorkerInfo
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
            yield Policy(name="stubborn", decide=decide, summary="Ten attempts, one minute apart")
    """
    raise NotImplementedError


@hookspec
def jobs_loggers() -> Iterable[Logger]:
    """Provide loggers. `jobs run --log NAME` selects one.

    Example:
        import sys
        from jobs_core import Logger, hookimpl

        def write(event):
            print(event.kind, event.task.id if event.task else "", file=sys.stderr)

        @hookimpl
        def jobs_loggers():
            yield Logger(name="terse", write=write, summary="One line per event")
    """
    raise NotImplementedError


@hookspec
def jobs_observers(worker: WorkerInfo) -> Iterable[Logger]:
    """Provide loggers that a worker has beside those of `--log`, such as one that counts for metrics.

    Jobs calls it once for each worker. Yield none unless `worker.settings` ask for it: a worker without
    loggers makes no events, which saves time. For the same reason, name the `option` or the `kinds` that a
    logger is about. An error of Jobs, here or from `open`, keeps the worker from starting.

    Example:
        from jobs_core import Logger, hookimpl

        ended = {}

        def count(event):
            if event.kind == "task.finished":
                ended[event.decision.verb] = ended.get(event.decision.verb, 0) + 1

        @hookimpl
        def jobs_observers(worker):
            if worker.settings.get("hello_counts", True):
                yield Logger("hello-counts", count)
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
            return Finding("ok" if free > 1e9 else "warning", f"{free / 1e9:.0f} GB free", "delete old files")

        @hookimpl
        def jobs_checks():
            yield Check(name="disk", run=disk, summary="Free disk space")
    """
    raise NotImplementedError


@hookspec
def jobs_settings() -> Iterable[Setting]:
    """Declare settings. Runners read them from `context.settings`.

    Example:
        from jobs_core import Setting, hookimpl

        @hookimpl
        def jobs_settings():
            yield Setting(name="hello_greeting", default="hello", summary="What to say")
    """
    raise NotImplementedError


@hookspec
def jobs_commands(cli: click.Group) -> None:
    """Add subcommands to `jobs`. A plugin cannot replace a built-in command.

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
def jobs_services(
    board: BoardLike, options: Mapping[str, Any]
) -> Iterable[AbstractContextManager[str | None]]:
    """Provide what runs beside the worker of `jobs up`, such as a web page.

    Yield context managers. `jobs up` enters each before its worker starts, prints the sentence that it
    returns, if any, and exits it after the worker has stopped. One that raises is reported, and `jobs up`
    goes on without it. `options` has the options of `jobs up`: `web` is False with `--no-web`, and `web_port`
    is None or the port.

    Example:
        import threading
        from contextlib import contextmanager
        from jobs_core import hookimpl

        @contextmanager
        def greeter(name):
            stopped = threading.Event()
            thread = threading.Thread(target=stopped.wait)
            thread.start()
            yield f"The greeter greets the board {name}"
            stopped.set()
            thread.join()

        @hookimpl
        def jobs_services(board, options):
            yield greeter(board.name)
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def jobs_exposition(board: BoardLike) -> Callable[[bool], tuple[str, bytes]] | None:
    """Provide the metrics of a board, for plugins that serve them, such as the page.

    Return a function that reads them: it returns a content type and a text. It is called as
    `read(per_job)`, on several threads at once: `per_job` asks for metrics of single jobs, too. Keep what
    costs much for a few seconds, since there may be many scrapers. It may raise errors of Jobs.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_exposition(board):
            def read(per_job):
                text = f"# TYPE hello_jobs gauge\\nhello_jobs {board.count()['jobs']}\\n# EOF\\n"
                return "application/openmetrics-text; version=1.0.0; charset=utf-8", text.encode()

            return read
    """


@hookspec
def jobs_validate(job: Job) -> None:
    """Reject an invalid payload or option when a job is put, before it is due.

    Raise `OptionError` or `PayloadError` with one sentence that does not quote the payload. The payload of an
    alert is validated, too, as that of a job whose id begins with `alert:`.

    Example:
        from jobs_core import PayloadError, hookimpl

        @hookimpl
        def jobs_validate(job):
            if job.runner == "hello" and not job.payload:
                raise PayloadError("hello: expected a name, got an empty payload")
    """


@hookspec
def jobs_warnings(job: Job, settings: Mapping[str, Any]) -> Iterable[str]:
    """Warn about a valid job that is put here, such as one that a worker with these settings would refuse.

    `settings` are those of this machine. The command line and board files show the sentences.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_warnings(job, settings):
            if job.runner == "hello" and job.payload == settings["hello_greeting"]:
                yield "the greeting greets itself"
    """
    raise NotImplementedError


@hookspec
def jobs_lint(job: Job) -> Iterable[tuple[str, str]]:
    """Find what is valid, but probably not meant so, for `jobs lint`: its rule `plugin-advice`.

    Yield pairs: what the job does, as a sentence that goes on from its id, and what to write instead. Depend
    on the job only, since the machine that lints has other settings than the worker.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_lint(job):
            if job.runner == "hello" and job.payload == "world":
                yield "greets the whole world", "name somebody"
    """
    raise NotImplementedError


@hookspec
def jobs_push(push: Push) -> AbstractContextManager[None] | None:
    """Accompany a push of `Board`, `AsyncBoard`, the command line or the API.

    Return a context manager, which is entered before the push is checked and sent, and exited once it has
    succeeded or failed. It may set `push.trace`. It must not block: an `AsyncBoard` enters it on its loop.
    Without implementations, a push costs no more.

    Example:
        from contextlib import contextmanager
        from jobs_core import hookimpl

        @hookimpl
        @contextmanager
        def jobs_push(push):
            yield
            print(f"pushed {push.task}")
    """


@hookspec(firstresult=True)
def jobs_execute(task: Task, runner: Runner, context: Context) -> Outcome | None:
    """Run a task. The built-in implementation checks the payload against `runner.schema`, then calls
    `runner.run(task, context)`.

    Wrap the hook to add tracing or locks. Return an Outcome to replace the run, or None to let it proceed.

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
    """Decide what happens to a task after an attempt. The built-in implementation calls
    `policy.decide(task, outcome)`.

    Return a Decision to override the policy, or None to leave the decision to it.

    Example:
        from jobs_core import Decision, hookimpl

        @hookimpl
        def jobs_decide(task, outcome, policy):
            if outcome.code == "teapot":
                return Decision.dead()
    """


@hookspec
def jobs_event(event: Event) -> None:
    """Observe every event of a worker. Jobs reports an observer that raises and still calls the others.

    Example:
        from jobs_core import hookimpl

        counts = {}

        @hookimpl
        def jobs_event(event):
            counts[event.kind] = counts.get(event.kind, 0) + 1
    """


@hookspec
def jobs_startup(context: WorkerInfo) -> None:
    """Prepare a worker. Jobs calls it once, before the worker takes its first task.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_startup(context):
            print(f"{context.name} serves {', '.join(context.runners)}")
    """


@hookspec
def jobs_shutdown(context: WorkerInfo, reason: str) -> None:
    """Clean up a worker. Jobs calls it once, after the worker's last task has ended.

    Example:
        from jobs_core import hookimpl

        @hookimpl
        def jobs_shutdown(context, reason):
            print(f"{context.name} stops: {reason}")
    """
