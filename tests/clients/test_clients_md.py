"""The guide to write a client: the client that it shows is whole, and works."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from jobs_core import Board
from tests.clients.test_client_conformance import CASES, Player
from tests.helpers import wait_until

PAGE = Path(__file__).parents[2] / "docs/clients.md"
TEXT = PAGE.read_text("utf-8")
CLIENT, USE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
EXAMPLE = re.search(r"^    \{ \"name\".*?^    \]\}", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def client() -> dict[str, Any]:
    """What the page defines."""
    found: dict[str, Any] = {}
    exec(CLIENT, found)
    return found


@pytest.fixture
def jobs(client: dict[str, Any], board: Board, url: str) -> Iterator[Any]:
    """The client of the page, for a board whose commands are loaded."""
    board.commands.load()
    with redis.Redis.from_url(url, decode_responses=True) as connected:
        yield client["Jobs"](connected, board.name)


def run(id: str, payload: str) -> str:
    if payload == "bad":
        raise ValueError(payload)
    return f"{id} says {payload}"


@contextmanager
def working(client: dict[str, Any], jobs: Any) -> Iterator[None]:
    """A worker of the page, in a thread."""
    stopped = threading.Event()
    thread = threading.Thread(target=client["work"], args=(jobs, "greet", run, stopped))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_it_is_short_and_needs_nothing_of_ours() -> None:
    assert len([line for line in CLIENT.splitlines() if line.strip()]) <= 60
    assert re.findall(r"import (\w+)", CLIENT) == ["json", "threading", "redis"]


def test_it_runs_a_job_that_is_due(client: dict[str, Any], jobs: Any, board: Board) -> None:
    jobs.call("JSET", "hello", "greet", "world", "every", "1h")
    with working(client, jobs):
        wait_until(lambda: board.stats()["succeeded"] == 1)
    (entry,) = board.history()
    assert entry["note"] == f"{entry['task']} says world"
    assert list(board.client.hkeys(board.keys.runners)) == ["greet"]


def test_it_wakes_for_a_task_that_is_pushed(client: dict[str, Any], jobs: Any, board: Board) -> None:
    with working(client, jobs):
        for n in range(1, 4):
            board.push("greet", "world")
            wait_until(lambda n=n: board.stats()["succeeded"] == n)  # type: ignore[misc]


def test_it_tries_again_and_gives_up(client: dict[str, Any], jobs: Any, board: Board) -> None:
    again, never = board.push("greet", "bad", attempts=2), board.push("greet", "bad")
    with working(client, jobs):
        wait_until(lambda: board.stats()["dead"] == 1 and board.stats()["retried"] == 1)
    (delayed,), (dead,) = board.tasks("delayed"), board.dead()
    assert (delayed["id"], delayed["attempt"]) == (again, 2)
    assert (dead["id"], dead["history"][0]["code"]) == (never, "ValueError")


def test_it_takes_what_has_no_token(client: dict[str, Any], jobs: Any, board: Board) -> None:
    board.push("greet", "world", policy="none")
    with working(client, jobs):
        wait_until(lambda: board.stats()["unleased"] == 1)


def test_a_lapsed_lease_does_not_end_it(client: dict[str, Any], jobs: Any, board: Board) -> None:
    def late(id: str, payload: str) -> str:
        board.tick(now=60)
        return "too late"

    board.push("greet", "world")
    (task,) = board.pop("greet", lease=0.001, now=1)
    fields = {"id": task.id, "token": task.token, "payload": "world", "options": "", "attempt": 1}
    client["attempt"](jobs, fields, late, 30)
    assert board.stats()["stale"] == 1


def test_it_does_without_scripts_where_there_are_functions(jobs: Any, board: Board) -> None:
    board.commands.restore()
    board.client.script_flush()
    assert jobs.call("JSET", "hello", "greet", "world") == 0


def test_what_the_page_shows_of_its_use_works(client: dict[str, Any], home: Board, url: str) -> None:
    home.commands.load()
    # The page means the Redis on this machine.
    here = SimpleNamespace(Redis=partial(redis.Redis.from_url, url))
    names = client | {"redis": here, "threading": threading}
    thread = threading.Thread(target=exec, args=(USE, names))
    thread.start()
    wait_until(lambda: home.stats()["succeeded"] == 1)
    names["stopped"].set()
    thread.join()
    (entry,) = home.history(job="hello")
    assert entry["note"] == "hello, world"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_it_sees_what_every_client_must_see(case: dict[str, Any], jobs: Any, board: Board) -> None:
    board.client.response_callbacks.clear()
    Player(board.keys.tag, jobs.call, board.client.execute_command).play(case["steps"])


def test_the_example_of_a_case_is_one(board: Board) -> None:
    assert EXAMPLE
    found = json.loads(EXAMPLE[0])
    Player(board.keys.tag, board.commands.call, board.client.execute_command).play(found["steps"])


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
