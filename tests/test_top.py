"""`jobs top`: what Python and asyncio read, the view at several sizes, and the live view on a terminal."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from jobs_core import AsyncBoard, Board, OptionError, RunningTask, ServerError, Top, WaitingQueue
from jobs_core.cli.top import Frames
from jobs_core.cli.top_view import Frame, Line, render, share
from jobs_core.embedded import EmbeddedServer
from tests.helpers import Jobs, lines, refused
from tests.test_lists_cli import Terminal

T = 1_700_000_000
SIZES = [(80, 24), (40, 10), (200, 60), (20, 5)]
LONG = "a-name-that-is-longer-than-any-column-can-ever-be-" * 4


def pop(board: Board, now: float, **options: Any) -> str:
    (task,) = board.pop("echo", lease=30, now=now, **options)
    return task.token


@pytest.fixture
def busy(board: Board) -> Board:
    """A board where a task runs, another waits, and a job is overdue."""
    board.put("a", "echo", "x", every=60, timeout=50, now=T - 10)
    board.put("b", "echo", "x", every=60, now=T - 3)
    for second in (T - 10, T - 6):
        board.commands.call("JPUSH", "a", "now", second)
    pop(board, T - 5, worker="host-1")
    report = ("running", 1, "concurrency", 4, "state", "serving", "now", T - 1)
    board.commands.call("JREGISTER", "host-1", "echo", "--", *report)
    return board


def test_a_look_at_a_board(busy: Board) -> None:
    found = busy.top(now=T)
    (task,) = found.running_tasks
    assert (task.job, task.worker, task.since, task.until) == ("a", "host-1", T - 5, T + 25)
    assert task.ends == T + 45
    assert found.waiting_queues == (WaitingQueue("echo", 1, T - 6),)
    (worker,) = found.seen_workers
    assert (worker["worker"], worker["state"], worker["running"], worker["seen"]) == (
        *("host-1", "serving", 1),
        T - 1,
    )
    assert (found.jobs, found.overdue, found.late, found.failing, found.queued) == (2, 2, 10, 0, 1)
    assert busy.top(now=T + 31).seen_workers[0]["state"] == "silent"
    with pytest.raises(OptionError, match="rows: expected at most 100"):
        busy.top(rows=1000)


def test_asyncio_sees_the_same(busy: Board, url: str) -> None:
    async def look() -> Top:
        async with AsyncBoard(busy.name, url) as board:
            return await board.top(now=T)

    assert asyncio.run(look()) == busy.top(now=T)


def test_tasks_are_sorted_by_when_they_began(board: Board) -> None:
    for number, lease in enumerate((300, 200, 100)):
        board.commands.call("JPUSH", "echo", "x", "now", T)
        board.pop("echo", lease=lease, now=T + number)
    assert [task.since for task in board.top(now=T + 5).running_tasks] == [T, T + 1, T + 2]


def test_rates_are_those_between_two_looks(busy: Board) -> None:
    before = busy.top(now=T)
    busy.tick(now=T)
    busy.ack(pop(busy, T), "done")
    after = busy.top(now=T + 2)
    rates = after.rates_since(before)
    assert (rates["done"], rates["dead"]) == (0.5, 0)
    assert rates["due"] == (after.ledger["due"] - before.ledger["due"]) / 2 > 0
    assert set(before.rates_since(after).values()) == {0}


# The view


LATE = (WaitingQueue("a", 9, T), WaitingQueue("b", 1, T - 900), WaitingQueue("c", 1))


def example(**changes: Any) -> Top:
    ledger = {"due": 100, "done": 50, "dead": 2, "cancelled": 0, "retried": 0, "lost": 0}
    rows: dict[str, Any] = {
        "running_tasks": tuple(
            RunningTask(f"job{n}@{T}000", f"job{n}", "leased", T + 30, T - 70, "host-1", timeout=3670)
            for n in range(100)
        ),
        "waiting_queues": tuple(WaitingQueue(f"queue{n}", 1000 - n, T - n) for n in range(30)),
        "seen_workers": tuple(
            {"worker": f"w{n}", "state": "serving", "queues": ["echo"], "seen": T - n} for n in range(5)
        ),
    }
    numbers = {"time": T, "jobs": 1204, "scheduled": 1, "overdue": 0, "failing": 0, "queued": 1000, "held": 3}
    more = {"delayed": 10, "leased": 300, "dead": 14, "queues": 30, "workers": 5, "ledger": ledger}
    return Top(**(numbers | more | rows | changes))


def shown(top: Top, size: tuple[int, int] = (80, 24), **options: Any) -> list[Line]:
    return render(Frame("jobs", "localhost:6379", top, **options), *size)


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["job", LONG, "é" * 99, "日本" * 99])
def test_the_view_fits(size: tuple[int, int], name: str) -> None:
    tasks = tuple(RunningTask(f"{name}@{T}", name, "leased", T, worker=name, note=name) for _ in range(100))
    queues = tuple(WaitingQueue(name, 10**9) for _ in range(100))
    workers = tuple({"worker": name, "state": "draining", "queues": [name], "seen": 0} for _ in range(100))
    top = example(running_tasks=tasks, waiting_queues=queues, seen_workers=workers)
    for trouble in ("", name * 3):
        found = shown(top, size, trouble=trouble)
        assert len(found) <= size[1]
        assert max(cell_len(line.text) for line in found) <= size[0]


def test_a_small_terminal_shows_some_of_everything() -> None:
    text = text_of(shown(example(), (40, 10)))
    assert re.search(r"running 1 of 300 .*\njob0@", text)
    assert re.search(r"queues 1 of 30 .*\nqueue0 ", text)
    assert re.search(r"workers 1 of 5 .*\nw0 ", text)


def test_a_terminal_of_80_columns() -> None:
    text = text_of(shown(example(), earlier=example(time=T - 2, ledger={"due": 76, "done": 49, "dead": 2})))
    assert "running 300  queued 1,000  held 3  delayed 10  dead letters 14  jobs 1,204" in text
    assert "per second: due 12.0  done 0.5  dead 0.0" in text
    assert re.search(r"job0@1700000000000 +host-1 +1m10s +1h$", text, re.MULTILINE)
    assert re.search(r"queue1 +999 +1s$", text, re.MULTILINE)
    assert re.search(r"w1 +serving +- +1s ago$", text, re.MULTILINE)


def test_a_large_terminal_shows_more() -> None:
    task = RunningTask("a@1", "a", "leased", T, T, "w", "shell", timeout=60, progress=40, note="2 of 5 files")
    text = text_of(shown(example(running_tasks=(task,), leased=1), (200, 60)))
    assert re.search(r"a@1 +a +shell +w +0s +1m +40% +2 of 5 files", text)
    assert "queues 30 " in text
    assert "workers 5 " in text


def test_without_a_frame_before_there_are_no_rates() -> None:
    assert "per second: due -  done -" in text_of(shown(example()))


@pytest.mark.parametrize(
    ("changes", "says", "style"),
    [
        ({}, "nothing overdue  no job failing", "green"),
        ({"failing": 3}, "nothing overdue  3 failing", "yellow"),
        ({"waiting_queues": LATE}, "queued tasks late by 15m  no job failing", "yellow"),
        (
            {"overdue": 1, "overdue_since": T - 60, "waiting_queues": LATE},
            "1 overdue, late by 1m  queued tasks late by 15m  no job failing",
            "red",
        ),
        ({"overdue": 2, "overdue_since": T - 7260}, "2 overdue, late by 2h1m  no job failing", "red"),
        ({"overdue": 2, "overdue_since": T - 0.2}, "2 overdue, late by 0s  no job failing", "green"),
    ],
)
def test_how_late_the_board_is(changes: dict[str, Any], says: str, style: str) -> None:
    changes = {"waiting_queues": ()} | changes
    assert Line(says, style) in shown(example(**changes))


def test_what_needs_attention_is_red() -> None:
    over = RunningTask("over@1", "over", "leased", T + 5, T - 61, timeout=60)
    silent = {"worker": "gone", "state": "silent", "queues": [], "seen": T - 90}
    found = shown(example(running_tasks=(over,), seen_workers=(silent,)))
    assert [line.text.split()[0] for line in found if line.style == "red"] == ["over@1", "gone"]


def test_numbers_that_were_counted_in_part_say_so() -> None:
    assert "queued 1,000+  held 3+" in text_of(shown(example(partial=True)))


def test_control_characters_are_escaped() -> None:
    bad = "x\x1b[31m\ny"
    top = example(
        running_tasks=(RunningTask(bad, bad, "leased", T, worker=bad, runner=bad, note=bad),),
        waiting_queues=(WaitingQueue(bad, 1),),
        seen_workers=({"worker": bad, "state": "serving", "queues": [bad], "host": bad, "seen": T},),
    )
    found = shown(top, (200, 60), trouble=bad)
    assert all(line.text.isprintable() for line in found)
    assert text_of(found).count(r"x\x1b[31m") == 10


def test_rows_are_shared() -> None:
    assert share(10, [8, 1, 20]) == [5, 1, 4]
    assert share(-3, [1, 1]) == [0, 0]
    assert share(50, [3, 0, 2]) == [3, 0, 2]


# While Redis is away


def test_the_view_continues_when_redis_is_back(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    server.start()
    try:
        board = Board("jobs", server.url, validate=False)
        board.put("a", "echo", "x", every=60)
        board.commands.patience = 0
        frames = Frames(board)
        first = frames.next(20)
        assert (first.trouble, first.earlier, first.top.jobs) == ("", None, 1)
        server.stop()
        away = frames.next(20)
        assert (away.top, away.earlier) == (first.top, None)
        assert away.trouble.startswith("away for 0s, trying again: ")
        first_line, *others = render(away, 200, 24)
        assert first_line.text.startswith("away for 0s, trying again: ")
        assert first_line.style == "bold red"
        assert {line.style for line in others} == {"dim"}
        server.start()
        board.put("b", "echo", "x", every=60)
        back = frames.next(20)
        assert (back.trouble, back.earlier, back.top.jobs) == ("", first.top, 2)
        board.close()
    finally:
        server.stop()


def test_a_redis_that_was_never_there_is_an_error(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board("jobs", "redis://127.0.0.1:1", validate=False)
    board.commands.patience = 0
    with pytest.raises(ServerError):
        Frames(board).next(20)


# The command line


def test_without_a_terminal_one_frame_is_printed(jobs: Jobs, busy: Board) -> None:
    for words in (["top"], ["top", "--once"]):
        text = jobs(*words).stdout
        assert busy.name in text
        assert "2 overdue, late by " in text
        assert re.search(r"running 1 .*\na@\d+-1 +a +echo +host-1 ", text)
        assert re.search(r"queues 1 .*\necho +1 ", text)
        assert re.search(r"workers 1 .*\nhost-1 +silent +1 of 4 ", text)


def test_a_frame_as_json(jobs: Jobs, busy: Board) -> None:
    (found,) = lines(jobs("top", "--json"))
    assert (found["jobs"], found["overdue"], found["overdue_since"], found["queued"]) == (2, 2, T - 10, 1)
    assert found["late"] > 0  # type: ignore[operator]
    (task,) = found["running_tasks"]  # type: ignore[misc]
    assert (task["job"], task["worker"], task["timeout"]) == ("a", "host-1", 50)
    assert "progress" not in task
    assert found["waiting_queues"] == [{"queue": "echo", "length": 1, "oldest": T - 6}]
    assert found["waited"] == pytest.approx(found["time"] - (T - 6))
    assert found["ledger"]["due"] == 2  # type: ignore[index,call-overload]


def test_the_interval_is_checked(jobs: Jobs) -> None:
    for value in ("0", "nan", "inf"):
        refused(jobs("top", "--interval", value), "interval: expected seconds from 0.1 to 86400")


class Live(Terminal):
    """`jobs top` on a terminal."""

    def wait_for(self, text: str) -> None:
        """Read until a text is on the screen."""
        seen = ""
        while text not in seen:
            chunk = self._chunk()
            assert chunk, seen
            seen += chunk.decode(errors="replace")

    def press(self, key: str) -> None:
        os.write(self._screen, key.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)


def test_the_view_is_refreshed_until_q_is_pressed(busy: Board, url: str) -> None:
    live = Live(busy, url, "top", "--interval", "0.1")
    live.wait_for("jobs 2")
    busy.put("c", "echo", "x", every=60)
    live.wait_for("jobs 3")
    live.press("x")
    live.press("q")
    assert "Error" not in live.read()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let programs that start hear Ctrl-C, even if these tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_view(busy: Board, url: str) -> None:
    live = Live(busy, url, "top", "--interval", "0.1")
    live.wait_for("jobs 2")
    live.interrupt()
    assert "Aborted" not in live.read()


def test_one_frame_on_a_terminal_fits_it(busy: Board, url: str) -> None:
    text = Terminal(busy, url, "top", "--once", width=60, COLUMNS="60").read()
    text = re.sub(r"\x1b\[\d*m", "", text)
    assert "running 1 " in text
    assert max(map(len, text.splitlines())) <= 60
