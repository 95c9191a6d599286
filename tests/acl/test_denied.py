"""Denied calls fail before the first write, with one sentence that names the command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AgainError, AsyncBoard, Board, DeniedError, Outcome, Worker
from jobs_core.engine import commands, zones
from tests.acl.conftest import Users, commit_a_file
from tests.helpers import Jobs, runner


def everything(board: Board) -> dict[str, Any]:
    """Return everything of the board except wake tokens: a stopping worker passes its own on."""
    keys = board.client.keys(f"{board.keys.tag}:*")
    return {key: board.client.dump(key) for key in keys if not key.startswith(board.keys.wake)}


def failed(result: Any, *says: str) -> None:
    """The command failed, with one sentence on standard error."""
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for words in says:
        assert words in result.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("put c echo x", "This user may not call JSET on {"),
        ("put c echo x --zone Asia/Tokyo --cron @daily", "`jobs acl client` prints the permissions to grant"),
        ("pause a", "JPAUSE"),
        ("push a", "JPUSH"),
        ("cancel {queued}", "JCANCEL"),
        ("remove a", "JDEL"),
        ("ack {token}", "JACK"),
        ("dead retry {dead}", "JDEAD"),
        ("limit queue other --rate 5/1m", "`jobs acl admin`"),
        ("trim other", "JTRIM"),
        ("run --runner shell", "`jobs acl worker`"),
        ("tick --once", "JTICK"),
        ("init", "`jobs acl admin`"),
    ],
)
def test_a_viewer_changes_nothing(
    board: Board,
    users: Users,
    busy: dict[str, str],
    jobs_as: Callable[[str], Jobs],
    command: str,
    says: str,
) -> None:
    before = everything(board)
    failed(jobs_as(users.add("viewer"))(*(word.format(**busy) for word in command.split())), says)
    assert everything(board) == before
    assert users.denied() == []  # it was not sent


FILE = "jobs: {backup: {runner: shell, payload: echo hi, every: 1h}}"


def test_a_board_file_is_not_blamed_for_a_denial(
    board: Board, users: Users, jobs_as: Callable[[str], Jobs], tmp_path: Path
) -> None:
    file = tmp_path / "nightly.yml"
    file.write_text(FILE)
    failed(jobs_as(users.add("worker"))("board", "apply", str(file)), "This user may not call JSTAGE")
    assert board.count()["jobs"] == 0


def test_a_viewer_checks_board_files_as_without_redis(
    users: Users, jobs_as: Callable[[str], Jobs], tmp_path: Path
) -> None:
    file = tmp_path / "nightly.yml"
    file.write_text(FILE)
    checked = jobs_as(users.add("viewer"))("board", "check", str(file))
    assert checked.exit_code == 0, checked.stderr
    assert "options are not checked: This user may not call J" in checked.stderr
    file.write_text(FILE.replace("runner: shell", "runner: http"))
    assert jobs_as(users.add("viewer"))("board", "check", str(file)).exit_code == 2


class TestOneCommandIsMissing:
    """The user may call JACK but not XADD, which it runs: JACK would stop half-way."""

    SAYS = r"^This user may not run XADD on {test-\d+}:\*, which JACK needs: `jobs acl client` prints"

    def test_a_denied_call_writes_nothing(self, board: Board, users: Users, busy: dict[str, str]) -> None:
        other = Board(board.name, users.add("worker", "-xadd"))
        before = everything(board)
        with pytest.raises(DeniedError, match=self.SAYS):
            other.ack(busy["token"])
        assert everything(board) == before
        assert users.denied() == []
        other.client.close()

    def test_a_call_is_denied_after_a_permission_is_revoked(
        self, board: Board, users: Users, busy: dict[str, str]
    ) -> None:
        other = Board(board.name, users.add("worker"))
        other.count()
        users.change("-xadd")
        with pytest.raises(DeniedError, match=self.SAYS):  # Redis 7.0 only says "a command"
            other.ack(busy["token"])
        other.client.close()

    def test_a_call_succeeds_after_a_permission_is_granted(
        self, board: Board, users: Users, busy: dict[str, str]
    ) -> None:
        other = Board(board.name, users.add("worker", "-xadd"))
        other.count()
        users.change("+xadd")
        assert other.ack(busy["token"])
        other.client.close()

    def test_denied_calls_write_nothing_with_asyncio(
        self, board: Board, users: Users, busy: dict[str, str]
    ) -> None:
        before = everything(board)

        async def body() -> None:
            async with AsyncBoard(board.name, users.add("worker", "-xadd")) as other:
                with pytest.raises(DeniedError, match=self.SAYS):
                    await other.ack(busy["token"])

        asyncio.run(body())
        assert everything(board) == before
        assert users.denied() == []

    def test_a_worker_without_permissions_does_not_start(self, board: Board, users: Users) -> None:
        for change, says in (("-xadd", "XADD"), ("-blpop", "BLPOP"), ("-fcall", "JACK")):
            other = Board(board.name, users.add("worker", change), validate=False)
            worker = Worker(other, [runner(lambda task, context: Outcome.done())])
            with pytest.raises(DeniedError, match=f"^This user may not (run|call) {says}"):
                worker.run()
            other.client.close()
        assert users.denied() == []

    def test_init_refuses_before_it_writes(
        self, board: Board, users: Users, jobs_as: Callable[[str], Jobs]
    ) -> None:
        board.client.delete(*board.client.keys(f"{board.keys.tag}:*"), "none")
        call = jobs_as(users.add("admin", "-xadd"))
        failed(call("init"), f"This user may not run XADD on {board.keys.tag}:*, which JACK needs")
        assert set(everything(board)) <= {board.keys.commands}
        assert users.denied() == []

    def test_doctor_reports_missing_permissions(self, users: Users, jobs_as: Callable[[str], Jobs]) -> None:
        result = jobs_as(users.add("worker", "-xadd"))("doctor")
        assert result.exit_code == 1
        assert "✗ permissions: " in result.stdout
        assert ": This user may not run XADD on {" in result.stdout
        assert users.denied() == []

    @pytest.mark.parametrize("change", ["-get", "-hget", "resetkeys"])
    def test_a_reader_gets_the_same_error(
        self, users: Users, jobs_as: Callable[[str], Jobs], change: str
    ) -> None:
        call = jobs_as(users.add("viewer", change))
        named = "keys of this board" if change == "resetkeys" else change[1:].upper()
        failed(call("show", "a"), "This user may not ", named, "`jobs acl")
        assert jobs_as(users.add("viewer", change))("doctor").exit_code == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PATIENCE", 0.01)
    monkeypatch.setattr(zones, "PATIENCE", 0.01)


@pytest.fixture
def soon(board: Board) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Do something a moment later, while the test waits."""
    timers: list[threading.Timer] = []

    def later(function: Callable[[], object]) -> None:
        timers.append(threading.Timer(0.3, function))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join()


class TestReadsNeedNoWrites:
    """While a board file is rolled forward, or a zone table is missing, a reader waits for a writer."""

    def test_a_viewer_waits_while_a_file_is_applied(
        self,
        board: Board,
        users: Users,
        jobs_as: Callable[[str], Jobs],
        soon: Callable[[Callable[[], object]], None],
    ) -> None:
        call = jobs_as(users.add("viewer"))
        commit_a_file(board)
        soon(board.commands.finish_apply)
        assert "filed" in call("list").stdout
        assert users.denied() == []

    def test_a_viewer_waits_with_asyncio(
        self, board: Board, users: Users, soon: Callable[[Callable[[], object]], None]
    ) -> None:
        async def body() -> None:
            async with AsyncBoard(board.name, users.add("viewer")) as viewer:
                commit_a_file(board)
                soon(board.commands.finish_apply)
                assert (await viewer.show("filed"))["id"] == "filed"

        asyncio.run(body())
        assert users.denied() == []

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("command", ["list", "show filed", "count", "next filed", "graph"])
    def test_a_viewer_fails_if_nobody_finishes_the_file(
        self, board: Board, users: Users, jobs_as: Callable[[str], Jobs], command: str
    ) -> None:
        call = jobs_as(users.add("viewer"))
        commit_a_file(board)
        failed(call(*command.split()), "A board file is still being applied")
        assert users.denied() == []
        with pytest.raises(AgainError):
            Board(board.name, users.add("viewer")).count()

    def test_a_viewer_waits_while_zones_are_loaded(
        self,
        board: Board,
        users: Users,
        jobs_as: Callable[[str], Jobs],
        soon: Callable[[Callable[[], object]], None],
    ) -> None:
        board.client.delete(board.keys.zones)
        soon(lambda: zones.load(board.commands))
        result = jobs_as(users.add("viewer"))("next", "--cron", "@daily", "--zone", "Asia/Tokyo")
        assert result.exit_code == 0, result.output
        assert users.denied() == []

    @pytest.mark.usefixtures("impatient")
    def test_a_viewer_fails_if_nobody_loads_zones(
        self, board: Board, users: Users, jobs_as: Callable[[str], Jobs]
    ) -> None:
        board.client.delete(board.keys.zones)
        result = jobs_as(users.add("viewer"))("next", "--cron", "@daily", "--zone", "Asia/Tokyo")
        failed(
            result,
            "the board has no time zones yet: run `jobs init` on the primary, as a user with the role client",
        )
        assert users.denied() == []

    def test_zones_of_another_version_are_sufficient(
        self, board: Board, users: Users, jobs_as: Callable[[str], Jobs]
    ) -> None:
        board.client.set(f"{board.keys.zones}:version", "2000a")
        result = jobs_as(users.add("viewer"))("next", "--cron", "@daily", "--zone", "Asia/Tokyo")
        assert result.exit_code == 0, result.output
        assert users.denied() == []

    def test_a_viewer_of_a_missing_board_does_not_create_it(
        self, url: str, users: Users, jobs_as: Callable[[str], Jobs]
    ) -> None:
        """A viewer of a new board does not try to create it."""
        other = Board("nobody-made-this", url, validate=False)
        path = Users(other, url).add("viewer")
        call = jobs_as(path)
        assert call("list", "--board", other.name).exit_code == 0
        assert users.denied() == []
        assert everything(other) == {}
        other.client.acl_deluser(f"{other.name}-viewer")
