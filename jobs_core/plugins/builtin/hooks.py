"""The built-in plugin: the `console` runner, loggers, policies, checks and default hooks."""

from __future__ import annotations

from collections.abc import Iterator

from jobs_core.context import Context
from jobs_core.contract import Policy, Runner
from jobs_core.errors import PayloadError
from jobs_core.plugins.builtin.checks import jobs_checks as jobs_checks
from jobs_core.plugins.builtin.loggers import jobs_loggers as jobs_loggers
from jobs_core.plugins.builtin.loggers import jobs_settings as jobs_settings
from jobs_core.plugins.builtin.policies import jobs_policies as jobs_policies
from jobs_core.plugins.hookspecs import hookimpl
from jobs_core.plugins.payloads import check_payload
from jobs_core.stopping import StoppedError
from jobs_core.types import Decision, Outcome, Task


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
    try:
        return runner.run(task, context)
    except StoppedError:
        return context.stop_outcome()


@hookimpl(trylast=True)
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision:
    """Ask the task's policy."""
    return policy.decide(task, outcome)
