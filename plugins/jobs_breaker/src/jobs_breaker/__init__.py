"""A circuit breaker: a target that fails again and again is left alone for a while, by all workers."""

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
"""The code of an attempt that was not made, because the circuit is open."""

IGNORED = ["400", "401", "403", "404", "405", "406", "409", "410", "413", "415", "422", "payload"]
"""Codes of failures that are the task's own fault, and say nothing about its target."""


def decide(task: Task, outcome: Outcome) -> Decision:
    """As `retry` does; but an attempt that was not made is put off, and does not count."""
    if outcome.code == OPEN:
        return Decision.release(outcome.retry_after or 1.0)
    return retry(task, outcome)


@hookimpl
def jobs_policies() -> Iterator[Policy]:
    """The policy `breaker`."""
    yield Policy("breaker", decide, "As retry, but leave a target alone that fails again and again")


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """When a circuit opens, and for how long."""
    yield Setting("breaker_failures", 5, "How many failures in a row open a target's circuit")
    yield Setting("breaker_pause", 30.0, "Seconds it stays open before a single task tries the target again")
    yield Setting(
        "breaker_ignore", IGNORED, "Codes of failures that are not the target's fault; 4* is allowed"
    )


@hookimpl(specname="jobs_execute", tryfirst=True)
def refuse(task: Task, runner: Runner, context: Context) -> Outcome | None:
    """Put a task off whose circuit is open."""
    from redis.exceptions import RedisError

    circuits = _circuits(task, context)
    if circuits is None:
        return None
    try:
        wait = circuits.enter(circuit_of(task, runner), task.token)
    except RedisError:
        return None  # with nobody to ask, the task goes ahead
    if not wait:
        return None
    # Not all at the same moment, when the wait is over.
    return Outcome.failed("its circuit is open", code=OPEN, retry_after=wait * random.uniform(1, 1.1))


@hookimpl(specname="jobs_execute", wrapper=True)
def note(task: Task, runner: Runner, context: Context) -> Generator[None, Outcome, Outcome]:
    """Tell the circuit how a task fared."""
    try:
        outcome = yield
    except Exception:
        _leave(task, runner, context, ok=False)
        raise
    ok = _verdict(outcome, context)
    if ok is not None:
        _leave(task, runner, context, ok=ok)
    return outcome


def circuit_of(task: Task, runner: Runner) -> str:
    """The name of a task's circuit: its runner and what it addresses, or else its job.

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
        opened = circuits.leave(name, task.token, ok)
    except RedisError:
        return
    if opened:
        context.line(f"the circuit {name!r} is open", "breaker")


def _verdict(outcome: object, context: Context) -> bool | None:
    """Whether the target did well; None where the fault is the task's, or of whoever told it to stop."""
    if not isinstance(outcome, Outcome):
        return None
    if outcome.status == "cancelled":
        return False if context.stop_reason == "timeout" else None
    ignored = (OPEN, *context.settings["breaker_ignore"])
    if outcome.status == "failed" and any(fnmatchcase(outcome.code, pattern) for pattern in ignored):
        return None
    return outcome.status != "failed"


def _circuits(task: Task, context: Context) -> Circuits | None:
    """The circuits of the task's board, if this policy is the task's."""
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
    """`jobs breaker`."""
    from jobs_breaker.cli import breaker

    cli.add_command(breaker)
