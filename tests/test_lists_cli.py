"""Lists on the command line: they start at once, fit a terminal, are complete in a pipe, and end quietly."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from jobs_core import Board
from jobs_core.cli.lists import SMALL
from jobs_core.cli.table import Column, Layout, as_cell
from jobs_core.text import json_line
from tests.helpers import Jobs, lines, refused
from tests.test_lists import LATER, crowd, put

COMMAND = [sys.executable, "-c", "from jobs_core.cli import main; main()"]
LONG = "a-job-with-a-name-that-is-longer-than-any-column-of-a-narrow-terminal-can-be"


NARROW = ["id", "state", "last", "took", "next", "failures"]
"""The columns of `jobs list` that a narrow terminal has."""


def column(text: str, number: int) -> list[str]:
    """The cells of a column of a printed table, without its header."""
    return [re.split(r"\s{2,}", line)[number] for line in text.splitlines()[1:]]


class Terminal:
    """`jobs` in a separate process on a terminal."""

    def __init__(self, board: Board, url: str, *words: str, width: int = 80, **environment: str) -> None:
        unset = ("LESS", "PAGER", "COLUMNS", "LINES")
        clean = {name: value for name, value in os.environ.items() if name not in unset}
        known = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "TERM": "xterm", "NO_COLOR": "1"}
        self._screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self._process = subprocess.Popen(
            [*COMMAND, *words],
            env=clean | known | environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)

    def read(self) -> str:
        """Return all output until the program ends, which must succeed."""
        data = b""
        while chunk := self._chunk():
            data += chunk
        os.close(self._screen)
        assert self._process.wait(30) == 0, data
        return data.decode().replace("\r\n", "\n")

    def _chunk(self) -> bytes:
        try:
            return os.read(self._screen, 65536)
        except OSError:  # raised on Linux when the other end is closed
            return b""


def piped(board: Board, url: str, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    return subprocess.Popen(
        [*COMMAND, *words], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


# Streaming


@pytest.mark.parametrize("words", [["list"], ["list", "--sort", "next"], ["list", "--json"], ["dump"]])
def test_the_first_rows_come_before_the_last_are_read(board: Board, url: str, words: list[str]) -> None:
    """Jobs removed after the first row was printed are not listed."""
    put(board, crowd(8000, at=LATER))
    with piped(board, url, *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = [process.stdout.readline() for _ in range(2)]
        assert "j0" in first[1]
        board.client.delete(board.keys.job, board.keys.schedule)
        rest = process.stdout.read().splitlines()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert 50 < len(rest) < 5000


def test_tasks_are_printed_while_they_are_read(board: Board, url: str) -> None:
    list(board.push_many({"runner": "console", "payload": "x"} for _ in range(8000)))
    with piped(board, url, "tasks") as process:
        assert process.stdout is not None
        header, first = (process.stdout.readline() for _ in range(2))
        assert header.split() == ["task", "state", "attempt", "since"]
        assert first.startswith("push:")
        board.trim("console", 0)
        rest = process.stdout.read().splitlines()
    assert 50 < len(rest) < 5000


@pytest.mark.parametrize("words", [["list"], ["tasks"], ["dump"], ["board", "export"]])
def test_a_closed_pipe_ends_the_list_quietly(board: Board, url: str, words: list[str]) -> None:
    put(board, crowd(4000))
    list(board.push_many({"runner": "console", "payload": "x"} for _ in range(4000)))
    with piped(board, url, *words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


# Orders, states, limits


def test_a_small_board_is_sorted_by_id(jobs: Jobs, board: Board) -> None:
    put(board, list(reversed(crowd(300))))
    assert column(jobs("list").stdout, 0) == [job["id"] for job in crowd(300)]
    assert [job["id"] for job in lines(jobs("list", "--json"))] == [job["id"] for job in crowd(300)]


def test_a_large_board_is_sorted_on_request(jobs: Jobs, board: Board) -> None:
    put(board, crowd(SMALL + 100))
    expected = [job["id"] for job in crowd(SMALL + 100)]
    found = column(jobs("list").stdout, 0)
    assert found != expected
    assert sorted(found) == expected
    assert column(jobs("list", "--sort", "id").stdout, 0) == expected


def test_jobs_are_sorted_by_next_run_on_request(jobs: Jobs, board: Board) -> None:
    put(board, [{"id": "b", "at": LATER}, {"id": "a", "at": LATER + 1}, {"id": "0", "runner": "console"}])
    assert column(jobs("list", "--sort", "next").stdout, 0) == ["b", "a", "0"]
    assert column(jobs("list", "--sort", "next", "--limit", "1").stdout, 0) == ["b"]
    refused(jobs("list", "--sort", "age"), "'age' is not one of 'id', 'next'")


def test_jobs_of_one_state_are_listed(jobs: Jobs, board: Board) -> None:
    put(board, [{"id": "a", "every": "1h"}, {"id": "b", "every": "1h"}, {"id": "c"}])
    board.pause("b")
    assert column(jobs("list", "--state", "paused").stdout, 0) == ["b"]
    assert [job["id"] for job in lines(jobs("list", "--state", "manual", "--json"))] == ["c"]
    refused(jobs("list", "--state", "asleep"), "'asleep' is not one of")


def test_each_list_has_a_limit(jobs: Jobs, board: Board) -> None:
    put(board, crowd(5))
    for _ in range(5):
        board.push("console", "x")
        board.ack(board.pop("console", lease=30)[0].token, "dead")
        board.push("console", "x", at="+1h")
    for words in (["list"], ["tasks"], ["dead", "list"], ["history"]):
        assert len(jobs(*words).stdout.splitlines()) == 6
        assert len(jobs(*words, "--limit", "2").stdout.splitlines()) == 3
        assert len(lines(jobs(*words, "--limit", "2", "--json"))) == 2
        refused(jobs(*words, "--limit", "0"), "0 is not in the range")
    assert len(lines(jobs("history", "--count", "3", "--json"))) == 3  # the former name of --limit


def test_few_tasks_are_sorted(jobs: Jobs, board: Board) -> None:
    for at in (LATER + 5, LATER, LATER + 9):
        board.push("console", "x", at=at)
    board.push("console", "x")
    board.pop("console", lease=30)
    assert column(jobs("tasks").stdout, 1) == ["delayed", "delayed", "delayed", "leased"]
    found = lines(jobs("tasks", "--state", "delayed", "--json"))
    assert [task["due"] for task in found] == [LATER, LATER + 5, LATER + 9]


def test_empty_lists_have_a_header(jobs: Jobs) -> None:
    assert jobs("list").stdout.split() == [*NARROW, "schedule", "runner"]
    assert jobs("tasks").stdout.split() == ["task", "state", "attempt", "since"]
    assert jobs("list", "--json").stdout == jobs("dump").stdout == jobs("export", "crontab").stdout == ""
    assert jobs("board", "export").stdout == "jobs: {}\n"


# Exports


def test_a_board_file_of_many_jobs_is_sorted_and_makes_the_same_board(
    jobs: Jobs, board: Board, tmp_path: Path
) -> None:
    put(board, crowd(SMALL + 200, every=3600, start=LATER))
    path = tmp_path / "board.yml"
    jobs("board", "export", str(path))
    text = path.read_text()
    assert text == jobs("board", "export").stdout
    assert re.findall(r"^  (\S+):$", text, re.MULTILINE) == [job["id"] for job in crowd(SMALL + 200)]
    plan = jobs("board", "diff", str(path), "--adopt").stdout
    assert plan.splitlines()[-1] == f"board {board.name}: {SMALL + 200} to adopt, 0 unchanged"


def test_a_file_is_left_alone_when_a_board_cannot_be_written(
    jobs: Jobs, board: Board, tmp_path: Path
) -> None:
    put(board, crowd(3))
    sha = board.client.hget(board.keys.commands, "JSET")
    board.client.evalsha(sha, 1, board.keys.tag, "z", "console", b"\xff\xfe")  # type: ignore[arg-type]
    path = tmp_path / "board.yml"
    path.write_text("before")
    refused(jobs("board", "export", str(path)), "The payload of the job 'z' is not UTF-8")
    assert path.read_text() == "before"


# Tables


def test_cells_are_not_cut_in_a_pipe(jobs: Jobs, board: Board) -> None:
    put(board, [*crowd(200, every=5), {"id": LONG * 3, "every": 5}])
    assert LONG * 3 in column(jobs("list").stdout, 0)
    (row,) = (line for line in jobs("list").stdout.splitlines() if line.startswith(LONG))
    assert row.endswith("every 5s  console")


@pytest.mark.parametrize(
    ("width", "more"), [(80, ["schedule"]), (100, ["schedule", "runner"]), (140, ["schedule", "runner"])]
)
def test_a_table_fits_the_terminal(board: Board, url: str, width: int, more: list[str]) -> None:
    put(board, [*crowd(200, every=5, start=LATER), {"id": LONG, "every": 5, "start": LATER}])
    text = Terminal(board, url, "list", "--no-pager", width=width).read()
    table = text.splitlines()
    assert len(table) == 202
    assert max(map(len, table)) <= width
    assert table[0].split() == [*NARROW, *more]
    (row,) = (line for line in table if line.startswith("a-job"))
    assert re.search(r"(…|-be)  scheduled  -  +in \d+ years +every 5s( +console)?$", row)
    assert "…" not in table[5]


def test_a_wide_table_has_all_columns_on_a_narrow_terminal(board: Board, url: str) -> None:
    put(board, [{"id": LONG, "every": 5, "start": LATER}])
    table = Terminal(board, url, "list", "--no-pager", "--wide").read().splitlines()
    assert table[0].split() == [*NARROW, "schedule", "runner"]
    assert table[1].split()[0] == LONG


def test_optional_columns_are_left_out_from_the_right() -> None:
    columns = [Column("a"), Column("b", optional=True), Column("c", optional=True)]
    rows = [["x" * 10, "y" * 10, "z" * 10]]
    shown = [Layout(columns, rows, room).line(rows[0]).split() for room in (34, 33, 21)]
    assert [len(cells) for cells in shown] == [3, 2, 1]
    assert Layout(columns, [["x" * 60, "y" * 60, "z"]], 42).line(["x" * 60, "y" * 60, "z"]).count("…") == 2


def test_cells_are_cut_only_where_a_row_does_not_fit() -> None:
    columns = [Column("a"), Column("b"), Column("c", whole=True)]
    layout = Layout(columns, [["x" * 4, "y" * 10, "2026"]], room=24)
    assert layout.line(["x" * 4, "y" * 10, "2026"]) == "xxxx  yyyyyyyyyy  2026"
    assert layout.line(["x" * 10, "y", "2026"]) == "xxxxxxxxxx  y     2026"
    assert layout.line(["x" * 10, "y" * 10, "2026"]) == "xxx…  yyyyyyyyyy  2026"
    assert layout.line(["漢字漢字", "y" * 10, "2026"]) == "漢…   yyyyyyyyyy  2026"


def test_a_cell_takes_the_room_of_empty_ones_that_follow() -> None:
    columns = [Column("a"), Column("b"), Column("c", whole=True)]
    layout = Layout(columns, [["x" * 4, "y" * 10, "2026"]], room=24)
    assert layout.line(["x" * 30, "", "2026"]) == "x" * 15 + "…  2026"
    assert layout.line(["x" * 30, "", ""]) == "x" * 23 + "…"
    assert layout.line(["x" * 4, "y" * 30, ""]) == "xxxx  " + "y" * 17 + "…"


def test_a_list_in_a_pipe_is_aligned_by_its_first_rows() -> None:
    layout = Layout([Column("a"), Column("b")], [["x" * 4, "y"], ["z" * 100, "y"]])
    assert layout.line(["x", "y"]) == "x" + " " * 61 + "y"
    assert layout.line(["z" * 100, "y"]) == "z" * 100 + "  y"


def test_terminal_control_characters_are_escaped(jobs: Jobs, board: Board) -> None:
    board.push("console", "x")
    board.ack(board.pop("console", lease=30)[0].token, "dead", note="\x1b[31mred\x9b2J\u202e", code="1")
    for words in (["history"], ["dead", "list"], ["history", "--json"], ["dead", "list", "--json"]):
        shown = jobs(*words).stdout
        assert shown.replace("\n", "").isprintable()
        assert "red" in shown
    assert r"\x1b[31mred\x9b2J\u202e" in jobs("history").stdout
    assert lines(jobs("history", "--json"))[0]["note"] == "\x1b[31mred\x9b2J\u202e"
    (task,) = lines(jobs("dead", "list", "--json"))
    assert "\x1b" not in jobs("dead", "show", str(task["id"])).stdout


@pytest.mark.parametrize("value", ["a\nb", "\udcff", "\x7f\x9b", "é漢😀", "\u2028\U000e0001", {"a": "\x00"}])
def test_escaped_json_decodes_to_the_same_text(value: Any) -> None:
    assert json.loads(json_line(value)) == value
    json_line(value).encode()
    assert "\n" not in as_cell(value)
    as_cell(value).encode()


# Pagers


def test_tables_use_a_pager_on_a_terminal(board: Board, url: str, tmp_path: Path) -> None:
    put(board, crowd(200))
    pager = f"{sys.executable} -c 'import sys; print(sum(1 for line in sys.stdin), \"lines\")'"
    for words in (["list"], ["list", "--limit", "300"]):
        assert Terminal(board, url, *words, PAGER=pager).read() == "201 lines\n"
    assert Terminal(board, url, "list", PAGER="false", JOBS_PAGER=pager).read() == "201 lines\n"
    assert Terminal(board, url, "history", PAGER=pager).read() == "1 lines\n"


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["list", "--no-pager"], {}),
        (["list"], {"JOBS_PAGER": ""}),
        (["list"], {"JOBS_PAGER": "cat"}),
        (["list"], {"PAGER": "no-such-pager", "JOBS_PAGER": "no-such-pager"}),
        (["list"], {"TERM": "dumb"}),
        (["list", "--json"], {}),
        (["dump"], {}),
    ],
)
def test_the_pager_can_be_disabled(
    board: Board, url: str, words: list[str], environment: dict[str, str]
) -> None:
    put(board, crowd(20))
    assert "j00019" in Terminal(board, url, *words, **{"PAGER": "false"} | environment).read()


def test_there_is_no_pager_in_a_pipe(board: Board, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "false")
    put(board, crowd(20))
    with piped(board, url, "list") as process:
        assert process.stdout is not None
        assert "j00019" in process.stdout.read()


def test_quitting_the_pager_ends_the_list_quietly(board: Board, url: str) -> None:
    put(board, crowd(6000))
    text = Terminal(board, url, "list", "--sort", "id", PAGER="head -n 2").read()
    assert [line.split()[0] for line in text.splitlines()] == ["id", "j00000"]


def test_a_header_is_bold_on_a_terminal_that_wants_it(board: Board, url: str) -> None:
    put(board, crowd(1))
    words = ("list", "--no-pager")
    assert Terminal(board, url, *words, NO_COLOR="").read().startswith("\x1b[1mid ")
    assert Terminal(board, url, *words).read().startswith("id ")
    assert Terminal(board, url, *words, NO_COLOR="", LESS="-S").read().startswith("id ")  # shows escape codes


def test_states_have_colors_on_a_terminal_only(board: Board, jobs: Jobs, url: str) -> None:
    put(board, [{"id": "a", "every": 5, "start": LATER}, {"id": "b", "every": 5, "start": LATER}])
    board.pause("b")
    plain = Terminal(board, url, "list", "--no-pager").read()
    colored = Terminal(board, url, "list", "--no-pager", NO_COLOR="").read()
    assert "\x1b" not in plain + jobs("list").stdout
    assert "\x1b[32mscheduled\x1b[0m" in colored
    assert "\x1b[33mpaused\x1b[0m" in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain  # columns stay where they are


def test_the_next_run_is_shown_as_a_distance(board: Board, jobs: Jobs) -> None:
    put(board, [{"id": "a", "every": "1d", "start": "+240m"}, {"id": "b"}])
    assert column(jobs("list").stdout, 3) == ["in 4 h", "-"]


# How jobs ran


@pytest.fixture
def ran(board: Board) -> Board:
    """Put `good`, which was done three hours ago, `bad`, which died twice, and `new`, which has not run."""
    put(board, [{"id": id} for id in ("bad", "good", "new")])
    past = time.time() - 3 * 3600
    for id, outcome in (("good", "done"), ("bad", "dead"), ("bad", "dead")):
        board.push(id, now=past)
        (task,) = board.pop("console", lease=30, now=past)
        board.ack(task.token, outcome, now=past + 4.21)
    return board


@pytest.mark.usefixtures("ran")
def test_a_list_shows_how_the_last_runs_ended(jobs: Jobs) -> None:
    bad, good, new = (re.split(r"\s{2,}", line) for line in jobs("list").stdout.splitlines()[1:])
    assert bad[2:6] == ["dead 3 h ago", "4.2s", "-", "2"]
    assert good[2:5] == ["done 3 h ago", "4.2s", "-"]
    assert new[2:4] == ["-", "-"]


@pytest.mark.usefixtures("ran")
def test_json_has_the_last_run(jobs: Jobs) -> None:
    bad, good, new = lines(jobs("list", "--json"))
    assert (bad["last"]["outcome"], bad["last"]["took"], bad["failures"]) == ("dead", 4.21, 2)
    assert (good["last"]["task"], good["last_done"], good["failures"]) == (ANY, good["last"]["ended"], 0)
    assert ("last" in new, "last_done" in new, new["failures"]) == (False, False, 0)
    assert "failures" not in lines(jobs("dump"))[0]


def test_outcomes_have_colors_on_a_terminal_only(ran: Board, jobs: Jobs, url: str) -> None:
    plain = Terminal(ran, url, "list", "--no-pager").read()
    colored = Terminal(ran, url, "list", "--no-pager", NO_COLOR="").read()
    assert "\x1b" not in plain + jobs("list").stdout
    assert "\x1b[31mdead 3 h ago\x1b[0m" in colored
    assert "\x1b[32mdone 3 h ago\x1b[0m" in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain


def test_sentences_are_wrapped_between_words_on_a_terminal_only(board: Board, jobs: Jobs, url: str) -> None:
    put(board, [{"id": "a", "every": 5, "start": LATER}])
    board.pause("a", because="its database is being moved " * 5)
    shown = Terminal(board, url, "why", "a").read()
    assert len(shown.splitlines()) > 1
    assert max(map(len, shown.splitlines())) <= 80
    piped_text = jobs("why", "a").stdout
    assert len(piped_text.splitlines()) == 1
    assert shown.split() == piped_text.split()
