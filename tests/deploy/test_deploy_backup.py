"""Backups of a board that is in use: a copy of the append-only file, as docs/guides/operating.md says."""

from __future__ import annotations

import shutil
from pathlib import Path

from jobs_core import Board, Outcome
from jobs_core.embedded import EmbeddedServer
from tests.helpers import runner, wait_until, working


def test_a_copy_of_the_append_only_file_has_everything(tmp_path: Path) -> None:
    for name in ("data", "restored"):
        (tmp_path / name).mkdir(mode=0o700)
    with EmbeddedServer(tmp_path / "data") as server, Board("jobs", server.url, validate=False) as board:
        board.put("report", "echo", "x", cron="0 3 * * *", zone="Europe/Brussels")
        board.put("tick", "echo", "x", every=1)
        board.limit("runner", "other", concurrency=5)
        board.pause("report")
        waiting = board.push("other", "x")
        with working(board, runner(lambda task, context: Outcome.done(), "echo")) as (_, log):
            board.push("echo", "x")
            log.wait_for("task.finished")
            copy(board, tmp_path)
            log.wait_for("task.finished", 2)  # what goes on after the copy is not in it
        later = board.stats()["done"]
    with EmbeddedServer(tmp_path / "restored") as server, Board("jobs", server.url, validate=False) as board:
        assert {job["id"]: job.get("paused") for job in board.list()}.keys() == {"report", "tick"}
        assert [task["id"] for task in board.tasks() if task["id"] == waiting] == [waiting]
        assert len(list(board.limits())) == 1
        stats = board.stats()
        assert 1 <= stats["done"] <= later
        assert stats["due"] == stats["queued"] + stats["coalesced"] + stats["skipped"]


def copy(board: Board, folder: Path) -> None:
    """Copy the append-only file of a server that goes on, while no rewrite may replace a part of it."""
    board.client.config_set("auto-aof-rewrite-percentage", 0)
    wait_until(lambda: board.client.info("persistence")["aof_rewrite_in_progress"] == 0)
    shutil.copytree(folder / "data/appendonlydir", folder / "restored/appendonlydir")
    board.client.config_set("auto-aof-rewrite-percentage", 100)
