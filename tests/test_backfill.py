"""`jobs backfill` and the methods of `Board` about backfills."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Backfill, Board, NotFoundError, Occurrence, OptionError, Outcome, Task
from jobs_core.cli import backfill_view
from jobs_core.embedded import EmbeddedServer
from tests.helpers import Jobs, keep_ticking, lines, refused, runner, working

T = 1_700_000_000
HOUR = 3600
PAST = ("2026-03-28", "2026-03-31")
BRUSSELS = {"cron": "30 2 * * *", "zone": "Europe/Brussels"}


@pytest.fixture
def nightly(board: Board) -> Board:
    """A board with a job of which three occurrences lie in PAST, one of them on a day with 23 hours."""
    board.put("nightly", "test", "x", **BRUSSELS)  # type: ignore[arg-type]
    return board


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at watched backfills without a pause worth mentioning."""
    for module in ("backfill_methods", "aio_backfills"):
        monkeypatch.setattr(f"jobs_core.client.{module}.PAUSE", 0.01)


def take(board: Board, now: float = T) -> list[Task]:
    return list(board.pop("test", count=50, lease=60, now=now))


def drain(board: Board, verb: str = "done") -> list[str]:
    """Run every task there is. Returns their ids."""
    found = []
    while tasks := take(board):
        for task in tasks:
            board.ack(task.token, verb)  # type: ignore[arg-type]
            found.append(task.id)
    return found


def test_a_backfill_from_beginning_to_end(nightly: Board) -> None:
    begun = nightly.backfill("nightly", *PAST)
    assert (begun.state, begun.total, begun.left, begun.running, begun.is_over) == ("running", 3, 2, 1, False)
    assert [id.partition("@")[2] for id in drain(nightly)] == [
        "1774661400000",
        "1774746000000",
        "1774830600000",
    ]
    (found,) = nightly.backfill_list()
    assert (found.state, found.done, found.failed, found.is_over) == ("done", 3, 0, True)
    assert nightly.backfill("nightly", *PAST).ran == 3


def test_times_in_words(jobs: Jobs, board: Board) -> None:
    board.put("a", "test", "x", every=HOUR)
    found = lines(jobs("backfill", "a", "--from", "-3h", "--to", "now", "--dry-run", "--json"))
    assert len(found) in (2, 3)
    result = jobs("backfill", "a", "--from", "yesterday", "--to", "today", "--dry-run", "--json")
    assert len(lines(result)) in (23, 24, 25)
    refused(
        jobs("backfill", "a", "--from", "garbage", "--to", "today"),
        "from: expected a time such as 'tue 03:00'",
    )
    refused(
        jobs("backfill", "a", "--from", "2026-13-01", "--to", "today"), "from: expected a time such as 1796"
    )


def test_watching_yields_each_change_until_the_end(nightly: Board) -> None:
    id = nightly.backfill("nightly", *PAST).id
    with working(nightly, runner(lambda task, context: Outcome.done(), "test")):
        found = list(nightly.backfill_watch(id))
    assert (found[-1].state, found[-1].done) == ("done", 3)
    assert len(found) == len(set(map(repr, found)))


def test_occurrences_tell_what_ran_and_what_has_a_task(board: Board) -> None:
    board.put("a", "test", "x", every=HOUR, start=T - 4 * HOUR, now=T - 4 * HOUR)
    for hour in (4, 3, 2, 1):
        board.tick(now=T - hour * HOUR)
    done, dead, _, _ = take(board)
    board.ack(done.token)
    board.ack(dead.token, "dead")
    keep_ticking(board, T)
    board.edit("a", start=T - 6 * HOUR, now=T)
    found = list(board.occurrences("a", T - 6 * HOUR, T, now=T))
    assert found == [
        *(Occurrence(T - hour * HOUR, "missed") for hour in (6, 5)),
        *(Occurrence(T - hour * HOUR, "ran") for hour in (4, 3, 2, 1)),
    ]


def test_mistakes(nightly: Board) -> None:
    with pytest.raises(NotFoundError, match="there is no job 'b'"):
        nightly.backfill("b", *PAST)
    with pytest.raises(OptionError, match=r"^concurrency: expected at most 1000") as caught:
        nightly.backfill("nightly", *PAST, concurrency=1001)
    assert caught.value.option == "concurrency"
    with pytest.raises(NotFoundError, match="there is no backfill '7'"):
        nightly.backfill_show("7")
    with pytest.raises(NotFoundError, match="there is no backfill '7'"):
        nightly.backfill_cancel("7")


def test_the_methods_of_an_asyncio_board(nightly: Board, url: str) -> None:
    async def body() -> None:
        async with AsyncBoard(nightly.name, url, validate=False) as board:
            assert len([one async for one in board.occurrences("nightly", *PAST)]) == 3
            begun = await board.backfill("nightly", *PAST, concurrency=2, latest_first=True)
            assert [one.id async for one in board.backfill_list()] == [begun.id]
            assert (await board.backfill_show(begun.id)).running == 2
            assert (await board.backfill_cancel(begun.id)).state == "cancelled"
            assert [one.cancelled async for one in board.backfill_watch(begun.id)] == [2]

    asyncio.run(body())


def test_however_many_clients_tick_nothing_is_queued_twice(board: Board, url: str) -> None:
    board.put("a", "test", "x", every=60, now=T)
    id = board.backfill("a", T - 600 * 60, T, concurrency=20, now=T).id
    ran: list[str] = []

    def client() -> None:
        own = Board(board.name, url, validate=False)
        while not own.backfill_show(id).is_over:
            own.tick(now=T - 1)
            for task in own.pop("test", count=7, lease=600, now=T - 1):
                own.ack(task.token)
                ran.append(task.id)
        own.client.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    for each in clients:
        each.join(60)
    assert len(ran) == len(set(ran)) == board.backfill_show(id).done == board.stats()["backfilled"] == 600


def test_a_backfill_survives_a_restart_and_the_client_that_began_it(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server, Board("jobs", server.url, validate=False) as board:
        board.put("a", "test", "x", every=60, now=T)
        id = board.backfill("a", T - 2000 * 60, T, concurrency=2, now=T).id
        assert board.backfill_show(id).state == "planning"
    with EmbeddedServer(tmp_path) as server, Board("jobs", server.url, validate=False) as board:
        for _ in range(9):
            board.tick(now=T - 1)
        found = board.backfill_show(id)
        assert (found.state, found.total, found.running, found.left) == ("running", 2000, 2, 1998)
        (first, _) = take(board)
        board.ack(first.token)
        assert board.backfill_show(id).left == 1997


@pytest.mark.parametrize("words", [["backfill"], ["backfill", "start"]])
def test_the_command_watches_until_the_end(nightly: Board, jobs: Jobs, words: list[str]) -> None:
    with working(nightly, runner(lambda task, context: Outcome.done(), "test")):
        result = jobs(*words, "nightly", "--from", PAST[0], "--to", PAST[1])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "done: 3 done, 0 failed, 0 left, 0 running"


def test_what_ran_already_is_said(nightly: Board, jobs: Jobs) -> None:
    nightly.backfill("nightly", *PAST)
    drain(nightly)
    result = jobs("backfill", "nightly", "--from", PAST[0], "--to", PAST[1])
    assert result.stdout.splitlines()[-1] == "done: 0 done, 0 failed, 0 left, 0 running, 3 ran already"


def test_the_exit_code_is_1_if_a_task_failed(nightly: Board, jobs: Jobs) -> None:
    with working(nightly, runner(lambda task, context: Outcome.failed("no"), "test")):
        result = jobs("backfill", "nightly", "--from", PAST[0], "--to", PAST[1], "--json")
    assert result.exit_code == 1
    last = json.loads(result.stdout.splitlines()[-1])
    assert (last["state"], last["dead"], last["left"]) == ("done", 3, 0)


def test_a_dry_run_changes_nothing(nightly: Board, jobs: Jobs) -> None:
    before = nightly.stats()
    words = ("backfill", "nightly", "--from", PAST[0], "--to", PAST[1], "--dry-run")
    result = jobs(*words)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "2026-03-28 02:30:00+01:00",
        "2026-03-29 03:00:00+02:00",
        "2026-03-30 02:30:00+02:00",
        "3 would run, from 2026-03-28 02:30:00+01:00 to 2026-03-30 02:30:00+02:00",
    ]
    assert lines(jobs(*words, "--json"))[1] == {"due": 1774746000.0, "state": "missed"}
    assert (nightly.stats(), list(nightly.backfill_list())) == (before, [])


def test_a_dry_run_counts_what_ran_and_what_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ran", "unknown", *["missed"] * 25]
    found = [Occurrence(T + n * HOUR, state) for n, state in enumerate(words)]
    backfill_view.show_plan(found, None, False, False)
    printed = capsys.readouterr().out
    assert "… and 5 more: --json shows all\n25 would run, from " in printed
    assert "1 ran already, from " in printed
    assert "1 unknown: the history no longer reaches them, from " in printed
    backfill_view.show_plan(found, None, True, False)
    printed = capsys.readouterr().out
    assert "26 would run" in printed and "unknown" not in printed


def test_detach_prints_the_number_and_cancel_takes_it(nightly: Board, jobs: Jobs) -> None:
    result = jobs("backfill", "nightly", "--from", PAST[0], "--to", PAST[1], "--detach")
    assert (result.stdout, result.exit_code) == ("1\n", 0)
    (listed,) = lines(jobs("backfill", "list", "--json"))
    assert (listed["id"], listed["state"], listed["from"]) == ("1", "running", 1774656000.0)
    assert "nightly" in jobs("backfill", "list").stdout
    result = jobs("backfill", "cancel", "1")
    assert result.stdout == "cancelled: 0 done, 0 failed, 0 left, 0 running, 1 cancelled\n"
    assert jobs("backfill", "watch", "1").exit_code == 1


def test_ctrl_c_leaves_the_backfill_going_and_says_how_to_go_on(
    nightly: Board, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Board, id: str) -> Iterator[Backfill]:
        yield self.backfill_show(id)
        raise KeyboardInterrupt

    monkeypatch.setattr(Board, "backfill_watch", interrupted)
    result = jobs("backfill", "nightly", "--from", PAST[0], "--to", PAST[1])
    assert result.exit_code == 130
    assert "`jobs backfill watch 1` watches it, `jobs backfill cancel 1` cancels it." in result.stderr
    assert nightly.backfill_show("1").state == "running"


def test_mistakes_on_the_command_line(nightly: Board, jobs: Jobs) -> None:
    refused(jobs("backfill", "nightly", "--from", PAST[1], "--to", PAST[0]), "to: expected a time after from")
    refused(jobs("backfill", "nightly", "--from", "soon", "--to", PAST[0]), "from: expected a time such as")
    refused(jobs("backfill", "nightly", "--to", PAST[0]), "Missing option '--from'")
    refused(jobs("backfill", "b", "--from", PAST[0], "--to", PAST[1]), "there is no job 'b'")
    refused(jobs("backfill", "watch", "7"), "there is no backfill '7'")
