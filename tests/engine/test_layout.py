"""A board created by another version of Jobs: every command fails with one sentence and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import redis
from click.testing import CliRunner

from jobs_core import AsyncBoard, Board, LayoutError
from jobs_core.cli import cli
from jobs_core.embedded import EmbeddedServer
from jobs_core.engine.build import commands
from jobs_core.engine.loader import VERSION

MARKS = [str(int(VERSION) - 1), str(int(VERSION) + 1), None]
"""Values of `{board}:layout`. Without one, the keys of the board show that it is an old one."""

Use = Callable[[Board], Any]


@pytest.fixture(scope="module", params=["url", "other_url"], ids=["valkey", "redis"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of each available server."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="module", params=MARKS, ids=["older", "newer", "unmarked"])
def made(request: pytest.FixtureRequest, server_url: str) -> Iterator[Board]:
    """A board with another layout that has jobs and tasks."""
    made = Board(f"layout-{request.param}", server_url, validate=False)
    made.limit("queue", "echo", concurrency=5)
    made.put("a", "echo", "x", every=5)
    for token in ("held", "queued", "dead"):
        made.push("echo", token, keep="1h")
    (held, dead) = made.pop("echo", count=2, lease=60)
    made.ack(dead.token, "dead")
    made.ack(held.token, "update", progress=5)
    made.client.rpush(made.keys.wake, 1)
    made.client.hset(made.keys.commands, "version", "3")
    if request.param is None:
        made.client.delete(made.keys.layout)
    else:
        made.client.set(made.keys.layout, request.param)
    yield made
    made.client.delete(*made.client.keys(f"{made.keys.tag}:*"))
    made.client.close()


@pytest.fixture
def foreign(made: Board, server_url: str) -> Iterator[Board]:
    """A new client of the board with another layout. The board must not change by a single byte."""
    with redis.Redis.from_url(server_url) as raw:

        def everything() -> dict[str, Any]:
            return {key: raw.dump(key) for key in raw.keys(f"{made.keys.tag}:*")}

        before = everything()
        assert len(before) > 10
        board = Board(made.name, server_url, validate=False)
        yield board
        board.client.close()
        assert everything() == before


SCRIPT_ARGUMENTS: dict[str, list[str]] = {
    "JSET": ["b", "echo", "x"],
    "JGET": ["a"],
    "JPOP": ["1", "echo", "lease", "30"],
    "JAPPLY": ["begin"],
    "JTASKS": ["0"],
}


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_refuses_another_layout(foreign: Board, name: str) -> None:
    with pytest.raises(LayoutError, match=r"was made by an older version|has layout") as caught:
        foreign.commands.call(name, *SCRIPT_ARGUMENTS.get(name, ["a"]))
    assert "\n" not in str(caught.value)


CALLS: dict[str, Use] = {
    "put": lambda board: board.put("b", "echo", "x"),
    "create": lambda board: board.create("b", "echo", "x"),
    "edit": lambda board: board.edit("a", timeout=9),
    "put in a zone": lambda board: board.put("b", "echo", "x", cron="@daily", zone="Europe/Brussels"),
    "show": lambda board: board.show("a"),
    "list": lambda board: list(board.list()),
    "remove": lambda board: board.remove("a"),
    "pause": lambda board: board.pause("a"),
    "resume": lambda board: board.resume("a"),
    "next": lambda board: board.next("a"),
    "when": lambda board: board.when("a"),
    "apply": lambda board: board.apply([{"id": "b", "runner": "echo", "payload": "x"}], "me"),
    "plan": lambda board: board.plan([{"id": "b", "runner": "echo", "payload": "x"}], "me"),
    "push": lambda board: board.push("echo", "x"),
    "pop": lambda board: board.pop("echo", lease=30),
    "ack": lambda board: board.ack("a#1"),
    "cancel": lambda board: board.cancel("a"),
    "tasks": lambda board: list(board.tasks()),
    "history": lambda board: list(board.history()),
    "output": lambda board: list(board.output("push:1")),
    "dead_retry": lambda board: board.dead_retry(all=True),
    "dead_purge": lambda board: board.dead_purge(all=True),
    "limit": lambda board: board.limit("queue", "echo"),
    "limits": lambda board: list(board.limits()),
    "beat": lambda board: board.beat(30, "a#1"),
    "tick": lambda board: board.tick(),
    "count": lambda board: board.count(),
    "stats": lambda board: board.stats("a"),
    "trim": lambda board: board.trim("echo", 0),
    "init": lambda board: board.init(),
    "respond": lambda board: board.respond("echo", lambda payload: None),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_method_refuses_another_layout(foreign: Board, name: str) -> None:
    with pytest.raises(LayoutError):
        CALLS[name](foreign)


@pytest.mark.parametrize("method", ["put_many", "load"])
def test_bulk_work_refuses_another_layout(foreign: Board, method: str) -> None:
    jobs = [{"id": f"b{number}", "runner": "echo", "payload": "x"} for number in range(120)]
    assert all(isinstance(reply, LayoutError) for reply in getattr(foreign, method)(jobs))


@pytest.mark.parametrize(
    "name", ["put", "show", "list", "push", "pop", "history", "output", "limits", "count", "init"]
)
def test_asyncio_refuses_another_layout(foreign: Board, server_url: str, name: str) -> None:
    arguments: dict[str, list[str]] = {
        "put": ["b", "echo", "x"],
        "show": ["a"],
        "push": ["echo", "x"],
        "pop": ["echo"],
        "output": ["push:1"],
    }

    async def use() -> None:
        async with AsyncBoard(foreign.name, server_url, validate=False) as board:
            found = getattr(board, name)(*arguments.get(name, []))
            if hasattr(found, "__aiter__"):
                [one async for one in found]
            else:
                await found

    with pytest.raises(LayoutError):
        asyncio.run(use())


WORDS: dict[str, list[list[str]]] = {
    "ack": [["TOKEN"], ["TOKEN", "--progress", "5"]],
    "board apply": [["FILE"], ["FILE", "--dry-run"]],
    "board check": [["FILE"]],
    "board diff": [["FILE"]],
    "board export": [[]],
    "cancel": [["push:1"]],
    "count": [[], ["--json"]],
    "workers": [[], ["--json"]],
    "retention": [[], ["dead-age", "1d"]],
    "create": [["b", "console", "x"]],
    "edit": [["a", "--timeout", "9"]],
    "dead list": [[]],
    "dead purge": [["--all"]],
    "dead retry": [["--all"]],
    "dead show": [["push:1"]],
    "doctor": [[], ["--ledger"]],
    "dump": [[]],
    "export crontab": [[]],
    "graph": [[]],
    "history": [[], ["--job", "a"]],
    "import crontab": [["CRONTAB"], ["CRONTAB", "--dry-run"]],
    "init": [[]],
    "limit": [[], ["queue", "console", "--concurrency", "5"]],
    "list": [[]],
    "load": [[]],
    "next": [["a"]],
    "output": [["push:1"], ["push:1", "--follow"]],
    "pause": [["a"]],
    "push": [["console", "x"], ["console", "x", "--wait"]],
    "put": [["b", "console", "x"], ["-S"]],
    "remove": [["a"]],
    "respond": [["echo", "true"]],
    "resume": [["a"]],
    "run": [[]],
    "show": [["a"]],
    "stats": [[], ["--job", "a"]],
    "tasks": [[]],
    "tick": [["--once"], []],
    "trim": [["echo", "--keep", "0"]],
    "alert digest": [[]],
    "alert list": [[]],
    "alert open": [[], ["ops"]],
    "alert put": [["ops", "console", "x", "--when", "dead"]],
    "alert remove": [["ops"]],
    "alert show": [["ops"]],
    "alert test": [["ops"]],
    "backfill start": [["a", "--from", "2026-01-01", "--to", "2026-01-02"]],
    "backfill list": [[]],
    "backfill watch": [["1"]],
    "backfill cancel": [["1"]],
    "changes": [[], ["a"]],
    "forecast": [[]],
    "labels": [[]],
    "metrics": [[]],
    "top": [["--once"]],
    "lint": [[], ["FILE"]],
    "logs": [["a"]],
    "runs": [["a"]],
    "why": [["a"]],
}
"""Calls of every command of `jobs` that is about a board."""

FILES = {"FILE": "jobs: {b: {runner: console, payload: x, every: 5}}\n", "CRONTAB": "* * * * * true\n"}
LINE = '{"id": "b", "runner": "console", "payload": "x"}\n'


def about_boards(group: click.Group, *path: str) -> Iterator[str]:
    """The commands that have the option --board."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from about_boards(command, *path, name)
        elif command and any(option.name in ("board_name", "board_names") for option in command.params):
            yield " ".join((*path, name))


def test_every_command_line_is_tried() -> None:
    ours = {
        command for command in about_boards(cli) if not command.startswith(("breaker ", "web "))
    }  # keys of plugins
    assert ours - {"acl", "up"} == set(WORDS)  # these read no board


@pytest.mark.parametrize(
    ("command", "words"),
    [(command, words) for command, tried in WORDS.items() for words in tried],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_every_command_line_reports_another_layout_in_one_sentence(
    foreign: Board, server_url: str, tmp_path: Path, command: str, words: list[str]
) -> None:
    named = {name: tmp_path / (name.lower() + (".yml" if name == "FILE" else "")) for name in FILES}
    for name, path in named.items():
        path.write_text(FILES[name])
    done = CliRunner().invoke(
        cli,
        [*command.split(), *(str(named.get(word, word)) for word in words)],
        env={"JOBS_REDIS_URL": server_url, "JOBS_BOARD": foreign.name},
        input=LINE,
        prog_name="jobs",
    )
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    said = [line for line in done.output.splitlines() if "layout" in line or "older version of Jobs" in line]
    assert said, done.output
    if command not in ("doctor", "put", "load"):  # these print one line per item
        assert done.stderr == f"{said[0]}\n"
        assert done.stderr.startswith("Error: the board ")


def test_jobs_up_reports_another_layout(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server, Board("jobs", server.url).client as client:
        client.set("{jobs}:layout", "3")
        client.set("{jobs}:job", "theirs")
    done = CliRunner().invoke(cli, ["up", "--data", str(tmp_path)], prog_name="jobs")
    assert done.exit_code == 1, done.output
    assert "Error: the board {jobs} has layout 3" in done.stderr
    assert "Traceback" not in done.output
    with EmbeddedServer(tmp_path) as server, Board("jobs", server.url).client as client:
        assert set(client.keys()) == {"{jobs}:layout", "{jobs}:job"}
