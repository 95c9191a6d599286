"""Replicas, full servers and wrong passwords: reads work if possible; other calls fail with one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from jobs_core import Board
from tests.acl.conftest import Users
from tests.acl.test_denied import failed
from tests.acl.test_roles import READS
from tests.helpers import Jobs


def become_replica(board: Board) -> None:
    """Make the server a replica of an unreachable primary."""
    board.client.replicaof("127.0.0.1", "1")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not wait for the replica to become a primary."""
    monkeypatch.setattr("jobs_core.engine.connections.RETRY_FOR", 0.0)


@pytest.fixture
def primary_again(board: Board) -> Iterator[None]:
    yield
    board.client.replicaof("NO", "ONE")


@pytest.mark.usefixtures("primary_again")
@pytest.mark.parametrize("role", ["viewer", None])
def test_every_read_works_on_a_replica(
    role: str | None,
    board: Board,
    url: str,
    users: Users,
    busy: dict[str, str],
    jobs_as: Callable[[str], Jobs],
) -> None:
    call = jobs_as(users.add(role) if role else url)
    become_replica(board)
    for command in READS:
        result = call(*(word.replace("_", " ").format(**busy) for word in command.split()))
        assert result.exit_code == 0, (command, result.output)
    assert users.denied() == []


@pytest.mark.usefixtures("primary_again")
@pytest.mark.parametrize("command", ["put c echo x --every 5", "pause a", "run --runner shell", "init"])
def test_a_change_on_a_replica_fails_with_one_sentence(
    command: str, board: Board, url: str, users: Users, busy: dict[str, str], jobs_as: Callable[[str], Jobs]
) -> None:
    become_replica(board)
    where = url.removeprefix("unix://")
    failed(jobs_as(url)(*command.split()), f"{where} is a read-only replica. Connect to its primary.")


@pytest.mark.usefixtures("primary_again")
@pytest.mark.parametrize("command", ["list", "doctor", "show a"])
def test_a_replica_without_functions_fails_with_one_sentence(
    command: str, board: Board, url: str, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    board.client.function_flush()
    become_replica(board)
    failed(jobs_as(url)(*command.split()), "is a read-only replica", "Run `jobs init` on its primary")


@pytest.mark.usefixtures("primary_again")
def test_doctor_reports_once_that_this_is_a_replica(
    board: Board, url: str, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    become_replica(board)
    printed = jobs_as(url)("doctor").stdout
    assert f"{url.removeprefix('unix://')} is a read-only replica of 127.0.0.1:1" in printed
    assert printed.count("read-only replica") == 1


def test_a_reader_without_the_functions_is_told_so(
    board: Board, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    call = jobs_as(users.add("viewer"))
    board.client.function_flush()
    failed(call("list"), "this user may not load them. Run `jobs init` as a user with the role admin")
    board.init()


@pytest.mark.parametrize("command", ["doctor", "list", "history", "put c echo x", "acl viewer"])
def test_a_wrong_password_fails_with_one_sentence(
    command: str, url: str, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    wrong = users.add("viewer").replace("secret", "guess")
    result = jobs_as(wrong)(*command.split())
    failed(result, f"{url.removeprefix('unix://')} rejected the user name or password")
    assert "guess" not in result.output


def test_doctor_reports_once_that_the_server_is_full(
    board: Board, url: str, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    board.client.config_set("maxmemory", 1)
    try:
        result = jobs_as(url)("doctor")
        refused = jobs_as(url)("put", "c", "console", "x")
    finally:
        board.client.config_set("maxmemory", 0)
    where = url.removeprefix("unix://")
    assert result.exit_code == 1
    (problem,) = (line for line in result.stdout.splitlines() if line.startswith("✗"))
    assert problem.startswith(
        f"✗ memory: {where} is out of memory: it rejects new jobs and tasks — raise maxmemory"
    )
    failed(refused, f"{where} is out of memory. Raise its maxmemory")


def test_doctor_reports_once_which_command_is_denied_and_where(
    url: str, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    result = jobs_as(users.add("viewer", "-info"))("doctor")
    assert result.exit_code == 1
    problems = [line for line in result.stdout.splitlines() if line.startswith("✗")]
    assert len(problems) == 1
    where = url.removeprefix("unix://")
    assert f"permissions: {where}: This user may not run INFO on {{" in problems[0]


@pytest.mark.parametrize(
    "command", ["doctor", "list", "put c console x", "push console x", "run", "tick --once"]
)
def test_a_user_with_almost_no_rights_hears_once_what_is_denied_and_where(
    board: Board, url: str, users: Users, jobs_as: Callable[[str], Jobs], command: str
) -> None:
    limited = users.add("viewer", "reset", "on", ">secret", "~*", "+ping", "+hello", "+client")
    result = jobs_as(limited)(*command.split())
    assert result.exit_code == 1
    (sentence,) = [line for line in result.output.splitlines() if "This user may not" in line]
    assert re.search(
        rf"This user may not run [A-Z_]+ at {re.escape(url.removeprefix('unix://'))}: ", sentence
    )
    assert "roles of this user" not in result.output
