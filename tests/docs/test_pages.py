"""Every page works as written: its commands run in order, against a private server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.docs.page import Block, blocks, commands, is_as_shown, normal, pattern
from tests.docs.terminal import Terminal, has, warm_programs
from tests.helpers import wait_until

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OTHERS = {"reference/redis.md", "reference/clients.md", "reference/hooks.md", "reference/commands.md"}
"""Pages with tests of their own."""

PAGES = sorted(
    [
        ROOT / "README.md",
        *(
            path
            for path in DOCS.rglob("*.md")
            if not path.is_symlink() and path.relative_to(DOCS).as_posix() not in OTHERS
        ),
    ]
)
WITH_STEPS = [
    page for page in PAGES if any(not block.why_not_run for block in blocks(page.read_text("utf-8")))
]

SHELLS = ("sh", "console")
FILES = ("python", "yaml", "toml", "crontab", "json", "jsonl", "sh", "ini", "text")
SHOWN_ONLY = ("text", "json", "lua", "ini")
ASKS = re.compile(r"(jobs|job) (count|dead list|dead show|doctor|history|list|output|show|stats|tasks)\b")
"""Read-only commands, which are repeated until they print what the page shows."""

REASONS = (
    "installs packages",
    "needs systemd",
    "needs Docker",
    "needs AWS",
    "needs a cluster",
    "needs another machine",
    "never ends",
    "takes long",
    "changes this checkout",
)
"""Valid reasons for not running a block."""

WORKERS = re.compile(r"(jobs|job|python)\b")
"""Commands that keep running and serve the board, so that it tells when they have started."""

PATIENCE = 15
"""Seconds within which a read-only command must print what the page shows."""

PROGRAM = "from jobs_core import Board\n\nboard = Board()\n"


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    with warm_programs() as folder:
        yield folder


@pytest.fixture
def terminal(programs: Path, tmp_path: Path) -> Iterator[Terminal]:
    folder = tmp_path / "work"
    folder.mkdir()
    with Terminal(folder, programs) as found:
        yield found


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", WITH_STEPS, ids=name)
def test_every_page_runs_as_written(page: Path, terminal: Terminal) -> None:
    text = page.read_text("utf-8")
    for program in ("redis-cli", "curl"):
        if f"{program} " in text and not has(program):
            pytest.skip(f"no {program} on PATH")
    steps = [block for block in blocks(text) if not block.why_not_run]
    if any(block.language in SHELLS for block in steps) and not re.search(
        r"^(\$ )?jobs up", text, re.MULTILINE
    ):
        up(terminal, "job up --name web1")
    for stub in sorted(set(re.findall(r"\./[\w-]+\.sh\b", text))):
        path = terminal.folder / stub
        path.write_text(f"#!/bin/sh\necho {path.stem}\n")
        path.chmod(0o755)
    for block in steps:
        where = f"{name(page)}:{block.line}"
        try:
            play(block, terminal)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error


def play(block: Block, terminal: Terminal) -> None:
    """Follow a block as a reader would."""
    if block.title and block.language in FILES:
        path = terminal.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
        if block.text.startswith("#!"):
            path.chmod(0o755)
        if block.language in ("yaml", "toml") and "board" in block.title:
            succeed(terminal, f"job board check {block.title}")
    elif block.mark == "the other terminal":
        expected = (
            r"(?s:.*)" + pattern(block.text.strip("\n")).replace(r"\s*\n\s*", r"(?s:\n.*)") + r"(?s:.*)"
        )
        wait_until(lambda: re.fullmatch(expected, normal(terminal.beside)) is not None)
    elif block.language in SHELLS:
        found = [(with_server(command, terminal), shown) for command, shown in commands(block)]
        last = len(found) - 1 if block.mark == "keeps running" else len(found)
        for command, shown in found[:last]:
            check(terminal, command, shown)
        for command, shown in found[last:]:
            go_on(terminal, command, shown)
    elif block.language == "python":
        text = with_server(block.text, terminal)
        (terminal.folder / "example.py").write_text(text if "Board(" in text else PROGRAM + text)
        if block.mark == "keeps running":
            go_on(terminal, "python example.py", None)
        else:
            succeed(terminal, "python example.py")
    elif block.language in ("yaml", "toml"):
        path = terminal.folder / f"example.{block.language.replace('yaml', 'yml')}"
        path.write_text(block.text, "utf-8")
        succeed(terminal, f"job board check {path}")
    else:
        assert block.language in SHOWN_ONLY, f"what is a block of {block.language!r}?"


def check(terminal: Terminal, command: str, shown: str | None) -> None:
    """Run a command, which must print what is shown, or succeed."""
    if re.fullmatch(r"(?s)kill %1|#.*", command):
        return
    code, printed = terminal.run(command)
    if shown is not None and ASKS.match(command):
        deadline = time.monotonic() + PATIENCE
        while not is_as_shown(shown, printed) and time.monotonic() < deadline:
            time.sleep(0.05)
            code, printed = terminal.run(command)
    assert shown is None or is_as_shown(shown, printed), (
        f"$ {command}\n{printed}\n\nand the page shows\n\n{shown}"
    )
    says_so = r"^Error: |^✗|gave up|\d+ problems?$|^\d+ findings? in|^::warning"
    failed = shown is not None and re.search(says_so, shown, re.MULTILINE)
    assert failed or code == 0, f"$ {command}\n{printed}\nexit code {code}"


def succeed(terminal: Terminal, command: str) -> None:
    check(terminal, command, None)


def go_on(terminal: Terminal, command: str, shown: str | None) -> None:
    """Start a command that goes on, and wait until it has printed what is shown."""
    if re.match(r"jobs? up\b", command):
        found = up(terminal, re.sub(r"^jobs\b", "job", command))
    else:
        before = served(terminal) if WORKERS.match(command) else {}
        found = terminal.start(re.sub(r"^jobs\b", "job", command))
        wait_until(lambda: not WORKERS.match(command) or served(terminal) != before)
    if shown:
        found.until(lambda printed: re.match(pattern(shown), normal(printed)) is not None)


def served(terminal: Terminal) -> dict[str, str]:
    """Return who serves what on the board, and since when: it changes when a worker starts."""
    with redis.Redis.from_url(f"unix://{terminal.data / 'jobs.sock'}", decode_responses=True) as client:
        found: dict[str, str] = client.hgetall("{jobs}:runners")  # type: ignore[assignment]
    return found


def up(terminal: Terminal, command: str):  # type: ignore[no-untyped-def]
    """Start `jobs up`, and wait until its worker has started."""
    found = terminal.start(command)
    found.until(lambda printed: " started " in printed)
    return found


def with_server(text: str, terminal: Terminal) -> str:
    """Map the addresses on the pages to the private server, and that of the page of `jobs up` to its port."""
    if port := re.search(r"http://127\.0\.0\.1:(\d+)/login", terminal.beside):
        text = text.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{port[1]}")
    here = terminal.data / "jobs.sock"
    address = r"rediss?://(?:(\w[^\s@\"']*@)|:[^\s@\"']*@)?(?:redis|replica)\.internal(?:[:/][^\s\"']*)?|redis://localhost"
    return re.sub(address, lambda match: f"unix://{match[1] or ''}{here}", text)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_that_are_not_run_have_a_reason(page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        if block.mark.startswith("not run"):
            assert block.why_not_run in REASONS, f"{name(page)}:{block.line}: {block.mark}"
        elif block.mark:
            assert block.mark in ("keeps running", "the other terminal") or block.mark.startswith("Generated")


def test_most_blocks_are_run() -> None:
    everything = [block for page in PAGES for block in blocks(page.read_text("utf-8"))]
    shown_only = [block for block in everything if block.why_not_run]
    assert len(shown_only) <= 0.1 * len(everything), [block.text for block in shown_only]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_is_fenced_with_a_language(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(
        r"\n\n(?<!:\n\n)    (?! |\*|-|\d)\S", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    ), "indented code is not run: fence it"
    fences = re.findall(r"^ *```(.*)$", text, re.MULTILINE)
    assert all(fences[0::2]), "a fence without a language"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("done", "dead"),
        ("a\nb", "a"),
        ("next 2026-11-26 18:18:31+00:00", "next never"),
        ("a@1795717113658", "b@1795717113658"),
    ],
)
def test_wrong_output_is_detected(shown: str, printed: str) -> None:
    assert not is_as_shown(shown, printed)


def test_variable_output_matches_its_pattern() -> None:
    assert is_as_shown(
        "at 2026-11-26 18:18:31+00:00 in 0.003 s\n…\nend", "at 2027-01-02 08:00:00Z in 0.1 s\nx\ny\nend"
    )
