"""Control characters in what others put on a board never reach a terminal, in any command or log."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Event, Outcome, Runner
from jobs_core.cli import main
from jobs_core.plugins.builtin.loggers import event_line, print_json, print_line
from jobs_core.testing import make_task
from jobs_core.text import visible
from tests.helpers import rename_everywhere

NASTY = "\x1b]0;owned\x07\x1b[35mred\x7f\x9b2J\u202egnp.exe\u2066\r"
"""Sets a title, a color, clears the screen, reorders the line, and returns to its start."""

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

COLOR = re.compile("\x1b\\[(?:0|1|3[1236])m")
"""The colors of Jobs itself."""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def show(board: Board, url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run `jobs` on a terminal. Returns what both streams show, without colors of Jobs itself."""
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_BOARD", board.name)
    monkeypatch.setenv("JOBS_PAGER", "cat")
    monkeypatch.setenv("TERM", "dumb")

    def call(*words: str) -> str:
        screen = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["jobs", *words])
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            with pytest.raises(SystemExit):
                main()
        return COLOR.sub("", screen.getvalue())

    return call


def test_no_command_prints_control_characters(
    show: Callable[..., str], board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, old = "nasty\u202eid", "nasty___id"
    board.put(old, "console", NASTY, every=60, description=NASTY)
    board.put("then", "console", NASTY, after=old)
    board.limit("runner", f"r{old}", concurrency=1)
    failed, kept = board.push("console", NASTY), board.push("console", NASTY, keep="1h")
    board.pop("console", count=2, lease=60, worker=f"w{old}")
    for token in [task["ticket"] for task in board.tasks(state="leased") if task["id"] == failed]:
        board.ack(token, "dead", note=NASTY, code=NASTY[:20], data={"traceback": NASTY})
    board.client.xadd(board.keys.output(kept), {"line": NASTY, "stream": "stdout"}, id="1-1")
    rename_everywhere(board, old, odd)
    file = tmp_path / "board.yml"
    file.write_text('jobs: {"a\\u202Eb": {runner: console, payload: "\\e[31m", cron: "*/90 * * * *"}}')
    commands = (
        *(("list",), ("show", odd), ("next", odd), ("tasks",), ("history",), ("dead", "list")),
        *(("dead", "show", failed), ("output", kept), ("graph",), ("graph", "--format", "dot")),
        *(("limit",), ("limit", "runner", f"r{odd}"), ("stats",), ("plan",), ("pause", odd), ("resume", odd)),
        *(("edit", odd, "--timeout", "5"), ("push", odd), ("cancel", "--job", odd), ("workers",)),
        *(("put", odd, "console", "x"), ("put", odd, "console", "x", "--after", odd + "2"), ("doctor",)),
        *(
            ("board", "diff", str(file), "--payload"),
            ("board", "check", str(file)),
            ("board", "apply", str(file)),
        ),
        *(("show", NASTY), ("push", NASTY), ("push", odd + "x"), (NASTY,), ("list", f"--{NASTY}")),
        *(("history", NASTY), ("dead", "show", NASTY), ("remove", "nasty*", "--yes"), ("remove", NASTY)),
        *(("list", "--board", NASTY), ("dump",), ("board", "export"), ("run", "--log", NASTY)),
    )
    wrong = {words: found for words in commands if (found := RAW.findall(show(*words)))}
    assert wrong == {}
    assert "nasty\\u202eid" in show("push", odd + "x")


def test_output_is_raw_in_a_pipe(jobs: Any, board: Board) -> None:
    task = board.push("console", "x", keep="1h")
    board.client.xadd(board.keys.output(task), {"line": "\x1b[31mred", "stream": "stdout"}, id="1-1")
    assert jobs("output", task).stdout == "\x1b[31mred\n"


def test_loggers_escape_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    task = make_task(Runner("console", lambda task, context: Outcome.done()), "x", id="nasty\u202eid@1")
    outcome = Outcome("failed", NASTY, NASTY)
    for event in (
        Event("task.line", 1.0, f"w{NASTY}", task, data={"line": NASTY, "stream": "stdout"}),
        Event("task.finished", 1.0, f"w{NASTY}", task, outcome),
        Event("trouble", 1.0, f"w{NASTY}", data={"note": NASTY}),
    ):
        print_line(event)
        print_json(event)
        assert "\n" not in event_line(event)
    assert not RAW.search(capsys.readouterr().out)


def test_text_of_all_languages_stays_as_it_is() -> None:
    text = "naïve\u00a0: «\u202f日本\u3000語» 👩\u200d💻\t한국어\n"
    assert visible(text) == text
