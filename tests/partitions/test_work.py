"""A worker of a board of several partitions."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs_core import Board, Context, Outcome, Task
from tests.helpers import PATIENCE, install, jobs_process, runner, wait_until, working
from tests.test_fleet import PLUGIN


@contextmanager
def ended_at_last(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Kill a process at the end of the block."""
    with process:
        try:
            yield process
        finally:
            process.kill()
            assert process.stdout is not None and process.stderr is not None
            process.communicate()


def test_a_worker_ticks_and_runs_all_partitions(spread_board: Board) -> None:
    boards: set[str] = set()

    def run(task: Task, context: Context) -> Outcome:
        assert context.board is not None
        boards.add(context.board.name)
        return Outcome.done()

    for number in range(20):
        spread_board.put(f"job-{number}", "test", "x", at="+0s")
    with working(spread_board, runner(run)):
        wait_until(lambda: spread_board.stats()["done"] == 20)
    assert boards == {spread_board.name}
    assert all(part.stats()["done"] for part in spread_board.partitions)


def test_a_cancelled_run_is_told_at_once(spread_board: Board) -> None:
    def run(task: Task, context: Context) -> Outcome:
        assert context.cancelled.wait(PATIENCE)
        return Outcome.cancelled()

    tasks = [spread_board.push("test", "x") for _ in range(4)]
    with working(spread_board, runner(run)):
        wait_until(lambda: spread_board.count()["leased"] == 4)
        for task in tasks:
            spread_board.cancel(task)
        wait_until(lambda: spread_board.stats()["cancelled"] == 4)


def test_what_a_killed_worker_held_runs_again_under_the_same_id(
    spread_board: Board, url: str, tmp_path: Path
) -> None:
    install(tmp_path, "jobs_note", PLUGIN)
    tasks = [spread_board.push("note", "0", lease=1) for _ in range(8)]
    held = [spread_board.push("note", "60" if number else "0", lease=1) for number in range(4)]

    def begun() -> Counter[str]:
        return Counter((tmp_path / "runs.begun").read_text().split())

    def started() -> subprocess.Popen[str]:
        return jobs_process(
            *("run", "--runner", "note", "--board", spread_board.name, "--concurrency", "20"),
            path=tmp_path,
            RUN_LOG=str(tmp_path / "runs"),
            JOBS_REDIS_URL=url,
        )

    with ended_at_last(started()) as first:
        wait_until(lambda: spread_board.stats()["done"] == 9 and spread_board.count()["leased"] == 3)
        first.kill()
    with ended_at_last(started()):
        wait_until(lambda: spread_board.stats()["lost"] == 3 and spread_board.count()["leased"] == 3)
        expected = Counter([*tasks, *held, *held[1:]])
        wait_until(lambda: begun().total() >= expected.total())  # a task is leased a moment before it begins
        assert begun() == expected
        for task in held[1:]:
            spread_board.cancel(task)
        wait_until(lambda: spread_board.stats()["cancelled"] == 3)
    stats = spread_board.stats()
    assert (stats["queued"], stats["done"], stats["doubled"], stats["in_flight"]) == (12, 9, 3, 0)
