"""Alerts when workers are killed, or all are away."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from jobs_core import Board, Context, Outcome, Task
from tests.helpers import runner, wait_until, working
from torture import alerts


def test_each_row_of_failures_is_told_once_while_workers_are_killed(
    board: Board, url: str, tmp_path: Path
) -> None:
    report = alerts.run(tmp_path, url, board.name, kills=3, jobs=3, runs=30)
    assert report.wrong == {}
    assert sum(report.rows.values()) >= 3
    stats = board.stats()
    assert stats["queued"] == stats["done"] + stats["dead"] and stats["in_flight"] == 0


def test_an_hour_without_workers_is_told_once_by_the_first_one_back(board: Board) -> None:
    told: list[dict[str, Any]] = []

    def tell(task: Task, context: Context) -> Outcome:
        told.append(dict(json.loads(json.dumps(task.options["alert"]))))
        return Outcome.done()

    def done(task: Task, context: Context) -> Outcome:
        return Outcome.done()

    now = time.time()
    for id in ("a", "b"):
        board.commands.call("JSET", id, "echo", "x", "every", 300, "start", now - 3600, "now", now - 3600)
    board.commands.call(
        "JALERT", "put", "ops", "tell", "x", "when", "behind, missed", "for", "a,b", "now", now - 3600
    )
    board.commands.call("JTICK", "now", now - 3600)
    for task in board.commands.call("JPOP", 1, "echo", "count", 9, "now", now - 3600):
        assert task
    for _ in range(2):  # the next worker has nothing to add
        with working(board, runner(tell, "tell"), runner(done, "echo")) as (_, log):
            wait_until(lambda: len(told) >= 3 and board.stats()["in_flight"] == 0)
            log.wait_for("worker.started")
    found = sorted((one["kind"], one.get("job", "")) for one in told)
    assert found == [("behind", ""), ("missed", "a"), ("missed", "b")]
    behind = next(one for one in told if one["kind"] == "behind")
    assert behind["why"] == "idle" and behind["upto"] - behind["since"] > 3000
