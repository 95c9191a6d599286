"""Users with a role, created with the line that `jobs acl` prints, on every available server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs_core import Board, Outcome
from jobs_core.cli import cli
from tests.helpers import Jobs, runner, working


@pytest.fixture(scope="session", params=["valkey", "redis"])
def url(request: pytest.FixtureRequest, url: str) -> str:
    """The URL of a private server: the shared one, then one of redis-server."""
    return url if request.param == "valkey" else str(request.getfixturevalue("other_url"))


class Users:
    """Creates users with the roles of a board, and reads what Redis has denied them."""

    def __init__(self, board: Board, url: str) -> None:
        self._board = board
        self._url = url
        self.names: list[str] = []

    def add(self, role: str, *changes: str) -> str:
        """Create a user with a role and changes to its rules. Returns its URL."""
        user = f"{self._board.name}-{role}"
        self._board.client.execute_command("ACL", "SETUSER", user, *self.rules(role), *changes)
        self._board.client.acl_log_reset()
        self.names.append(user)
        return f"{self._url}?username={user}&password=secret"

    def rules(self, role: str) -> list[str]:
        """The rules of a role, as `jobs acl` prints them, with a password."""
        words = ("acl", role, "--json", "--url", self._url, "--board", self._board.name)
        made = CliRunner().invoke(cli, words, prog_name="jobs")
        assert made.exit_code == 0, made.output
        return [rule.replace("PASSWORD", "secret") for rule in json.loads(made.stdout)["rules"]]

    def change(self, *rules: str) -> None:
        """Change the rules of the latest user."""
        self._board.client.execute_command("ACL", "SETUSER", self.names[-1], *rules)

    def denied(self) -> list[str]:
        """Return what Redis has denied since the last user was created."""
        return [entry["object"] for entry in self._board.client.acl_log()]


def commit_a_file(board: Board) -> None:
    """Commit a board file of one job, without rolling it forward."""
    stage = board.commands.call("JAPPLY", "begin")
    board.commands.call("JSTAGE", stage, "board.yml", "put", 5, "filed", "echo", "x", "every", 5)
    board.commands.call("JAPPLY", "commit", stage, "board.yml")


@pytest.fixture
def users(board: Board, url: str) -> Iterator[Users]:
    board.init()  # permitted users create what a board needs
    board.client.acl_log_reset()
    found = Users(board, url)
    yield found
    board.client.acl_deluser(*found.names, "nobody")


@pytest.fixture
def busy(board: Board) -> dict[str, str]:
    """Create jobs, an ended task with output, a dead letter, a leased task and a queued one."""
    board.put("a", "echo", "x", cron="0 3 * * *", zone="Europe/Brussels")
    board.put("b", "echo", "x", after=["a"])
    board.limit("runner", "other", concurrency=5)
    board.alert_put("ops", "echo", "x", when=["failed", "late 1d"])

    def fail(task: Any, context: Any) -> Outcome:
        context.line("hello")
        return Outcome.failed("as you wish") if task.payload == "fail" else Outcome.done()

    with working(board, runner(fail, "echo"), tick=False) as log:
        done = board.push("echo", "ok", keep="1h")
        dead = board.push("echo", "fail")
        log[1].wait_for("task.finished", 2)
    board.push("other", "held")
    (held,) = board.pop("other", lease=600)
    return {"done": done, "dead": dead, "token": held.token, "queued": board.push("other", "queued")}


@pytest.fixture
def jobs_as(board: Board) -> Callable[[str], Jobs]:
    """Call `jobs` in this process as another user: jobs_as(url)("list")."""

    def calls(url: str) -> Jobs:
        def call(*words: str, input: str | None = None) -> Result:
            environment = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
            return CliRunner().invoke(cli, words, input=input, prog_name="jobs", env=environment)

        return call

    return calls
