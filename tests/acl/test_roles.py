"""Permitted calls of a role work without entries in Redis's ACL LOG, on the command line and in Python."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Board, Outcome
from jobs_core.cli import cli
from jobs_core.engine.roles import ROLE_NAMES
from tests.acl.conftest import Users, commit_a_file
from tests.helpers import Jobs, runner, working

READS = [
    *("list", "list --label x=1 --failing", "list --late", "list --running", "list --paused", "labels"),
    *("list --json", "show a", "next a", "next --cron 0_3_*_*_* --zone Asia/Tokyo", "next --every 5"),
    *(
        "count",
        "stats",
        "stats --job a",
        "tasks",
        "tasks --state leased --json",
        "changes",
        "changes a",
        "history",
        "history {done}",
    ),
    *("dead list", "dead show {dead}", "output {done}", "output {done} --follow", "graph", "graph a"),
    "lint --ignore no-timeout",
    *(
        "runs a",
        "top",
        "top --json",
        "metrics --per-job",
        "logs {done}",
        "why a",
        "why {done}",
        "limit",
        "workers",
        "forecast --days 0.1",
        "retention",
        "dump",
        "export crontab",
        "board export",
        "doctor",
        "doctor --ledger",
        "acl viewer",
    ),
    *("alert list --job a", "alert list --json", "alert show ops", "alert open", "alert digest"),
]
CHANGES = [
    *(
        "put c echo x --every 5 --label x=1",
        "put z echo x --cron 0_4_*_*_* --zone Asia/Tokyo",
        "create d echo x",
        "edit d --timeout 9",
    ),
    *(
        "pause c",
        "pause c --for 2h --because moving",
        "resume c",
        "push c",
        "push echo later --in 1h",
        "cancel {queued}",
        "cancel --label x=2",
        "remove d",
    ),
    *("backfill a --from 2026-01-01 --to 2026-01-02 --detach", "backfill cancel 1"),
    "alert put late echo x --when late_10m --quiet 1:00-2:00 --zone Asia/Tokyo",
    *("alert test late", "alert remove late"),
    *("ack {token} --progress 40", "ack {token}", "dead retry {dead}", "dead purge --all"),
    *(
        "lint {file} --ignore no-timeout",
        "board diff {file}",
        "board apply {file}",
        "board apply {file} --prune",
        "import crontab {crontab}",
    ),
]
WORKING = ["tick --once", "ack {token} --progress 40", "ack {token} --failed"]
ADMIN = ["init", "retention dead-age 30d", "limit queue other --rate 5/1m", "trim other", "tick --once"]

MAY = {
    "viewer": READS,
    "client": [*READS, *CHANGES],
    "worker": [*READS, *WORKING],
    "admin": [*READS, *CHANGES, *ADMIN],
}


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_command_of_a_role_works_and_nothing_is_denied(
    role: str, users: Users, busy: dict[str, str], jobs_as: Callable[[str], Jobs], tmp_path: Path
) -> None:
    file = tmp_path / "board.yml"
    file.write_text("jobs:\n  filed: {runner: echo, payload: x, every: 5}\n")
    crontab = tmp_path / "crontab"
    crontab.write_text("5 4 * * * /bin/true\n")
    names = busy | {"file": str(file), "crontab": str(crontab)}
    call = jobs_as(users.add(role))
    for command in MAY[role]:
        result = call(*(word.replace("_", " ").format(**names) for word in command.split()))
        assert result.exit_code == 0, (command, result.output)
        assert users.denied() == [], command


def test_every_command_that_calls_redis_is_tried_in_some_role() -> None:
    tried = {command.split()[0] for commands in MAY.values() for command in commands}
    alone = {
        "completion",
        "explain",
        "plugin",
        "plugins",
        "service",
        "settings",
        "up",
        "breaker",
        "notify",
        "web",
    }
    by_a_worker = {"run", "respond"}  # see test_a_worker_runs_a_task
    as_put_does = {"load"}
    of_plugins = {"metrics"}  # which are there once another test has loaded them
    assert set(cli.commands) - alone - by_a_worker - as_put_does - of_plugins == tried - of_plugins


def test_doctor_names_the_roles_of_a_user(users: Users, jobs_as: Callable[[str], Jobs]) -> None:
    for role in ("viewer", "client", "worker"):
        assert f"roles of this user: {'' if role == 'viewer' else 'viewer, '}{role}\n" in (
            jobs_as(users.add(role))("doctor").stdout
        )
    assert (
        "roles of this user: viewer, client, worker, admin\n" in jobs_as(users.add("admin"))("doctor").stdout
    )


def test_a_viewer_reads_with_the_client(board: Board, users: Users, busy: dict[str, str]) -> None:
    viewer = Board(board.name, users.add("viewer"))
    assert viewer.show("a")["id"] == "a"
    assert {job["id"] for job in viewer.list()} == {job["id"] for job in viewer.dump() if "id" in job}
    for order in ("id", "next"):
        assert {job["id"] for job in viewer.list(sort=order)} == {"a", "b"}
    assert len(viewer.next("a", count=2)) == 2
    assert len(viewer.next(cron="@daily", zone="Asia/Tokyo")) == 1
    assert viewer.when("b")["after"] == ["a"]
    assert viewer.stats()["due"] == viewer.top().ledger["due"] == 4
    assert viewer.stats("a")["due"] == 0
    assert [task["id"] for task in viewer.dead()] == [busy["dead"]]
    assert len(list(viewer.tasks())) == 2
    assert next(viewer.history())["task"] in (busy["done"], busy["dead"])
    assert [entry.get("line") for entry in viewer.output(busy["done"])] == ["hello", None]
    assert len(list(viewer.limits())) == 1
    assert users.denied() == []
    viewer.client.close()


def test_a_viewer_reads_with_asyncio(board: Board, users: Users, busy: dict[str, str]) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, users.add("viewer")) as viewer:
            assert (await viewer.show("a"))["id"] == "a"
            for order in ({}, {"sort": "id"}, {"sort": "next"}):
                assert {job["id"] async for job in viewer.list(**order)} == {"a", "b"}
            assert len(await viewer.next(cron="@daily", zone="Asia/Tokyo")) == 1
            assert (await viewer.count())["dead"] == 1
            assert (await viewer.when("b"))["after"] == ["a"]
            assert (await viewer.stats("a"))["due"] == 0
            assert len([task async for task in viewer.tasks()]) == 2
            assert len([entry async for entry in viewer.history()]) > 1
            assert len([entry async for entry in viewer.output(busy["done"])]) == 2
            assert len([limit async for limit in viewer.limits()]) == 1

    asyncio.run(body())
    assert users.denied() == []


def test_a_viewer_dumps_a_ledger_and_only_an_admin_loads_one(
    board: Board, users: Users, busy: dict[str, str], jobs_as: Callable[[str], Jobs]
) -> None:
    board.ack(busy["token"])
    dumped = jobs_as(users.add("viewer"))("dump", "--ledger")
    assert dumped.exit_code == 0, dumped.output
    result = jobs_as(users.add("client"))("load", input=dumped.stdout)
    assert "This user may not call JLOAD" in result.stderr
    result = jobs_as(users.add("admin"))("load", input=dumped.stdout)
    assert "has a ledger of its own" in result.stderr
    assert users.denied() == []


def test_a_client_changes_the_board_with_asyncio(board: Board, users: Users, busy: dict[str, str]) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, users.add("client"), validate=False) as client:
            await client.put("c", "echo", "x", every=5)
            await client.pause("c")
            await client.resume("c")
            await client.put_many([{"id": "d", "runner": "echo", "payload": "x"}])
            await client.cancel(await client.push("c"))
            await client.apply([{"id": "f", "runner": "echo", "payload": "x"}], "me")
            await client.remove("c")

    asyncio.run(body())
    assert users.denied() == []


def test_a_worker_runs_a_task(board: Board, users: Users) -> None:
    def run(task: object, context: object) -> Outcome:
        context.line("hello")  # type: ignore[attr-defined]
        return Outcome.done()

    worker = Board(board.name, users.add("worker"), validate=False)
    board.put("tick", "echo", "x", every=1, keep="1h", timeout=60)
    with working(worker, runner(run, "echo")) as (_, log):
        log.wait_for("task.finished", 2)
        waiting = board.push("echo", "x", keep="1h", queue="echo")
        log.wait_for("task.finished", 4)
    assert board.stats()["done"] >= 3
    assert [entry.get("line") for entry in board.output(waiting)] == ["hello", None]
    assert log.of("trouble") == []
    assert users.denied() == []
    worker.client.close()


def test_a_worker_with_the_rules_of_a_client_puts_what_it_declares(board: Board, users: Users) -> None:
    both = Board(board.name, users.add("worker", *users.rules("client")[1:]), validate=False)

    @both.job(every=60)
    def report() -> str:
        return "12 pages"

    both.put_declared()
    with working(both, *both.functions.runners()) as (_, log):
        log.wait_for("task.finished")
    assert users.denied() == []
    both.client.close()


def test_the_breaker_policy_needs_two_more_rules(
    board: Board, users: Users, jobs_as: Callable[[str], Jobs]
) -> None:
    pytest.importorskip("jobs_breaker")
    worker = Board(board.name, users.add("worker", "+evalsha", "+script|load"))
    failing = runner(lambda task, context: Outcome.failed("as you wish"), "console")
    with working(worker, failing) as (_, log):
        board.push("console", "x", policy="breaker", attempts=2, backoff="1s")
        assert log.wait_for("task.finished")
    assert log.of("trouble") == []
    assert jobs_as(users.add("viewer", "+scan"))("breaker", "list").exit_code == 0
    assert users.denied() == []
    worker.client.close()


def test_a_worker_finishes_a_board_file_and_updates_zones(board: Board, users: Users) -> None:
    worker = Board(board.name, users.add("worker"), validate=False)
    board.client.set(f"{board.keys.zones}:version", "2000a")
    commit_a_file(board)
    with working(worker, runner(lambda task, context: Outcome.done(), "echo")) as (_, log):
        log.wait_for("task.finished")
    assert worker.refresh_zones() is False
    assert users.denied() == []
    worker.client.close()
