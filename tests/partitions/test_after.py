"""Jobs after jobs of other partitions, with a worker, both clients and the command line."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, Context, OptionError, Outcome, Task
from tests.helpers import Jobs, runner, wait_until, working

CHAIN = [f"job-{number}" for number in range(12)]


def put_chain(board: Board, **options: Any) -> None:
    board.put(CHAIN[0], "test", "x", **options)
    for before, id in pairwise(CHAIN):
        board.put(id, "test", "x", after=[before])


def test_a_chain_over_all_partitions_runs_to_its_end(spread_board: Board) -> None:
    ran: list[str] = []

    def run(task: Task, context: Context) -> Outcome:
        ran.append(task.job)
        return Outcome.done()

    put_chain(spread_board)
    spread_board.put("last", "test", "x", after=CHAIN)
    with working(spread_board, runner(run)):
        spread_board.push(CHAIN[0])
        wait_until(lambda: spread_board.stats()["done"] == 13)
    assert ran == [*CHAIN, "last"]


def test_clients_refuse_a_cycle_over_partitions(spread_board: Board, url: str) -> None:
    put_chain(spread_board)
    says = (
        f"after: expected no cycle, got {' after '.join([CHAIN[0], *CHAIN[:3:-1]])} after … (5 more) … after"
    )

    async def put() -> None:
        async with AsyncBoard(spread_board.name, url, validate=False) as board:
            await board.edit(CHAIN[0], after=[CHAIN[-1]])

    with pytest.raises(OptionError) as caught:
        spread_board.edit(CHAIN[0], after=[CHAIN[-1]])
    with pytest.raises(OptionError) as again:
        asyncio.run(put())
    assert str(caught.value) == str(again.value)
    assert str(caught.value).startswith(says[:60])
    assert caught.value.option == "after"


def test_when_and_why_know_parents_and_children_of_all_partitions(
    spread_board: Board, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_BOARD", spread_board.name)
    put_chain(spread_board)
    spread_board.edit(CHAIN[3], after=[CHAIN[2], "gone"])
    assert spread_board.when(CHAIN[3])["missing"] == ["gone"]
    assert [spread_board.when(id).get("followed_by") for id in CHAIN] == [*([id] for id in CHAIN[1:]), None]
    assert "gone" in jobs("why", CHAIN[3]).output
