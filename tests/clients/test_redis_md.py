"""Redis by hand: everything on the page works as written, with EVALSHA and FCALL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.engine.build import commands
from jobs_core.engine.redis_errors import ERROR_CODES
from tests.clients.conftest import Answers, is_as_shown, sessions

PAGE = Path(__file__).parents[2] / "docs/reference/redis.md"
TEXT = PAGE.read_text("utf-8")
SESSION = sessions(TEXT)


@pytest.mark.parametrize("way", ["FCALL", "EVALSHA"])
def test_redis_md_runs_as_written(way: str, home: Board, answers: Answers) -> None:
    other = "EVALSHA" if way == "FCALL" else "FCALL"
    session = [part for part in SESSION if not re.match(rf"call\(\).* {other} ", part[0])]
    assert len(session) == len(SESSION) - 1
    printed = answers([typed for typed, _ in session])
    wrong = [
        f"$ {typed}\n{found}"
        for (typed, shown), found in zip(session, printed, strict=True)
        if not is_as_shown(shown, found)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_command_is_on_the_page() -> None:
    called = {word for typed, _ in SESSION for word in re.findall(r"\bcall (J[A-Z]+)", typed)}
    assert set(commands()) - called == set()


def test_every_error_code_is_on_the_page() -> None:
    assert set(re.findall(r"^\| ([A-Z]+) \|", TEXT, re.MULTILINE)) == set(ERROR_CODES)


def test_links_are_valid() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("(integer) 1", "(integer) 2"),
        ("1) …", "1) a\n2) b"),
        ("(nil)", ""),
        ('{"a":1}', '{"a":12}'),
        ('{"a":1}', '{"b":1}'),
    ],
)
def test_wrong_output_is_detected(shown: str, printed: str) -> None:
    assert not is_as_shown(shown, printed)
