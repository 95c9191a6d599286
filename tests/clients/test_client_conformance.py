"""clients/conformance.json, played with the Python client, FCALL, EVALSHA and redis-cli."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from jobs_core import AsyncBoard, Board, JobsError, Outcome, Task, errors
from jobs_core.engine.build import commands
from jobs_core.plugins.builtin import policies
from jobs_core.text import as_bytes
from tests.clients.conftest import Partitioned

CLIENTS = Path(__file__).parents[2] / "clients"
CONFORMANCE: dict[str, list[dict[str, Any]]] = json.loads((CLIENTS / "conformance.json").read_text("utf-8"))
CASES = CONFORMANCE["cases"]
ORDINARY = [case for case in CASES if "partitions" not in case]
"""The cases for boards with and without partitions."""

PARTITIONED = [case for case in CASES if "partitions" in case]
"""The cases in which partitions are called by their numbers."""

CODES = {
    errors.OptionError: "OPTION",
    errors.PayloadError: "PAYLOAD",
    errors.NotFoundError: "NOTFOUND",
    errors.ExistsError: "EXISTS",
    errors.ConflictError: "CONFLICT",
    errors.StaleError: "STALE",
}

Call = Callable[..., Any]
"""Calls a command, `call("JSET", "tick", …)`. An error, also one within a reply, is an exception."""

cases = pytest.mark.parametrize("case", ORDINARY, ids=lambda case: str(case["name"]))
with_redis_cli = pytest.mark.skipif(not shutil.which("redis-cli"), reason="no redis-cli on PATH")


class Player:
    """Runs the steps of a case, and keeps what they save.

    Args:
        call: Calls a command of the board.
        read: Calls a command of Redis.
        tags: Those of the partitions, or of the board if it has none.
        call_at: Calls a command of the partition with a tag.
    """

    def __init__(self, call: Call, read: Call, *tags: str, call_at: Call | None = None) -> None:
        self.call, self.read, self.tags, self.call_at = call, read, tags, call_at
        self.saved: dict[str, str] = {}
        self.numbers: dict[str, str] = {}

    def play(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            expected = step if "error" in step else step["reply"]
            if len(self.tags) > 1:
                expected = step.get("reply with partitions", expected)
            reply = self.reply(step)
            assert self.fits(expected, reply), f"{json.dumps(step)} returned {reply!r}"

    def reply(self, step: dict[str, Any]) -> Any:
        """Return the server's reply to a step, with all of its pages."""
        if "read" in step:
            reply = self.read_all(step["read"])
            return int(reply) if isinstance(step["reply"], int) else reply
        reply = self.reply_to(step, step["args"])
        match step.get("reply"):
            case ["0", list()]:
                at = next((at for at, word in enumerate(step["args"]) if word in ("0", "$cursor")), 0)
                while isinstance(reply, list) and reply[0] != "0":
                    words = [*step["args"][:at], reply[0], *step["args"][at + 1 :]]
                    following = self.reply_to(step, words)
                    reply = [following[0], reply[1] + following[1]]
        return reply

    def reply_to(self, step: dict[str, Any], words: Sequence[str]) -> Any:
        """Return the reply to one call."""
        call = self.call
        if "partition" in step:
            assert self.call_at
            call = partial(self.call_at, self.tags[step["partition"]])
        while True:
            try:
                return call(step["command"], *map(self.known, words))
            except (JobsError, redis.ResponseError) as error:
                if not str(error).startswith("JOBS AGAIN "):
                    return error
            while call("JAPPLY", "roll"):  # what every client does, see docs/reference/clients.md
                pass

    def read_all(self, words: Sequence[str]) -> Any:
        """Read what a board has, in each of its partitions."""
        found = [
            self.read(*(word.format_map({"board": tag, **self.saved}) for word in words)) for tag in self.tags
        ]
        if all(one == found[0] for one in found):
            return found[0]
        return sum(found) if isinstance(found[0], int) else next(filter(None, found))

    def known(self, value: Any) -> Any:
        """Return a value of the file, or the value saved as `$name`."""
        return self.saved[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    def fits(self, expected: Any, reply: Any) -> bool:
        """Whether a reply is what the file expects."""
        match expected:
            case {"error": code}:
                return error_text(reply).startswith(f"JOBS {code} ") and expected.get("says", "") in str(
                    reply
                )
            case {"map": fields}:
                found = dict(zip(reply[::2], reply[1::2], strict=True))
                return all(name in found and self.fits(fields[name], found[name]) for name in fields)
            case {"json": fields}:
                found = json.loads(reply)
                return all(self.fits(value, found.get(name)) for name, value in fields.items())
            case {"save": name}:
                self.saved[name] = reply
                return isinstance(reply, str) and (
                    "like" not in expected or self.is_like(expected["like"], reply)
                )
            case {"like": text}:
                return isinstance(reply, str) and self.is_like(text, reply)
            case dict():
                return expected.keys() == reply.keys() and all(
                    self.fits(value, reply[name]) for name, value in expected.items()
                )
            case list():
                return len(reply) == len(expected) and all(map(self.fits, expected, reply))
            case _:
                return type(reply) is not float and bool(reply == self.known(expected))

    def is_like(self, text: str | None, reply: str) -> bool:
        """Whether a reply is this text, in which <1> is the board's number in place of 1."""
        if text is None:
            return True
        found = re.fullmatch(re.sub(r"<\d+>", r"(\\d+)", re.escape(text)), reply)
        if not found:
            return False
        numbers = zip(re.findall(r"<(\d+)>", text), found.groups(), strict=True)
        if len(self.tags) == 1:
            return all(number == there for number, there in numbers)
        return all(self.numbers.setdefault(number, there) == there for number, there in numbers)


def error_text(reply: Any) -> str:
    """Return the text of a Redis error, or nothing for another reply."""
    if isinstance(reply, JobsError):
        return f"JOBS {CODES.get(type(reply), '?')} {reply}"
    return str(reply) if isinstance(reply, redis.ResponseError) else ""


def raw(board: Board) -> Call:
    """Return what calls commands of Redis itself, and returns raw replies."""
    board.client.response_callbacks.clear()
    return board.client.execute_command


def tags(board: Board) -> list[str]:
    """Return the tags of a board's partitions."""
    return [part.keys.tag for part in board.commands.parts]


@pytest.fixture
def read(board: Board) -> Call:
    """Call commands of Redis itself. Returns the raw replies."""
    return raw(board)


@cases
def test_the_python_client_conforms(case: dict[str, Any], board: Board, read: Call) -> None:
    Player(board.commands.call, read, board.keys.tag).play(case["steps"])


@cases
def test_the_python_client_conforms_with_partitions(case: dict[str, Any], partitioned: Partitioned) -> None:
    board = partitioned(4)
    Player(board.commands.call, raw(board), *tags(board)).play(case["steps"])


@cases
def test_the_asyncio_client_conforms_with_partitions(
    case: dict[str, Any], partitioned: Partitioned, url: str
) -> None:
    board = partitioned(4)
    with asyncio.Runner() as runner:
        client = AsyncBoard(board.name, url, validate=False)

        def call(name: str, *words: str) -> Any:
            return runner.run(client.commands.call(name, *words))

        try:
            Player(call, raw(board), *tags(board)).play(case["steps"])
        finally:
            runner.run(client.close())


@cases
def test_calls_of_functions_conform(case: dict[str, Any], board: Board, read: Call) -> None:
    """As clients of version 3 did: what only reads is a function like the others to them."""
    board.commands.prepare()
    board.client.delete(board.keys.commands)

    def call(name: str, *words: str) -> Any:
        return read("FCALL", name, 1, board.keys.tag, *words)

    Player(call, read, board.keys.tag).play(case["steps"])


@pytest.fixture(scope="module")
def shas(url: str) -> dict[str, str]:
    """The commands, as scripts."""
    return Board(url=url).commands.load()


@cases
def test_calls_of_scripts_conform(
    case: dict[str, Any], board: Board, read: Call, shas: dict[str, str]
) -> None:
    def call(name: str, *words: str) -> Any:
        return read("EVALSHA", shas[name], 1, board.keys.tag, *words)

    Player(call, read, board.keys.tag).play(case["steps"])


@pytest.mark.parametrize("way", ["client", "FCALL", "EVALSHA"])
@pytest.mark.parametrize("case", PARTITIONED, ids=lambda case: str(case["name"]))
def test_calls_of_partitions_conform(
    case: dict[str, Any], way: str, partitioned: Partitioned, shas: dict[str, str]
) -> None:
    board = partitioned(case["partitions"])
    read = raw(board)

    def call_at(tag: str, name: str, *words: str) -> Any:
        if way == "client":
            return board.commands.parts[tags(board).index(tag)].call(name, *words)
        return read(way, name if way == "FCALL" else shas[name], 1, tag, *map(as_bytes, words))

    Player(board.commands.call, read, *tags(board), call_at=call_at).play(case["steps"])


def shell(board: Board, *words: str, folder: Path = CLIENTS) -> subprocess.CompletedProcess[str]:
    """Run conformance.sh in a folder with its file. Returns its output."""
    return subprocess.run(
        [folder / "conformance.sh", *words],
        env=os.environ | {"JOBS_BOARD": board.name},
        capture_output=True,
        text=True,
        check=False,
    )


ways = pytest.mark.parametrize("way", [(), ("--evalsha",)], ids=["FCALL", "EVALSHA"])


@with_redis_cli
@ways
def test_redis_cli_conforms(way: tuple[str, ...], board: Board, url: str) -> None:
    board.commands.load()
    if way:  # what it must not call does not exist
        board.client.function_flush()
    else:
        board.client.delete(board.keys.commands)
    done = shell(board, *way, url)
    names = (f"ok {number} {case['name']}" for number, case in enumerate(CASES, 1))
    assert done.stdout.splitlines() == [f"1..{len(CASES)}", *names], done.stderr
    assert done.returncode == 0
    assert board.client.keys("{conformance-*") == []


WRONG: list[dict[str, Any]] = [
    {"command": "JPAUSE", "args": ["nobody"], "reply": 1},
    {"command": "JPAUSE", "args": ["nobody"], "error": "STALE"},
    {"command": "JPAUSE", "args": ["nobody"], "error": "NOTFOUND", "says": "sunny"},
    {"command": "JGET", "args": ["nobody"], "error": "NOTFOUND"},
    {"command": "JGET", "args": ["nobody"], "reply": []},
    {"command": "JGET", "args": ["nobody"], "reply": [{"json": {"id": "nobody"}}]},
    {"command": "JCOUNT", "args": [], "reply": {"map": {"jobs": 1}}},
    {"command": "JCOUNT", "args": [], "reply": {"map": {"wishes": 0}}},
    {"command": "JTICK", "args": ["now", "5"], "reply": [0, 0, 5001]},
    {"command": "JCOUNT", "args": [], "reply": {"save": "count"}},
    {"read": ["EXISTS", "{board}:job"], "reply": 1},
]
"""Wrong steps that every client must fail."""


@pytest.mark.parametrize("step", WRONG, ids=json.dumps)
def test_a_wrong_step_fails(step: dict[str, Any], board: Board, read: Call) -> None:
    with pytest.raises((AssertionError, TypeError)):
        Player(board.commands.call, read, board.keys.tag).play([step])


@with_redis_cli
@ways
def test_redis_cli_reports_a_wrong_step(way: tuple[str, ...], board: Board, url: str, tmp_path: Path) -> None:
    board.commands.load()
    shutil.copy(CLIENTS / "conformance.sh", tmp_path)
    found = [{"name": "a", "steps": [step]} for step in WRONG]
    (tmp_path / "conformance.json").write_text(json.dumps({"cases": found}))
    done = shell(board, *way, url, folder=tmp_path)
    assert [line for line in done.stdout.splitlines() if "ok" in line[:6]] == [
        f"not ok {number} a" for number in range(1, len(WRONG) + 1)
    ], done.stderr
    assert done.returncode == 1


@with_redis_cli
def test_redis_cli_says_what_is_missing(board: Board, url: str) -> None:
    board.client.function_flush()
    assert "Redis does not have the functions of Jobs: run `jobs init`" in shell(board, url).stderr
    assert "has no scripts: run `jobs init`" in shell(board, "--evalsha", url).stderr
    assert "Redis does not answer" in shell(board, "unix:///nowhere").stderr


def decide(options: dict[str, Any], attempt: int, code: str) -> tuple[str, float]:
    """Return what the built-in policies decide: the verb and the delay. `failed`: a policy of a plugin."""
    task = Task("a@1000", "a", "shell", "shell", 1.0, attempt, "x", options=options)
    policy = {"ack": policies.ack, "retry": policies.retry}.get(
        options.get("policy") or policies.default_policy(task)
    )
    if policy is None:
        return "failed", 0
    decision = policy(task, Outcome.lost() if code == "lost" else Outcome.failed(code=code))
    return decision.verb, decision.delay


@pytest.mark.parametrize("case", CONFORMANCE["policies"], ids=json.dumps)
def test_python_workers_decide_by_the_policies(case: dict[str, Any]) -> None:
    verb, delay = decide(case["options"], case["attempt"], case["code"])
    expected = case.get("delay", 0)
    shortest, longest = expected if isinstance(expected, list) else (expected, expected)
    assert (verb, shortest <= delay <= longest) == (case["verb"], True)


def test_every_command_is_in_the_file() -> None:
    called = {step["command"] for case in CASES for step in case["steps"] if "command" in step}
    assert called == set(commands())


def test_case_names_are_unique() -> None:
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)
