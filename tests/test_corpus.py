"""Bad input of every kind is refused: one sentence, the right exit code, and nothing changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs_core import Board
from jobs_core.cli import cli
from tests.corpus import Bad

TABLES = ("options", "commands", "boardfiles", "crontabs", "lines", "payloads", "surroundings")

PYTHON = re.compile(r"Traceback|\b\w*(Error|Exception|Warning)\b(?<!^Error)(?<!Warning)|<class|object at 0x")
"""Words of Python that no sentence has."""

SECRET = "s3cret"
"""Stands in payloads, passwords and settings, and never in a sentence."""


def cases(table: str) -> list[Bad]:
    found: list[Bad] = import_module(f"tests.corpus.{table}").CASES
    return found


@pytest.fixture
def token(board: Board) -> str:
    """The token of a task that has ended, on a board with jobs, tasks, a limit and a dead letter."""
    board.init()
    board.put("tick", "console", "x", every=3600)
    board.put("report", "console", "x", cron="0 9 * * *", zone="Europe/Brussels")
    board.put("child", "console", "x", after="tick")
    board.limit("queue", "mail", concurrency=5)
    for payload in ("ended", "dead"):
        board.push("work", payload)
    ended, dead = board.pop("work", count=2, lease=60)
    board.ack(ended.token)
    board.ack(dead.token, "dead")
    board.push("console", "waits")
    return ended.token


Call = Callable[[Bad], Result]

BUILT_IN = frozenset(cli.commands)
"""The commands of Jobs itself: no plugin is loaded while pytest collects tests."""


@pytest.fixture
def call(url: str, board: Board, token: str, tmp_path: Path) -> Iterator[Call]:
    """Run a case on the board. Variables decide which plugins load, so cases with some load them afresh."""
    loaded, commands = cli.plugins, dict(cli.commands)  # type: ignore[attr-defined]

    def restore() -> None:
        cli.plugins = loaded  # type: ignore[attr-defined]
        cli.commands.clear()
        cli.commands.update(commands)

    def run(case: Bad) -> Result:
        restore()
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in case.files.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        variables = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "JOBS_DATA": str(tmp_path / "data")}
        names = {name: value.replace("DIR", str(folder)) for name, value in case.variables.items()}
        if names:
            cli.plugins = None  # type: ignore[attr-defined]
            for name in set(commands) - BUILT_IN:
                del cli.commands[name]
        words = case.line(folder, token)
        return CliRunner(env=variables | names).invoke(cli, words, input=case.input, prog_name="jobs")

    yield run
    restore()


COUNTED = ("stale", "stages")
"""What counts refusals: reports by tokens that hold nothing, and board files that were compared."""


def contents(board: Board) -> dict[str, bytes]:
    """All keys of a board, except the zones and the count of stale reports."""
    found = {}
    for key in board.client.scan_iter(f"{board.keys.tag}:*", count=1000):
        if key == f"{board.keys.tag}:stats":
            stats = board.client.hgetall(key)
            found[key] = repr(sorted(stats.items() - {(name, stats.get(name)) for name in COUNTED})).encode()
        elif not key.endswith(":zones"):
            kind = board.client.type(key)
            found[key] = repr(READ[kind](board.client, key)).encode()
    return found


READ: dict[str, Callable[..., object]] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: sorted(client.smembers(key)),
    "hash": lambda client, key: sorted(client.hgetall(key).items()),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "stream": lambda client, key: client.xrange(key),
}


def faults(case: Bad, result: Result) -> list[str]:
    """Say what is wrong with the answer to a case."""
    said = result.stderr
    sentences = [line for line in said.splitlines() if line.startswith("Error: ")]
    placed = re.findall(r"^(?:line \d+|\S+): ", said + result.stdout, re.MULTILINE)
    found = []
    if result.exit_code != case.code:
        found.append(f"exit code {result.exit_code}, not {case.code}")
    if len(sentences) > 1 or not (sentences or placed):
        found.append(f"{len(sentences)} sentences")
    if case.says not in said + result.stdout:
        found.append(f"no {case.says!r}")
    if words := PYTHON.search(re.sub("^Error: ", "", said, flags=re.MULTILINE)):
        found.append(f"says {words[0]!r}")
    if SECRET in said or SECRET in result.stdout:
        found.append("quotes a secret")
    if not (said + result.stdout).replace("\n", "").replace("\t", "").isprintable():
        found.append("prints control characters")
    return found


@pytest.mark.parametrize("table", TABLES)
def test_bad_input_is_refused_in_one_sentence_and_changes_nothing(
    table: str, call: Call, board: Board
) -> None:
    wrong = {}
    before = contents(board)
    for number, case in enumerate(cases(table)):
        result = call(case)
        found = faults(case, result)
        after = contents(board)
        if after != before:
            found.append(
                f"changed {sorted(key for key in after | before if after.get(key) != before.get(key))}"
            )
            before = after
        if found:
            wrong[number, case.words] = (found, result.stdout[-200:], result.stderr[-400:])
    assert not wrong, "\n".join(f"{place}: {said}" for place, said in wrong.items())


def test_the_corpus_is_large_and_has_no_case_twice() -> None:
    found = [repr(case) for table in TABLES for case in cases(table)]
    assert len(found) == len(set(found))
    assert len(found) >= 600
