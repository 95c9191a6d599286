"""A board of many jobs with labels and five runs each: memory, pop and report, and finding failing jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Literal

from bench.harness import BATCH, PAYLOAD, Result, empty, put_all, seconds
from bench.memory import growth
from bench.runs import COUNT, ROUNDS, push, time_tasks
from jobs_core import Board

RUNS = 5
TEAMS = 1000
"""Each job of the first half has one of so many labels; those of the second half have none."""
FAILING_IN = 10
"""One in so many jobs fails."""
SIZE = 100
"""Tasks per pop and report."""
LABEL = "team=t7"
PROGRAM = [sys.executable, "-c", "from jobs_core.cli import main; main()"]


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure a board whose jobs have run five times each. The floors have the same jobs, which never ran."""
    bare = growth(board, count, lambda: _put(board, count))
    without = _pop_and_report(board, count, kept=0)
    used = growth(board, count, lambda: _fill(board, count))
    yield Result(f"{count:,} jobs with {RUNS} runs each: memory", used, "bytes/job", bare)
    yield from _lists(board, count, url)
    with_runs = _pop_and_report(board, count, kept=RUNS)
    yield Result(f"{count:,} jobs: pop and report {SIZE} at a time", with_runs, "us/task", without)
    empty(board)


def _lists(board: Board, count: int, url: str) -> Iterator[Result]:
    """Find the failing jobs of a label, in this process and in another, whose floor is `jobs --version`."""
    expected = sum(1 for n in range(7, count // 2, TEAMS) if _is_failing(n))
    what = f"{count:,} jobs: failing ones of a label ({expected})"

    def found() -> None:
        if sum(1 for _ in board.list(label=LABEL, failing=True, summary=True)) != expected:
            raise RuntimeError("other jobs were found")

    milliseconds = 1000 * min(seconds(found) for _ in range(ROUNDS))
    yield Result(f"{what}, board.list", milliseconds, "ms", None, "< 1,000 ms")
    words = ["list", "--failing", "--label", LABEL]
    whole, bare = (min(_process(board, url, *args) for _ in range(ROUNDS)) for args in (words, ["--version"]))
    yield Result(f"{what}, jobs list as a process", whole, "s", bare, "< 1 s")


def _process(board: Board, url: str, *words: str) -> float:
    environment = os.environ | {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    command = [*PROGRAM, *words]
    return seconds(lambda: subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True))


def _put(board: Board, count: int) -> None:
    """Put jobs, with a label on half of them."""
    for first in range(0, count, 10 * BATCH):
        put_all(board, [_line(n, count) for n in range(first, min(first + 10 * BATCH, count))])


def _line(number: int, count: int) -> str:
    job = {"id": f"job-{number}", "runner": "noop", "payload": PAYLOAD, "every": 3600, "start": "+1h"}
    label = {"label": f"team=t{number % TEAMS}"} if number < count // 2 else {}
    return json.dumps(job | label)


def _is_failing(number: int) -> bool:
    return number // TEAMS % FAILING_IN == 0


def _fill(board: Board, count: int) -> None:
    """Put jobs, and give each a copy of what the engine keeps of a job that is done, or of one that dies.

    Copying records takes seconds. Running all jobs would take many minutes.
    """
    board.retain(runs=RUNS, runs_bytes="off")
    _put(board, count)
    done, dead = _record(board, 0, "done"), _record(board, 1, "dead")
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        texts = {_key(board, f"runs:job-{n}"): dead if _is_failing(n) else done for n in numbers}
        board.client.mset(texts)
        board.client.sadd(_key(board, "runs"), *(f"job-{n}" for n in numbers))
        if failing := {f"job-{n}": RUNS for n in numbers if _is_failing(n)}:
            board.client.zadd(_key(board, "failing"), failing)


def _record(board: Board, number: int, outcome: Literal["done", "dead"]) -> str:
    """Let a job end a few times, and return what the board keeps of that."""
    for _ in range(RUNS):
        push(board, [number])
        (task,) = board.pop("noop", lease=30, worker="host-1:4242")
        board.ack(task.token, outcome)
    board.dead_purge(all=True)
    return str(board.client.get(_key(board, f"runs:job-{number}")))


def _key(board: Board, name: str) -> str:
    return f"{board.keys.tag}:{name}"


def _pop_and_report(board: Board, count: int, kept: int) -> float:
    """Return the microseconds that Redis takes per task of jobs spread over the board."""
    board.retain(runs=kept)
    numbers = [range(first, count, count // COUNT)[:COUNT] for first in range(ROUNDS)]
    return min(time_tasks(board, some, SIZE) for some in numbers)
