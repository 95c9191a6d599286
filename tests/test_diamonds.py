"""A thousand runs of a diamond of dependencies while workers are killed: all in order, each exactly once."""

from __future__ import annotations

import random
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board
from tests.helpers import PATIENCE, install, jobs_process

DIAMONDS, ROUNDS = 50, 20
WORKERS, KILLS = 3, 12

PLUGIN = """
    import random
    from jobs_core import Outcome, Runner, hookimpl

    def run(task, context):
        context.cancelled.wait(random.random() / 100)
        return Outcome.failed("not yet") if random.random() < 0.1 else Outcome.done()

    @hookimpl
    def jobs_runners():
        yield Runner("step", run)
"""


@pytest.fixture
def workers(tmp_path: Path, url: str, board: Board) -> Iterator[Callable[[], None]]:
    """Three workers. Call it to kill a random one and start another in its place."""
    install(tmp_path, "jobs_step", PLUGIN)
    chance = random.Random("diamonds")

    def start() -> subprocess.Popen[str]:
        process = jobs_process(
            *("run", "--runner", "step", "--log", "json", "--lease", "1", "--concurrency", "4"),
            path=tmp_path,
            JOBS_REDIS_URL=url,
            JOBS_BOARD=board.name,
        )
        assert process.stdout is not None
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return process

    def stop(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    running = [start() for _ in range(WORKERS)]

    def replace_one() -> None:
        running.append(start())
        stop(running.pop(chance.randrange(WORKERS)))

    yield replace_one
    for process in running:
        stop(process)


def ends(board: Board) -> Iterator[str]:
    """Yield the ids of tasks as they succeed."""
    last = "0"
    while True:
        found: Any = board.client.xread({board.keys.history: last}, block=int(PATIENCE * 1000))
        assert found, "nothing happens any more"
        entries = found[0][1]
        last = entries[-1][0]
        for _, entry in entries:
            if entry["what"] == "done":
                yield entry["task"]


def test_each_child_runs_once_for_each_set_of_parents_that_is_complete(
    board: Board, workers: Callable[[], None]
) -> None:
    options = {"attempts": 1000, "backoff": "10ms", "losses": 20}
    for number in range(DIAMONDS):
        for id, after in (("a", None), ("b", "a"), ("c", "a"), ("d", "b,c")):
            parents = ",".join(f"{parent}-{number}" for parent in (after or "").split(",") if parent)
            board.put(f"{id}-{number}", "step", "", after=parents or None, **options)
        board.push(f"a-{number}")

    order: dict[str, list[str]] = defaultdict(list)
    rounds = 0
    for task in ends(board):
        job, _, number = task.partition("@")[0].partition("-")
        order[number].append(job)
        if job != "d":
            continue
        rounds += 1
        if rounds % (DIAMONDS * ROUNDS // (KILLS + 1)) == 0:
            workers()
        if rounds == DIAMONDS * ROUNDS:
            break
        if order[number].count("d") < ROUNDS:
            board.push(f"a-{number}")

    for ran in order.values():
        in_rounds = ["".join(sorted(ran[first : first + 4])) for first in range(0, len(ran), 4)]
        assert in_rounds == ["abcd"] * ROUNDS
        assert all((ran[first], ran[first + 3]) == ("a", "d") for first in range(0, len(ran), 4))
    assert not list(board.tasks())
    stats = board.stats()
    assert stats["done"] == stats["queued"] == stats["due"] == 4 * DIAMONDS * ROUNDS
    assert stats["dead"] == 0
    assert stats["lost"] > 0
    assert stats["retried"] > 0
