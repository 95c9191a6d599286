"""A worker of several boards: fair, with one clock; what happens to one board leaves the others alone."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Context, OptionError, Outcome, Runner, Task, Worker
from jobs_core.engine.outage import Outage
from jobs_core.worker.clock import Clock
from tests.helpers import (
    PATIENCE,
    Jobs,
    install,
    jobs_process,
    keep_ticking,
    lines,
    refused,
    wait_until,
    working,
)
from tests.test_fleet import PLUGIN

_numbers = itertools.count()

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def pair(url: str) -> Iterator[tuple[Board, Board]]:
    """Two empty boards on the same connections."""
    with Board(f"left-{next(_numbers)}", url, validate=False) as left:
        yield left, Board(left.name.replace("left", "right"), client=left.client, validate=False)


@pytest.fixture
def start(tmp_path: Path, url: str, pair: tuple[Board, Board]) -> Iterator[Start]:
    """Start workers of both boards."""
    install(tmp_path, "jobs_note", PLUGIN)
    started: list[subprocess.Popen[str]] = []
    boards = [word for board in pair for word in ("--board", board.name)]

    def begin(*words: str, log: str = "json") -> subprocess.Popen[str]:
        process = jobs_process(
            *("run", "--runner", "note", "--log", log, *boards, *words),
            path=tmp_path,
            RUN_LOG=str(tmp_path / "runs"),
            JOBS_REDIS_URL=url,
        )
        assert process.stdout is not None
        assert "started" in process.stdout.readline()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


class Order:
    """A runner that notes the boards of its tasks in the order in which they run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def run(self, task: Task, context: Context) -> Outcome:
        assert context.board is not None
        self.names.append(context.board.name)
        return Outcome.done()

    def before_last(self, board: Board, other: Board) -> int:
        """Return how many tasks of `other` ran before the last one of `board`."""
        last = len(self.names) - self.names[::-1].index(board.name)
        return self.names[:last].count(other.name)


def push(board: Board, count: int) -> None:
    for _ in board.push_many({"runner": "test", "payload": "x"} for _ in range(count)):
        pass


# Fairness


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("concurrency", [1, 10, 50])
def test_a_long_queue_of_one_board_does_not_starve_another(
    pair: tuple[Board, Board], concurrency: int, inline: bool
) -> None:
    long, short = pair
    push(long, 10_000)
    push(short, 10)
    order = Order()
    worker = Worker([long, short], [Runner("test", order.run, inline=inline)], concurrency=concurrency)
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_until(lambda: short.stats()["done"] == 10)
    worker.stop()
    thread.join(PATIENCE)
    assert order.before_last(short, long) < 60


@pytest.mark.parametrize("concurrency", [1, 10])
def test_a_busy_worker_notices_tasks_of_a_quiet_board(pair: tuple[Board, Board], concurrency: int) -> None:
    busy, quiet = pair
    push(busy, 10_000)
    order, pushed = Order(), threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        if len(order.names) >= 300 and not pushed.is_set():
            pushed.set()
            order.names.clear()
            push(quiet, 10)
        return order.run(task, context)

    worker = Worker([busy, quiet], [Runner("test", run)], concurrency=concurrency)
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_until(lambda: quiet.stats()["done"] == 10)
    worker.stop()
    thread.join(PATIENCE)
    assert order.before_last(quiet, busy) < 100
    assert busy.stats()["done"] < 1000


def test_more_boards_than_slots_take_turns(url: str) -> None:
    with Board(f"turn-{next(_numbers)}", url, validate=False) as first:
        others = [Board(f"{first.name}-{n}", client=first.client, validate=False) for n in range(4)]
        boards, order = [first, *others], Order()
        for board in boards:
            push(board, 20)
        with working(boards, Runner("test", order.run), concurrency=2) as (_, log):
            log.wait_for("task.finished", 100)
    assert len(order.names) == 100
    for board in boards:
        ran = order.names[: order.names.index(board.name)]
        assert all(ran.count(other.name) <= 2 for other in boards)


def test_a_worker_whose_slots_are_taken_leaves_a_board_to_an_idle_worker(pair: tuple[Board, Board]) -> None:
    left, right = pair
    release, started = threading.Event(), threading.Event()

    def hold(task: Task, context: Context) -> Outcome:
        started.set()
        assert release.wait(PATIENCE)
        return Outcome.done()

    left.push("test", "long")
    with working([left, right], Runner("test", hold), concurrency=1, name="busy"):
        assert started.wait(PATIENCE)
        with working([left, right], Runner("test", Order().run), concurrency=1, name="idle") as (_, log):
            right.push("test", "x")
            (event,) = log.wait_for("task.finished")
            assert (event.worker, event.board) == ("idle", right.name)
            release.set()


# One loop, one clock, one wait


def test_boards_of_one_server_share_threads_and_connections(url: str, board: Board) -> None:
    def alive() -> tuple[set[threading.Thread], set[str]]:
        return set(threading.enumerate()), {client["id"] for client in board.client.client_list()}

    def cost(count: int) -> list[int]:
        with Board(f"shared-{next(_numbers)}", url, validate=False) as first:
            names = [f"{first.name}-{number}" for number in range(1, count)]
            boards = [first, *(Board(name, client=first.client, validate=False) for name in names)]
            before, order = alive(), Order()
            with working(boards, Runner("test", order.run), concurrency=2) as (_, log):
                for one in boards:
                    one.put("due", "test", "x", at="+0.01")
                log.wait_for("task.finished", count)
                after = alive()
            assert sorted(order.names) == sorted(one.name for one in boards)
        return [len(after[0] - before[0]), len(after[1] - before[1])]

    (threads, connections), (least_threads, least_connections) = cost(20), cost(1)
    assert threads == least_threads
    assert connections <= least_connections + 3  # a pool opens more if calls happen to overlap


def test_a_task_and_a_job_wake_an_idle_worker_on_either_board(pair: tuple[Board, Board]) -> None:
    with working(pair, Runner("test", Order().run)) as (_, log):
        for count, board in enumerate((*pair, *pair), 1):
            board.push("test", "x")
            assert log.wait_for("task.finished", count)[-1].board == board.name
        for count, board in enumerate(pair, 5):
            board.put("soon", "test", "x", at="+0.01")
            assert log.wait_for("task.finished", count)[-1].board == board.name


def test_a_clock_ticks_several_boards(pair: tuple[Board, Board], url: str, jobs: Jobs) -> None:
    for board in pair:
        board.put("due", "console", "x", at=time.time() - 5)
    (said,) = lines(jobs("tick", "--once", "--json", "--board", pair[0].name, "--board", pair[1].name))
    assert said == {"moved": 2}
    assert [board.count()["queued"] for board in pair] == [1, 1]


def test_ticks_have_succeeded_only_if_those_of_all_boards_have(pair: tuple[Board, Board]) -> None:
    good, bad = pair
    good.put("due", "test", "x", at=time.time() - 5)
    bad.put("due", "test", "x", at=time.time() - 5)
    layout = str(bad.client.get(bad.keys.layout))
    bad.client.set(bad.keys.layout, "99")
    said: list[str] = []
    ticked: list[int] = []
    clock = Clock(
        [board.commands for board in pair],
        board_outages=[Outage(board.name, said.append, said.append) for board in pair],
        on_tick=lambda: ticked.append(1),
    )
    clock.tick_all()
    assert (clock.moved, ticked, len(said)) == (1, [], 1)
    bad.client.set(bad.keys.layout, layout)
    wait_until(lambda: clock.tick_all() > 0 and bool(ticked))
    assert clock.moved == 2
    assert said[1].startswith(f"{bad.name} serves again")


# Workers as processes


def test_the_tasks_of_all_boards_are_retried_after_a_kill(
    pair: tuple[Board, Board], start: Start, tmp_path: Path
) -> None:
    for board in pair:
        board.push("note", "600")
    victim = start("--lease", "1", "--name", "victim")
    wait_until(lambda: all(board.count()["leased"] == 1 for board in pair))
    victim.kill()
    start("--lease", "1", "--name", "heir")

    def holders(board: Board) -> list[str]:
        keep_ticking(board)
        return [task["worker"] for task in board.tasks("leased")]

    wait_until(lambda: all(holders(board) == ["heir"] for board in pair))
    for board in pair:
        (task,) = board.tasks("leased")
        assert task["attempt"] == 2
        assert board.stats()["lost"] == 1


def test_sigterm_drains_all_boards(pair: tuple[Board, Board], start: Start, jobs: Jobs) -> None:
    worker = start("--concurrency", "2", "--name", "both")
    for board in pair:
        board.push("note", "1")
    wait_until(lambda: all(board.count()["leased"] == 1 for board in pair))
    for board in pair:
        (seen,) = lines(jobs("workers", "--json", "--board", board.name))
        assert (seen["worker"], seen["concurrency"]) == ("both", 2)
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=PATIENCE)
    ended = [event for event in map(json.loads, output.splitlines()) if event["kind"] == "task.finished"]
    assert sorted(event["board"] for event in ended) == sorted(board.name for board in pair)
    assert worker.returncode == 0
    for board in pair:
        assert board.stats()["done"] == 1
        assert list(board.workers()) == []


def test_the_console_names_the_board(pair: tuple[Board, Board], start: Start) -> None:
    worker = start(log="console")
    ids = {board.name: board.push("note", "0") for board in pair}
    wait_until(lambda: all(board.stats()["done"] == 1 for board in pair))
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=PATIENCE)
    for name, id in ids.items():
        assert f" {name}: {id} done" in output


# Boards in trouble


def test_a_board_that_cannot_be_read_does_not_stop_the_others(pair: tuple[Board, Board]) -> None:
    bad, good = pair
    with working(pair, Runner("test", Order().run)) as (_, log):
        bad.client.set(bad.keys.layout, "99")
        bad.client.rpush(bad.keys.wake, 1)
        (trouble,) = log.wait_for("trouble")
        assert (trouble.board, "layout" in trouble.data["note"]) == (bad.name, True)
        for count in range(1, 21):
            good.push("test", "x")
            log.wait_for("task.finished", count)
        bad.client.delete(bad.keys.layout)
        bad.client.copy(good.keys.layout, bad.keys.layout)
        (back,) = log.wait_for("recovered")
        assert back.board == bad.name
        assert back.data["note"].startswith(f"the board {bad.name!r} serves again")
        bad.push("test", "x")
        assert log.wait_for("task.finished", 21)[-1].board == bad.name
    assert len(log.of("trouble")) == 1


def test_a_board_that_is_emptied_does_not_stop_the_others(pair: tuple[Board, Board]) -> None:
    gone, good = pair
    gone.put("later", "test", "x", at="+1h")
    with working(pair, Runner("test", Order().run)) as (_, log):
        gone.client.delete(*gone.client.scan_iter(f"{gone.keys.tag}:*", count=1000))
        for count, board in enumerate((good, gone, good), 1):
            board.push("test", "x")
            assert log.wait_for("task.finished", count)[-1].board == board.name
    assert log.of("trouble") == []


def test_a_cancel_concerns_one_board(pair: tuple[Board, Board]) -> None:
    stopped: list[str] = []
    release = threading.Event()

    def hold(task: Task, context: Context) -> Outcome:
        while not release.wait(0.01):
            if context.stop_reason:
                assert context.board is not None
                stopped.append(context.board.name)
                return context.stop_outcome()
        return Outcome.done()

    left, right = pair
    at = time.time() - 5
    for board in pair:
        board.put("same", "test", "x", at=at)
    with working(pair, Runner("test", hold)) as (_, log):
        wait_until(lambda: all(board.count()["leased"] == 1 for board in pair))
        tokens = [next(iter(board.tasks("leased"))) for board in pair]
        assert tokens[0]["ticket"] == tokens[1]["ticket"]
        right.cancel(tokens[1]["id"])
        assert log.wait_for("task.cancelled")[0].board == right.name
        release.set()
        assert log.wait_for("task.finished")[0].board == left.name
    assert stopped == [right.name]
    assert (left.stats()["done"], right.stats()["cancelled"]) == (1, 1)


# Names


def test_a_worker_of_a_board_that_it_cannot_read_does_not_start(
    pair: tuple[Board, Board], jobs: Jobs
) -> None:
    left, right = pair
    right.client.set(right.keys.layout, "99")
    result = jobs("run", "--board", left.name, "--board", right.name)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: the board {right.name!r}: ")
    assert len(result.stderr.splitlines()) == 1
    assert list(left.workers()) == []


@pytest.mark.parametrize("command", ["run", "tick"])
def test_an_invalid_name_among_several_is_rejected(jobs: Jobs, command: str) -> None:
    refused(jobs(command, "--board", "good", "--board", "{bad}"), "board: expected a name", "'{bad}'")


def test_names_come_from_the_environment(jobs: Jobs, pair: tuple[Board, Board], monkeypatch: Any) -> None:
    monkeypatch.setenv("JOBS_BOARD", " ".join(board.name for board in pair))
    for board in pair:
        board.put("due", "console", "x", at=time.time() - 5)
    assert lines(jobs("tick", "--once", "--json")) == [{"moved": 2}]


def test_a_board_is_served_once(pair: tuple[Board, Board], jobs: Jobs) -> None:
    left, _ = pair
    twice = Board(left.name, client=left.client)
    with pytest.raises(OptionError, match="expected each board once"):
        Worker([left, twice], [])
    with pytest.raises(OptionError, match="expected at least one"):
        Worker([], [])
    left.put("due", "console", "x", at=time.time() - 5)
    said = lines(jobs("tick", "--once", "--json", "--board", left.name, "--board", left.name))
    assert said == [{"moved": 1}]
