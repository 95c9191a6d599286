"""Digests: what has happened on a board in some days."""

from __future__ import annotations

import asyncio
import json

import pytest

from jobs_core import AsyncBoard, Board, Digest, OptionError
from jobs_core.client import digest as plans
from tests.helpers import Jobs, lines, refused

T = 1_700_000_000
DAY = 86400


def run(board: Board, job: str, verb: str, at: float, took: float = 2, **options: str) -> None:
    """Let a job run, and report its task."""
    board.commands.call("JPUSH", job, "now", at)
    (task,) = board.pop("echo", lease=30, worker="host-1", now=at)
    pairs = [part for pair in options.items() for part in pair]
    board.commands.call("JACK", task.token, verb, *pairs, "now", at + took)


@pytest.fixture
def busy(board: Board) -> Board:
    """A board with four jobs, of which `idle` has never run, and `once` ran long ago."""
    for id in ("backup", "report", "once", "idle"):
        board.put(id, "echo", "x", now=T)
    run(board, "once", "dead", T - 8 * DAY)
    run(board, "report", "done", T - 8 * DAY, took=600)
    for hour in range(3):
        run(board, "backup", "dead", T - DAY + hour * 3600, code="3", note="no \x1b[31mdisk")
    run(board, "backup", "done", T - 3600)
    run(board, "report", "dead", T - 7200, code="timeout")
    run(board, "report", "done", T - 1800, took=90)
    return board


def test_a_week(busy: Board) -> None:
    found = busy.alert_digest(now=T)
    assert (found.board, found.since, found.until) == (busy.name, T - 7 * DAY, T)
    assert found.counts == {"done": 2, "dead": 4}
    assert (found.jobs, found.failing_now, found.read, found.short, found.kept) == (4, 1, 3, 0, 20)
    assert found.counted_since == found.since
    assert [(job.id, job.dead, job.done, job.failures) for job in found.failing] == [
        ("backup", 3, 1, 0),
        ("report", 1, 1, 0),
    ]
    assert found.failing[0].last_dead is not None and found.failing[0].last_dead.code == "3"
    assert [(job.id, job.took) for job in found.slowest] == [("report", 90), ("backup", 2)]
    assert [(job.id, job.first) for job in found.newest] == [("backup", T - DAY)]


def test_other_spans(busy: Board) -> None:
    day = busy.alert_digest(0.5, now=T)
    assert [(job.id, job.dead) for job in day.failing] == [("report", 1)]
    assert day.newest == []
    month = busy.alert_digest(30, now=T)
    assert [(job.id, job.dead) for job in month.failing] == [("backup", 3), ("once", 1), ("report", 1)]
    assert month.slowest[0].took == 600
    assert month.counted_since == T - 8 * DAY
    assert "The counts of the board reach back to 2023-11-" in month.details
    for days in (0, -1, 367, float("nan"), True):
        with pytest.raises(OptionError, match="days: expected a number above 0, up to 366"):
            busy.alert_digest(days)


def test_its_text(busy: Board) -> None:
    found = busy.alert_digest(now=T)
    assert found.subject == f"{busy.name}: 2 runs done and 4 given up in 7 days"
    text = found.details.splitlines()
    assert text[1] == "Runs: 2 done, 4 given up, 0 cancelled, 0 skipped, 0 coalesced, 0 lost"
    assert text[2] == "4 jobs, of which 1 fail now"
    assert text[3:7] == [
        *("", "Given up most often"),
        "  backup  3 of 4 runs  no  [31mdisk",
        "  report  1 of 2 runs  timeout",
    ]
    assert "  report  1m30s, usually 1m30s" in text
    assert text[-1].startswith("  backup  first due 2023-11-")


def test_it_says_how_far_the_runs_of_jobs_reach(board: Board) -> None:
    board.put("often", "echo", "x", history=2, now=T)
    for second in range(0, 600, 60):
        run(board, "often", "dead", T - 600 + second)
    found = board.alert_digest(now=T)
    assert found.counts == {"dead": 10}
    assert (found.short, found.failing[0].dead, found.failing[0].failures) == (1, 2, 10)
    assert found.failing[0].since == T - 180
    assert "Of 1 job, only the latest runs are kept and counted here: 20, or" in found.details
    assert "2 of 2 runs, 10 in a row" in found.details


def test_a_board_that_keeps_no_runs(busy: Board) -> None:
    busy.retain(runs="off")
    found = busy.alert_digest(now=T)
    assert (found.kept, found.counted_since, found.failing) == (None, None, [])
    assert "The board keeps no runs, and counts none: see `jobs retention`." in found.details


def test_of_many_jobs_some_are_read_and_those_that_fail_first(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "MOST", 50)
    monkeypatch.setattr(plans, "PAGE", 7)
    list(board.put_many({"id": f"job-{n}", "runner": "echo", "payload": "x"} for n in range(200)))
    for n in range(150):
        run(board, f"job-{n}", "dead" if n in (77, 149) else "done", T - 60)
    found = board.alert_digest(now=T)
    assert (found.jobs, found.have_run, found.read) == (200, 150, 50)
    assert [job.id for job in found.failing] == ["job-149", "job-77"]
    assert "Of 150 jobs that have run, 50 were looked at: those that fail, and some others." in found.details


def test_an_empty_board(board: Board) -> None:
    found = board.alert_digest(1)
    assert (found.counts, found.jobs, found.failing, found.slowest, found.newest) == ({}, 0, [], [], [])
    assert found.subject == f"{board.name}: 0 runs done and 0 given up in 1 day"
    assert len(found.details.splitlines()) == 3


def test_asyncio(busy: Board, url: str) -> None:
    async def read() -> Digest:
        async with AsyncBoard(busy.name, url) as board:
            return await board.alert_digest(now=T)

    assert asyncio.run(read()) == busy.alert_digest(now=T)


def test_the_command_line(jobs: Jobs, board: Board) -> None:
    board.put("a", "echo", "x")
    board.push("a")
    (task,) = board.pop("echo", lease=30)
    board.ack(task.token, "dead", code="7", note="no disk")
    text = jobs("alert", "digest").stdout
    assert text.startswith(f"{board.name}: 0 runs done and 1 given up in 7 days\n\nFrom ")
    assert "\nGiven up most often\n  a  1 of 1 run  no disk\n" in text
    (found,) = lines(jobs("alert", "digest", "--days", "1", "--json"))
    assert (found["board"], found["counts"], found["jobs"]) == (board.name, {"dead": 1}, 1)
    assert found["failing"][0]["last_dead"]["code"] == "7"  # type: ignore[index]
    assert "null" not in json.dumps(found)
    refused(jobs("alert", "digest", "--days", "0"), "days: expected a number above 0, up to 366")
