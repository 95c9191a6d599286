"""OpenTelemetry traces: spans of pushes, of the runs of their tasks, and of their reports.

OpenTelemetry is imported on first use: not by a process that neither uses nor configures it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from jobs_core import Context, Logger, OptionError, Outcome, Push, Task, WorkerInfo, hookimpl
from jobs_otel.switch import exporters

if TYPE_CHECKING:
    import click


class _Process:
    """What is known of this process."""

    is_own = False
    """Whether it is one of Jobs. Elsewhere, setting OpenTelemetry up is left to the program."""

    is_set_up = False
    """Whether the environment was asked for exporters."""

    patience = 1.0
    """Seconds for which its end waits for exports, in all. A worker has more to export than a command."""


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add no command, but notice that this process is the command line."""
    _Process.is_own = True


@hookimpl
def jobs_observers(worker: WorkerInfo) -> Iterator[Logger]:
    """Make a span of each report on a task, once it has been made.

    This sets OpenTelemetry up for the worker, unless its program has done so, or nothing configures it.
    Without spans, there is no logger, and so no event that would cost the worker time.
    """
    _Process.is_own, _Process.patience = True, 5.0
    try:
        if not _is_tracing():
            return
    except OptionError:
        _Process.is_set_up = False  # let jobs_startup raise it, when there are loggers to report it
        return
    from jobs_otel.settlement import KINDS, settled

    yield Logger("otel", settled, "Making spans of reports", kinds=KINDS)


@hookimpl
def jobs_startup(context: WorkerInfo) -> None:
    """Report settings that cannot be used."""
    _is_tracing()


@hookimpl
def jobs_shutdown(context: WorkerInfo, reason: str) -> None:
    """Export the spans of the worker's last tasks, for at most 5 seconds."""
    if _is_tracing():
        from jobs_otel.provider import flush

        flush()


@hookimpl
def jobs_push(push: Push) -> AbstractContextManager[None] | None:
    """Accompany a push by a span, whose context its task carries."""
    if not (_is_tracing() or _has_span()):
        return None
    from jobs_otel.producer import sending

    return sending(push)


@hookimpl(wrapper=True, tryfirst=True)
def jobs_execute(task: Task, context: Context) -> Generator[None, Any, Any]:
    """Run a task in a span, linked to that of its push."""
    if not _is_tracing():
        return (yield)
    from jobs_otel.consumer import processing

    with processing(task, context) as attempt:
        outcome = yield
        if isinstance(outcome, Outcome):
            attempt.note(outcome)
        return outcome


def _is_tracing() -> bool:
    """Return whether this process makes spans: its program, or the environment, has set OpenTelemetry up.

    Raises:
        OptionError: The environment names an exporter that cannot be used. It is raised once.
    """
    if _Process.is_own and not _Process.is_set_up:
        _Process.is_set_up = True
        if exporters():
            from jobs_otel.provider import set_up

            set_up(_Process.patience)
    api = sys.modules.get("opentelemetry.trace")
    return api is not None and not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)


def _has_span() -> bool:
    """Return whether there is a current span, which a program may have without making any itself."""
    api = sys.modules.get("opentelemetry.trace")
    return api is not None and bool(api.get_current_span().get_span_context().is_valid)
