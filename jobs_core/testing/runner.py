"""What a runner must do, whatever it runs."""

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
from jobs_core.testing.stage import PATIENCE, make_task, private_board, read_settings, run_task, working
from jobs_core.types import Outcome, Payload, Task

KEPT = 1_000_000
"""Bytes: what an outcome may bring into the history, whatever the task wrote."""


class RunnerConformance(PluginConformance):
    """Tests for a runner. Set `plugin` (the entry point), `runner` and `good`; more payloads, more tests.

    `good` ends well. `failing` fails. `refused` is refused when a job is put. `slow` runs for a minute or
    more unless it is told to stop. `loud` writes 10 MB of output.
    """

    runner: str
    good: Payload
    failing: Payload | None = None
    refused: Payload | None = None
    slow: Payload | None = None
    loud: Payload | None = None

    _plugins: ClassVar[Plugins | None] = None

    @pytest.fixture
    def board(self) -> Iterator[Board]:
        """An empty board on a private server."""
        with private_board() as board:
            yield board

    # On its own

    def test_a_good_payload_ends_well(self) -> None:
        """And its outcome can be kept."""
        outcome = self.run(self.good)
        assert outcome.status in ("done", "accepted"), outcome
        check_outcome(outcome)

    def test_a_task_that_is_delivered_again_runs_again(self) -> None:
        """At least once means that the same task may come twice."""
        task = self.task(self.good)
        for _ in range(2):
            assert self.run_task(task, self.context()).status in ("done", "accepted")

    def test_a_failure_is_an_outcome(self) -> None:
        """Not an exception; with a note for people and a code for policies."""
        outcome = self.run(self.wanted("failing"))
        assert outcome.status == "failed", outcome
        assert outcome.note and outcome.code, "a failure needs a note for people, and a code for policies"
        check_outcome(outcome)

    def test_a_bad_payload_is_refused_when_it_is_put(self, board: Board) -> None:
        """In one sentence that does not quote it."""
        payload = self.wanted("refused")
        with pytest.raises(UserError) as caught:
            board.put("conformance", self.runner, payload)
        sentence = str(caught.value)
        assert "\n" not in sentence
        assert as_raw(payload) not in sentence, "an error quotes the payload, which may hold secrets"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_it_stops_when_it_is_told_to(self, when: str) -> None:
        """Also before it begins: by a timeout, `jobs cancel`, or the end of a worker."""
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
        assert outcomes, "it goes on though it is told to stop: use context.on_stop or context.cancelled"
        assert outcomes[0].status in ("cancelled", "failed"), outcomes

    def test_much_output_makes_no_large_outcome(self) -> None:
        """What a task writes goes to the loggers, line by line; the history keeps some of it."""
        lines = 0

        def count(text: str, stream: str) -> None:
            nonlocal lines
            lines += 1

        outcome = self.run(self.wanted("loud"), self.context(emit=count))
        assert outcome.status == "done", outcome
        assert len(json.dumps(dict(outcome.data))) < KEPT

    # Through a worker

    def test_it_works_in_a_worker(self, board: Board) -> None:
        """Put, ticked, taken, run, reported; and the ledger adds up."""
        board.put("conformance", self.runner, self.good, at="+0")
        with working(board, self.found()) as (_, log):
            event = log.wait_for(
                "task.accepted" if self.run(self.good).status == "accepted" else "task.finished"
            )[0]
        assert event.outcome is not None and event.outcome.status in ("done", "accepted")
        stats = board.stats()
        assert stats["queued"] == stats["done"] + stats["in_flight"] == 1

    def test_a_timeout_ends_it(self, board: Board) -> None:
        """And is a failure with the code `timeout`."""
        board.push(self.runner, self.wanted("slow"), timeout=0.3)
        with working(board, self.found()) as (_, log):
            (event,) = log.wait_for("task.finished")
        assert event.outcome is not None
        assert (event.outcome.status, event.outcome.code) == ("failed", "timeout")
        assert board.count()["dead"] == 1

    def test_a_cancel_ends_it(self, board: Board) -> None:
        """While it runs; the worker is told at once."""
        id = board.push(self.runner, self.wanted("slow"))
        with working(board, self.found()) as (_, log):
            log.wait_for("task.started")
            board.cancel(id)
            log.wait_for("task.cancelled")
        assert board.stats()["cancelled"] == 1

    def test_what_a_stopped_worker_gives_back_is_run_again(self, board: Board) -> None:
        """A drain tells running tasks to stop, and another worker begins them anew."""
        board.push(self.runner, self.wanted("slow"))
        with working(board, self.found(), drain=0) as (_, log):
            log.wait_for("task.started")
        assert (board.stats()["released"], board.count()["queued"]) == (1, 1)

    # What subclasses may use

    def task(self, payload: Payload, **fields: Any) -> Task:
        """A task of this runner, as a worker would hand it over."""
        return make_task(self.found(), payload, **fields)

    def context(self, **options: Any) -> Context:
        """A context with the settings of all plugins: from the environment, `jobs.toml` or their defaults.

        `options` are those of `Context`.
        """
        return Context("conformance", **({"settings": read_settings()} | options))

    def run(self, payload: Payload, context: Context | None = None) -> Outcome:
        """Run a payload, without a worker."""
        return self.run_task(self.task(payload), context or self.context())

    def run_task(self, task: Task, context: Context) -> Outcome:
        """Run a task, without a worker."""
        outcome = run_task(self.found(), task, context)
        assert isinstance(outcome, Outcome), f"run returned {outcome!r}, which is no Outcome"
        return outcome

    def found(self) -> Runner:
        """The runner, as its plugin provides it."""
        if type(self)._plugins is None:
            type(self)._plugins = Plugins.load()
        assert self._plugins is not None
        return self._plugins.runner(self.runner)

    def wanted(self, name: str) -> Payload:
        """A payload that the subclass may give; without it the test is skipped."""
        payload: Payload | None = getattr(self, name)
        if payload is None:
            pytest.skip(f"no payload {name!r} is given")
        return payload


def check_outcome(outcome: Outcome) -> None:
    """Refuse an outcome that could not be kept as it is."""
    assert isinstance(outcome.note, str) and "\n" not in outcome.note, "a note is one line"
    assert isinstance(outcome.code, str) and " " not in outcome.code, "a code is one word"
    assert json.loads(json.dumps(dict(outcome.data))) == dict(outcome.data), "the data of an outcome is JSON"
