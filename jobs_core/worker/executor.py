"""Carrying a task out: what its runner makes of it, and what the policy makes of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jobs_core.contract import Policy, Runner
from jobs_core.engine.calls import as_data
from jobs_core.plugins.builtin import hooks as builtin
from jobs_core.plugins.builtin.policies import default_policy
from jobs_core.plugins.manager import Plugins
from jobs_core.text import described, without
from jobs_core.types import Decision, Outcome, Task
from jobs_core.worker.events import Events
from jobs_core.worker.output_keeper import OutputKeeper
from jobs_core.worker.run import Run, check_decision, lost_outcome


class Executor:
    """Carries out runs, on whatever thread calls it. Nothing that a plugin raises ends the thread."""

    def __init__(
        self, runners: Mapping[str, Runner], plugins: Plugins, events: Events, keeper: OutputKeeper
    ) -> None:
        self._runners = runners
        self._plugins = plugins
        self._emit = events.emit
        self._keeper = keeper
        hook = plugins.manager.hook
        self._execute = _direct(hook.jobs_execute, builtin.jobs_execute)
        self._ask_policy = _direct(hook.jobs_decide, builtin.jobs_decide)
        self._policies: dict[str, Policy] = {}

    def carry_out(self, run: Run) -> None:
        """Run a task: its outcome, and what is to become of it, are then in `run`."""
        try:
            if self._may_start(run):
                self._carry_out(run)
        except BaseException as error:  # else the thread ends, and its task never does
            run.outcome = Outcome.failed(without(run.task.raw, described(error)), code="fault")

    def _carry_out(self, run: Run) -> None:
        self._emit("task.started", run.task)
        outcome = self._run(run)
        if run.is_kept:
            self._keeper.end(run.task.token)
        if not run.is_open(outcome):
            run.decision = self._decide(run.task, outcome)
        run.outcome = outcome  # last: whoever sees it may report the run

    def _may_start(self, run: Run) -> bool:
        """Ask the policy about the attempt before, if that ended where no policy was at hand.

        Another attempt may start at once; or else that it waits, or is given up, is what is reported.
        """
        before = run.task.history[-1] if run.task.history else None
        if before is None or before.decided:
            return True
        task = replace(run.task, attempt=run.task.attempt - 1, history=run.task.history[:-1])
        outcome = lost_outcome(before)
        decision = self._decide(task, outcome)
        self._emit("task.lost" if outcome.status == "lost" else "task.finished", task, outcome, decision)
        if decision.verb == "retry" and not decision.delay:
            return True
        run.decision, run.unstarted = decision, True
        run.outcome = outcome
        return False

    def _run(self, run: Run) -> Outcome:
        runner = self._runners.get(run.task.runner)
        if runner is None:
            return Outcome.failed(f"this worker has no runner {run.task.runner!r}", code="no-runner")
        try:
            outcome = self._execute(task=run.task, runner=runner, context=run.context)
        except BaseException as error:  # sys.exit(), too: it would end the thread, and the task with it never
            return Outcome.failed(without(run.task.raw, described(error)), code=type(error).__name__)
        if not isinstance(outcome, Outcome):
            return Outcome.failed(f"the runner {runner.name!r} returned no Outcome", code="no-outcome")
        if run.timed_out and outcome.status == "cancelled":
            return Outcome.failed(f"timed out after {run.timeout:g} s", code="timeout")
        return self._with_data(run, outcome)

    def _with_data(self, run: Run, outcome: Outcome) -> Outcome:
        """An outcome whose data can be kept: what was done is done, even if that is not."""
        if outcome.data == {}:
            return outcome
        try:
            as_data(outcome.data)
        except (TypeError, ValueError) as error:
            self._emit("trouble", run.task, note=f"its data is no JSON, and is left out: {error}")
            return replace(outcome, data={})
        return outcome

    def _decide(self, task: Task, outcome: Outcome) -> Decision:
        decision: Decision
        try:
            policy = self._policy(str(task.options.get("policy") or default_policy(task)))
            decision = self._ask_policy(task=task, outcome=outcome, policy=policy)
            check_decision(decision)
        except BaseException as error:
            self._emit("trouble", task, note=f"its policy failed: {described(error)}")
            return Decision.dead()
        return decision

    def _policy(self, name: str) -> Policy:
        """A policy, looked up once."""
        if name not in self._policies:
            self._policies[name] = self._plugins.policy(name)
        return self._policies[name]


def _direct(hook: Any, own: Callable[..., Any]) -> Callable[..., Any]:
    """A hook, or what it comes to while no plugin implements it: our own function, called without detours."""
    found: Callable[..., Any] = own if len(hook.get_hookimpls()) == 1 else hook
    return found
