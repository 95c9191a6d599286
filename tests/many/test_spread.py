"""A board of several partitions, on the nodes of a cluster."""

from __future__ import annotations

import asyncio

from jobs_core import AsyncBoard, Board
from jobs_core.client.diagnose import run_checks
from torture.nodes import Cluster


def test_partitions_on_several_nodes_are_read_as_one_board(cluster: Cluster) -> None:
    with Board("spread", cluster.url, validate=False) as board:
        board.init(partitions=8)
        for n in range(30):
            board.put(f"j{n}", "console", "x", every=3600, start=2_000_000_000 + n % 4)
        tasks = [board.push("console", "x") for _ in range(12)]
        for task in board.pop("console", count=12, lease=60):
            board.ack(str(task.token))
        jobs = sorted(board.list(), key=lambda job: (job["next"], job["id"]))
        history = list(board.history())
        assert [job["id"] for job in jobs] == list(board.find(sort="next"))
        assert sorted(entry["task"] for entry in history) == sorted(tasks)
        assert board.history_page(limit=5).items == history[:5]
        assert board.wait(tasks[0], 10)["what"] == "done"
        found = {check.name: finding for check, finding in run_checks(board)}
        assert not [name for name, finding in found.items() if finding.state == "problem"]
        assert found["partitions"].note.startswith("8 partitions: ")
        assert found["partitions"].note.count(" on ") == 3
        assert found["slot"].note == "none of the cluster slots of 8 partitions is migrating"

    async def read() -> None:
        async with AsyncBoard("spread", cluster.url, validate=False) as twin:
            assert [id async for id in twin.find(sort="next")] == [job["id"] for job in jobs]
            assert [entry async for entry in twin.history()] == history
            assert (await twin.wait(tasks[1], 10))["what"] == "done"

    asyncio.run(read())
