"""Conformance tests for policies."""

from __future__ import annotations

import pytest

from jobs_core.contract import Policy
from jobs_core.plugins.manager import Plugins
from jobs_core.testing.plugin import PluginConformance
from jobs_core.types import Attempt, Decision, Outcome, Task

OUTCOMES = (
    Outcome.done("fine"),
    Outcome.failed("broken", code="7"),
    Outcome.failed("timed out", code="timeout"),
    Outcome.failed("busy", code="503", retry_after=30),
    Outcome.cancelled("by the runner"),
    Outcome.lost(),
)


class PolicyConformance(PluginConformance):
    """Tests for a policy. Set `plugin` (the entry point) and `policy` (its name)."""

    policy: str

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.code or outcome.status)
    @pytest.mark.parametrize("attempt", [1, 2, 1000])
    def test_it_decides_on_every_outcome(self, outcome: Outcome, attempt: int) -> None:
        """The policy returns a Decision with a delay that is not negative."""
        decision = self.found().decide(self.task(attempt), outcome)
        assert isinstance(decision, Decision), f"decide returned {decision!r}"
        assert decision.delay >= 0

    def test_a_successful_task_is_done(self) -> None:
        """The policy does not retry a successful task."""
        assert self.found().decide(self.task(1), Outcome.done()) == Decision.done()

    def test_it_is_found_when_a_job_names_it(self) -> None:
        """`jobs put … --policy NAME` finds the policy."""
        assert self.found().name == self.policy

    def task(self, attempt: int) -> Task:
        """Return a task whose earlier attempts failed."""
        history = tuple(
            Attempt("failed", 1763900005.0 + n, "host-1", "7", "broken") for n in range(attempt - 1)
        )
        return Task(
            "a@1763900005000", "a", "shell", "shell", 1763900005.0, attempt, "x", history=history[-20:]
        )

    def found(self) -> Policy:
        """Return the policy that the plugin provides."""
        return Plugins.load().policy(self.policy)
