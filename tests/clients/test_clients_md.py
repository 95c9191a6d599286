"""The guide to writing a client: the client on the page is complete and works."""

from __future__ import annotations

import json
import re
import threading
from binascii import crc_hqx
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from jobs_core import Board
from jobs_core.engine.build import commands
from jobs_core.engine.partitions.places import Places
from jobs_core.engine.partitions.routes import RULES
from jobs_core.errors import StaleError
from tests.clients.test_client_conformance import ORDINARY, Player
from tests.helpers import keep_ticking, wait_until

PAGE = Path(__file__).parents[2] / "docs/reference/clients.md"
TEXT = PAGE.read_text("utf-8")
CLIENT, USE, BY_SCRIPT = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
HEADERS = {name: command.source.partition("--]]")[0] for name, command in commands().items()}
EXAMPLE = re.search(r"^    \{ \"name\".*?^    \]\}", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def client() -> dict[str, Any]:
    """Return the definitions of the page."""
    found: dict[str, Any] = {}
    exec(CLIENT + BY_SCRIPT, found)
    return found


class WithoutFunctions(redis.Redis):
    """A client that cannot call functions. To flush them from the server for each test takes much longer."""

    def execute_command(self, *words: Any, **options: Any) -> Any:
        assert not words[0].startswith("FCALL"), words
        return super().execute_command(*words, **options)


@pytest.fixture(params=["FCALL", "EVALSHA"])
def jobs(request: pytest.FixtureRequest, client: dict[str, Any], board: Board, url: str) -> Iterator[Any]:
    """The client of the page, in both variants. What it must not call is missing."""
    board.commands.load()
    if request.param == "FCALL":
        board.client.delete(board.keys.commands)
        with redis.Redis.from_url(url, decode_responses=True) as connected:
            yield client["Jobs"](connected, board.name)
    else:
        with WithoutFunctions.from_url(url, decode_responses=True) as connected:
            yield client["ByScript"](connected, board.name)


def run(id: str, payload: str) -> str:
    if payload == "bad":
        raise ValueError(payload)
    return f"{id} says {payload}"


@contextmanager
def working(client: dict[str, Any], jobs: Any) -> Iterator[None]:
    """Run the worker of the page in a thread."""
    stopped = threading.Event()
    thread = threading.Thread(target=client["work"], args=(jobs, "greet", run, stopped))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_the_example_client_is_short_and_imports_nothing_of_jobs() -> None:
    assert len([line for line in CLIENT.splitlines() if line.strip()]) <= 60
    assert re.findall(r"import (\w+)", CLIENT) == ["json", "threading", "redis"]


def test_the_example_client_runs_a_due_job(client: dict[str, Any], jobs: Any, board: Board) -> None:
    jobs.call("JSET", "hello", "greet", "world", "every", "1h")
    with working(client, jobs):
        wait_until(lambda: board.stats()["done"] == 1)
    (entry,) = board.history()
    assert entry["note"] == f"{entry['task']} says world"
    assert list(board.client.hkeys(board.keys.runners)) == ["greet"]


def test_the_example_client_wakes_for_a_pushed_task(client: dict[str, Any], jobs: Any, board: Board) -> None:
    with working(client, jobs):
        for n in range(1, 4):
            board.push("greet", "world")
            wait_until(lambda n=n: board.stats()["done"] == n)  # type: ignore[misc]


def test_the_example_client_retries_and_gives_up(client: dict[str, Any], jobs: Any, board: Board) -> None:
    again, never = board.push("greet", "bad", attempts=2), board.push("greet", "bad")
    with working(client, jobs):
        wait_until(lambda: board.stats()["dead"] == 1 and board.stats()["retried"] == 1)
    (delayed,), (dead,) = board.tasks("delayed"), board.dead()
    assert (delayed["id"], delayed["attempt"]) == (again, 2)
    assert (dead["id"], dead["history"][0]["code"]) == (never, "ValueError")


def test_the_example_client_takes_tasks_without_a_token(
    client: dict[str, Any], jobs: Any, board: Board
) -> None:
    board.push("greet", "world", policy="none")
    with working(client, jobs):
        wait_until(lambda: board.stats()["unleased"] == 1)


def test_the_example_client_survives_an_expired_lease(
    client: dict[str, Any], jobs: Any, board: Board
) -> None:
    def late(id: str, payload: str) -> str:
        keep_ticking(board, 59)
        board.tick(now=60)
        return "too late"

    board.push("greet", "world")
    (task,) = board.pop("greet", lease=0.001, now=1)
    fields = {"id": task.id, "token": task.token, "payload": "world", "options": "", "attempt": 1}
    client["attempt"](jobs, fields, late, 30)
    assert board.stats()["stale"] == 1


def test_the_client_knows_the_read_only_commands(client: dict[str, Any]) -> None:
    reads = {name for name, command in commands().items() if command.only_reads}
    assert client["READS"] == reads
    named = re.search(r"They\s+are\s+`([A-Z\s]+)`", TEXT)
    assert named and set(named[1].split()) == reads


def test_the_table_has_every_command() -> None:
    table = TEXT.split("<!-- generated: commands -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| (J[A-Z]+)(?:, (J[A-Z]+))?( \*)? \|", table, re.MULTILINE)
    found = {name: bool(star) for *names, star in rows for name in names if name}
    assert found.pop("JVERSION")
    assert found == {name: command.only_reads for name, command in commands().items()}


def test_the_names_to_check_are_in_their_partitions() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\d+) \| (\d+) \| (\d+) \|", TEXT, re.MULTILINE)
    assert len(rows) > 5
    for name, crc16, of_4, of_16 in rows:
        assert [int(crc16), int(of_4), int(of_16)] == [
            crc_hqx(name.encode(), 0),
            *(Places(count).of_job(name) for count in (4, 16)),
        ]


def test_every_command_has_a_rule_on_the_page() -> None:
    table = TEXT.split("<!-- rules -->")[1].split("<!-- end of rules -->")[0]
    first = re.findall(r"^\| ((?:J[A-Z]+ ?)+)\|", table, re.MULTILINE)
    names = [name for row in first for name in row.split()]
    assert sorted(names) == sorted({*RULES, "JINBOX", "JOUTBOX"})


def test_filters_and_options_match_the_commands(board: Board) -> None:
    filters = re.search(r"\*\*Filters of JTASKS\*\*(.*?)\n\n", TEXT, re.DOTALL)
    assert filters
    named = set(re.findall(r"`([a-z-]+)(?: 1)?`", filters[1]))
    assert named == set(re.findall(r"\[([a-z-]+) ", HEADERS["JTASKS"])) - {"now"}
    options = re.search(r"\*\*Options of JACK\*\*(.*?)\n\n\S", TEXT, re.DOTALL)
    assert options
    for name in re.findall(r"^\| `([a-z]+)", options[1], re.MULTILINE):
        with pytest.raises(StaleError):
            board.ack("no-token", "retry", **{name: "{}" if name == "data" else 1})


def test_the_usage_on_the_page_works(client: dict[str, Any], home: Board, url: str) -> None:
    home.commands.load()
    # The page means the Redis on this machine.
    here = SimpleNamespace(Redis=partial(redis.Redis.from_url, url))
    names = client | {"redis": here, "threading": threading}
    thread = threading.Thread(target=exec, args=(USE, names))
    thread.start()
    wait_until(lambda: home.stats()["done"] == 1)
    names["stopped"].set()
    thread.join()
    (entry,) = home.history(job="hello")
    assert entry["note"] == "hello, world"


@pytest.mark.parametrize("case", ORDINARY, ids=lambda case: str(case["name"]))
def test_the_example_client_conforms(case: dict[str, Any], jobs: Any, board: Board) -> None:
    board.client.response_callbacks.clear()
    Player(jobs.call, board.client.execute_command, board.keys.tag).play(case["steps"])


def test_the_example_case_is_a_real_case(board: Board) -> None:
    assert EXAMPLE
    found = json.loads(EXAMPLE[0])
    Player(board.commands.call, board.client.execute_command, board.keys.tag).play(found["steps"])


def test_links_are_valid() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
