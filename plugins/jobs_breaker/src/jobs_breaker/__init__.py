"""A circuit breaker: all workers stop calling a target that keeps failing, for a while."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from jobs_core import Context, Decision, Outcome, Policy, Runner, Setting, Task, hookimpl, retry

if TYPE_CHECKING:
    import click

    from jobs_breaker.circuits import Circuits

OPEN = "circuit-open"
"""The outcome code of a task that is delayed because its circuit is open."""

IGNORED = ["400", "401", "403", "404", "405", "406", "409", "410", "413", "415", "422", "payload"]
"""Outcome codes of errors in the task itself, which say nothing about its target."""


def decide(task: Task, outcome: Outcome) -> Decision:
    """Decide like `retry`, but release a task whose circuit is open, without counting the attempt."""
    if outcome.code == OPEN:
        return Decision.release(outcome.retry_after or 1.0)
    return retry(task, outcome)


@hookimpl
def jobs_policies() -> Iterator[Policy]:
    """Provide the policy `breaker`."""
    yield Policy("breaker", decide, "Like retry, but stop calling a target that keeps failing")


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare when a circuit opens and for how long."""
    yield Setting("breaker_failures", 5, "Failures in a row that open a target's circuit")
    yield Setting("breaker_pause", 30.0, "Seconds that a circuit stays open before a trial task")
    yield Setting("breaker_ignore", IGNORED, "Outcome codes that do not count as failures, such as 404 or 4*")


@hookimpl(specname="jobs_execute", tryfirst=True)
def delay_if_open(task: Task, runner: Runner, context: Context) -> Outcome | None:
    """Delay a task whose circuit is open."""
    from redis.exceptions import RedisError

    circuits = _circuits(task, context)
    if circuits is None:
        return None
    try:
        wait = circuits.enter(circuit_of(task, runner), task.token)
    except RedisError:
        return None  # if Redis does not answer, the task runs
    if not wait:
        return None
    # Add jitter, so that the tasks do not all return at once.
    return Outcome.failed("the circuit is open", code=OPEN, retry_after=wait * random.uniform(1, 1.1))


@hookimpl(specname="jobs_execute", wrapper=True)
def record_result(task: Task, runner: Runner, context: Context) -> Generator[None, Outcome, Outcome]:
    """Record the result of a task in its circuit."""
    try:
        outcome = yield
    except Exception:
        _leave(task, runner, context, ok=False)
        raise
    ok = _target_succeeded(outcome, context)
    if ok is not None:
        _leave(task, runner, context, ok=ok)
    return outcome


def circuit_of(task: Task, runner: Runner) -> str:
    """Return the name of a task's circuit: its runner and its target, or its job if it has no target.

    >>> circuit_of(task, runner)
    'http example.com'
    """
    target = runner.target(task.payload) if runner.target else task.job
    return f"{runner.name} {target}"


def _leave(task: Task, runner: Runner, context: Context, *, ok: bool) -> None:
    from redis.exceptions import RedisError

    circuits = _circuits(task, context)
    if circuits is None:
        return
    name = circuit_of(task, runner)
    try:
        opened = circuits.record(name, task.token, ok)
    except RedisError:
        return
    if opened:
        context.line(f"the circuit {name!r} is open", "breaker")


def _target_succeeded(outcome: object, context: Context) -> bool | None:
    """Whether the target succeeded; None if the result says nothing about the target."""
    if not isinstance(outcome, Outcome):
        return None
    if outcome.status == "cancelled":
        return False if context.stop_reason == "timeout" else None
    ignored = (OPEN, *context.settings["breaker_ignore"])
    if outcome.status == "failed" and any(fnmatchcase(outcome.code, pattern) for pattern in ignored):
        return None
    return outcome.status != "failed"


def _circuits(task: Task, context: Context) -> Circuits | None:
    """Return the circuits of the task's board; None if the task has another policy."""
    if task.options.get("policy") != "breaker" or context.board is None:
        return None
    from jobs_breaker.circuits import Circuits

    return Circuits(
        context.board,
        failures=context.settings["breaker_failures"],
        pause=context.settings["breaker_pause"],
    )


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs breaker`."""
    from jobs_breaker.cli import breaker

    cli.add_command(breaker)
