"""Execute a task: call its runner, and ask the policy for a decision about the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jobs_core.contract import Policy, Runner
from jobs_core.engine.calls import as_data
from jobs_core.errors import is_shortage
from jobs_core.plugins.builtin import hooks as builtin
from jobs_core.plugins.builtin.policies import default_policy
from jobs_core.plugins.manager import Plugins
from jobs_core.text import described, redact
from jobs_core.types import Decision, Outcome, Task
from jobs_core.worker.alert_messages import fill_task
from jobs_core.worker.events import Events
from jobs_core.worker.run import Run, check_decision, lost_outcome


class Executor:
    """Executes runs on the thread that calls it. An exception in a plugin does not end the thread."""

    def __init__(self, runners: Mapping[str, Runner], plugins: Plugins, events: Events) -> None:
        self._runners = runners
        self._plugins = plugins
        self._emit = events.emit
        hook = plugins.manager.hook
        self._execute = _direct(hook.jobs_execute, builtin.jobs_execute)
        self._ask_policy = _direct(hook.jobs_decide, builtin.jobs_decide)
        self._policies: dict[str, Policy] = {}

    def execute(self, run: Run) -> None:
        """Run a task, and store its outcome and decision in `run`."""
        try:
            if run.is_unproven:  # Redis answered too late: give the task back
                run.tell_to_stop()
            elif self._may_start(run):
                self._execute_run(run)
        except BaseException as error:  # otherwise the thread would end without reporting the task
            run.outcome = Outcome.failed(redact(run.task.raw, described(error)), code="fault")

    def _execute_run(self, run: Run) -> None:
        self._emit("task.started", run.task, board=run.served.name)
        outcome = self._run(run)
        if outcome.unstarted and run.task.token:
            run.give_back(outcome.note)
            return
        if run.keeps_output:
            run.served.keeper.end(run.task.token)
        if not run.is_open(outcome):
            run.decision = self._decide(run, run.task, outcome)
        run.outcome = outcome  # set last: once it is set, the run may be reported

    def _may_start(self, run: Run) -> bool:
        """Return whether the attempt may start.

        If the previous attempt ended without a policy, ask the policy now. If it decides to wait or to give
        up, report that instead of starting.
        """
        before = run.task.history[-1] if run.task.history else None
        if before is None or before.decided:
            return True
        task = replace(run.task, attempt=run.task.attempt - 1, history=run.task.history[:-1])
        outcome = lost_outcome(before)
        decision = self._decide(run, task, outcome)
        kind = "task.lost" if outcome.status == "lost" else "task.finished"
        self._emit(kind, task, outcome, decision, board=run.served.name)
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
            message = run.context.alert
            task = run.task if message is None else fill_task(run.task, message, runner)
            outcome = self._execute(task=task, runner=runner, context=run.context)
        except BaseException as error:  # sys.exit() must not end the thread either
            if is_shortage(error) and not run.context.has_begun:
                return Outcome.not_started(described(error))
            return Outcome.failed(redact(run.task.raw, described(error)), code=type(error).__name__)
        if not isinstance(outcome, Outcome):
            return Outcome.failed(f"the runner {runner.name!r} did not return an Outcome", code="no-outcome")
        if outcome.status == "failed" and run.is_unproven:
            run.tell_to_stop()
            return Outcome.cancelled(outcome.note)  # whoever ended it did so before its lease ended
        if run.timed_out and outcome.status == "cancelled":
            return Outcome.failed(f"timed out after {run.timeout:g} s", code="timeout")
        return self._with_data(run, outcome)

    def _with_data(self, run: Run, outcome: Outcome) -> Outcome:
        """Return the outcome, without its data if that cannot be stored as JSON."""
        if outcome.data == {}:
            return outcome
        try:
            as_data(outcome.data)
        except (TypeError, ValueError, RecursionError) as error:
            note = f"its data is not valid JSON and was dropped: {error}"
            self._emit("trouble", run.task, board=run.served.name, note=note)
            return replace(outcome, data={})
        return outcome

    def _decide(self, run: Run, task: Task, outcome: Outcome) -> Decision:
        decision: Decision
        try:
            policy = self._policy(str(task.options.get("policy") or default_policy(task)))
            decision = self._ask_policy(task=task, outcome=outcome, policy=policy)
            check_decision(decision)
        except BaseException as error:
            note = f"its policy failed: {described(error)}"
            self._emit("trouble", task, board=run.served.name, note=note)
            return Decision.dead()
        return decision

    def _policy(self, name: str) -> Policy:
        """Return a policy. Policies are looked up once."""
        if name not in self._policies:
            self._policies[name] = self._plugins.policy(name)
        return self._policies[name]


def _direct(hook: Any, own: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook, or the builtin function if no plugin implements the hook: a direct call is faster."""
    found: Callable[..., Any] = own if len(hook.get_hookimpls()) == 1 else hook
    return found
