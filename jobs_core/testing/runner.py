"""Conformance tests for runners."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from jobs_core.app import Board
from jobs_core.context import Context
from jobs_core.contract import Runner
from jobs_core.engine.calls import as_raw
from jobs_core.errors import UserError
from jobs_core.plugins.manager import Plugins
from jobs_core.testing.plugin import PluginConformance
from jobs_core.testing.stage import (
    PATIENCE,
    make_task,
    new_board,
    private_server,
    read_settings,
    run_task,
    working,
)
from jobs_core.types import Outcome, Payload, Task

MAX_DATA = 1_000_000
"""The largest data of an outcome, in bytes, whatever the task prints."""


class RunnerConformance(PluginConformance):
    """Tests for a runner. Set `plugin` (the entry point), `runner` and `good`; more payloads, more tests.

    `good` succeeds. `failing` fails. `refused` is rejected when a job is put. `slow` runs for at least a
    minute unless it is told to stop. `loud` prints 10 MB of output.
    """

    runner: str
    good: Payload
    failing: Payload | None = None
    refused: Payload | None = None
    slow: Payload | None = None
    loud: Payload | None = None

    _plugins: ClassVar[Plugins | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def private_server(cls) -> Iterator[str]:
        """Provide the URL of a private server, which the tests of the class share."""
        with private_server() as url:
            yield url

    @pytest.fixture
    def board(self, private_server: str) -> Iterator[Board]:
        """Provide an empty board on a private server."""
        with new_board(private_server) as board:
            yield board

    # Without a worker

    def test_a_good_payload_succeeds(self) -> None:
        """The runner succeeds with a storable outcome."""
        outcome = self.run(self.good)
        assert outcome.status in ("done", "accepted"), outcome
        check_outcome(outcome)

    def test_a_redelivered_task_runs_again(self) -> None:
        """At-least-once delivery can run the same task twice."""
        task = self.task(self.good)
        for _ in range(2):
            assert self.run_task(task, self.context()).status in ("done", "accepted")

    def test_a_failure_is_an_outcome(self) -> None:
        """The runner reports a failure as an outcome with a note and a code, not as an exception."""
        outcome = self.run(self.wanted("failing"))
        assert outcome.status == "failed", outcome
        assert outcome.note and outcome.code, (
            "a failed outcome needs a note for people and a code for policies"
        )
        check_outcome(outcome)

    def test_a_bad_payload_is_rejected_on_put(self, board: Board) -> None:
        """The error is one sentence that does not quote the payload."""
        payload = self.wanted("refused")
        with pytest.raises(UserError) as caught:
            board.put("conformance", self.runner, payload)
        sentence = str(caught.value)
        assert "\n" not in sentence, "an error is one line"
        assert as_raw(payload) not in sentence, "the error quotes the payload, which may contain secrets"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_it_stops_on_request(self, when: str) -> None:
        """A timeout, `jobs cancel` or a worker shutdown stops the runner, even before it begins."""
        context = self.context()
        outcomes: list[Outcome] = []
        task = self.task(self.wanted("slow"))
        thread = threading.Thread(target=lambda: outcomes.append(self.run_task(task, context)), daemon=True)
        if when == "before":
            context.stop()
        thread.start()
        assert when == "before" or not outcomes
        context.stop()
        thread.join(PATIENCE)
        assert outcomes, "the runner does not stop on request: use context.on_stop or context.cancelled"
        assert outcomes[0].status in ("cancelled", "failed"), outcomes

    def test_large_output_keeps_the_outcome_small(self) -> None:
        """Output goes to the loggers line by line. The history keeps only a part of it."""
        lines = 0

        def count(text: str, stream: str) -> None:
            nonlocal lines
            lines += 1

        outcome = self.run(self.wanted("loud"), self.context(emit=count))
        assert outcome.status == "done", outcome
        assert len(json.dumps(dict(outcome.data))) < MAX_DATA

    # With a worker

    def test_it_works_in_a_worker(self, board: Board) -> None:
        """A worker runs a scheduled job and reports it, and the ledger adds up."""
        board.put("conformance", self.runner, self.good, at="+0")
        with working(board, self.found()) as (_, log):
            event = log.wait_for(
                "task.accepted" if self.run(self.good).status == "accepted" else "task.finished"
            )[0]
        assert event.outcome is not None and event.outcome.status in ("done", "accepted")
        stats = board.stats()
        assert stats["queued"] == stats["done"] + stats["in_flight"] == 1

    def test_a_timeout_ends_it(self, board: Board) -> None:
        """A timeout stops the runner; the outcome is failed with the code `timeout`."""
        board.push(self.runner, self.wanted("slow"), timeout=0.3, policy="ack")
        with working(board, self.found()) as (_, log):
            (event,) = log.wait_for("task.finished")
        assert event.outcome is not None
        assert (event.outcome.status, event.outcome.code) == ("failed", "timeout")
        assert board.count()["dead"] == 1

    def test_a_cancel_ends_it(self, board: Board) -> None:
        """A cancel stops a running task immediately."""
        id = board.push(self.runner, self.wanted("slow"))
        with working(board, self.found()) as (_, log):
            log.wait_for("task.started")
            board.cancel(id)
            log.wait_for("task.cancelled")
        assert board.stats()["cancelled"] == 1

    def test_a_draining_worker_returns_its_task(self, board: Board) -> None:
        """A drain stops running tasks and returns them to the queue."""
        board.push(self.runner, self.wanted("slow"))
        with working(board, self.found(), drain=0) as (_, log):
            log.wait_for("task.started")
        assert (board.stats()["released"], board.count()["queued"]) == (1, 1)

    # For subclasses

    def task(self, payload: Payload, **fields: Any) -> Task:
        """Return a task of this runner, like one from a worker."""
        return make_task(self.found(), payload, **fields)

    def context(self, **options: Any) -> Context:
        """Return a context with the settings of all plugins.

        Settings come from the environment, `jobs.toml` or their defaults. `options` go to `Context`.
        """
        return Context("conformance", **({"settings": read_settings()} | options))

    def run(self, payload: Payload, context: Context | None = None) -> Outcome:
        """Run a payload without a worker."""
        return self.run_task(self.task(payload), context or self.context())

    def run_task(self, task: Task, context: Context) -> Outcome:
        """Run a task without a worker."""
        outcome = run_task(self.found(), task, context)
        assert isinstance(outcome, Outcome), f"run: expected an Outcome, got {outcome!r}"
        return outcome

    def found(self) -> Runner:
        """Return the runner that the plugin provides."""
        if type(self)._plugins is None:
            type(self)._plugins = Plugins.load()
        assert self._plugins is not None
        return self._plugins.runner(self.runner)

    def wanted(self, name: str) -> Payload:
        """Return a payload of the subclass, or skip the test if it sets none."""
        payload: Payload | None = getattr(self, name)
        if payload is None:
            pytest.skip(f"the class sets no payload {name!r}")
        return payload


def check_outcome(outcome: Outcome) -> None:
    """Assert that an outcome can be stored unchanged."""
    assert isinstance(outcome.note, str) and "\n" not in outcome.note, "an outcome's note must be one line"
    assert isinstance(outcome.code, str) and " " not in outcome.code, "an outcome's code must be one word"
    assert json.loads(json.dumps(dict(outcome.data))) == dict(outcome.data), "an outcome's data must be JSON"
