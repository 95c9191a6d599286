"""Who changed what: `jobs changes`, `Board.changes` and AsyncBoard's; pauses with an end."""

from __future__ import annotations

import asyncio
import getpass
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, OptionError
from jobs_core.changes import Change
from jobs_core.client import author
from tests.helpers import Jobs, lines, refused

ME = author.default_author()


def test_the_default_author_is_the_user_and_the_host() -> None:
    assert f"{getpass.getuser()}@{socket.gethostname()}" == ME


def test_a_user_without_a_name_on_a_host_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise OSError

    monkeypatch.setattr(getpass, "getuser", fail)
    monkeypatch.setattr(socket, "gethostname", fail)
    assert author.default_author.__wrapped__() == "-@-"


def test_a_strange_name_is_made_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "a\nb\udcff")
    monkeypatch.setattr(socket, "gethostname", lambda: "é" * 200)
    found = author.default_author.__wrapped__()
    assert found.startswith("a?b?@éé")
    assert author.checked_author(found) == found


@pytest.mark.parametrize("by", ["a\nb", "é" * 129, "\udcff"])
def test_a_name_that_redis_would_reject_is_rejected_at_once(url: str, by: str) -> None:
    with pytest.raises(OptionError, match="by: expected at most 256 bytes"):
        Board("x", url, by=by)


def test_the_error_about_a_long_name_is_short(url: str) -> None:
    with pytest.raises(OptionError) as caught:
        Board("x", url, by="b" * 5000)
    assert len(str(caught.value)) < 200


def test_every_change_of_a_board_has_its_author_and_reason(board: Board) -> None:
    ann = Board(board.name, client=board.client, validate=False, by="ann")
    ann.put("a", "echo", "x", every=3600, because="1")
    ann.edit("a", every=7200, because="2")
    ann.pause("a", because="3")
    ann.resume("a", because="4")
    ann.limit("queue", "echo", concurrency=1, because="5")
    task = ann.push("a")
    ann.cancel(task, because="6")
    ann.push("a")
    ann.cancel_job("a", because="7")
    ann.push("a")
    ann.trim("echo", 0, because="8")
    list(ann.put_many([{"id": "b", "runner": "echo", "payload": "x"}], because="9"))
    ann.apply([{"id": "c", "runner": "echo", "payload": "x"}], "me", because="10")
    ann.remove("a", because="11")
    ann.retain(workers="2d")
    found = list(ann.changes())[::-1]
    assert {change.by for change in found} == {"ann"}
    assert [change.because for change in found if change.because] == [str(n) for n in range(1, 12)]
    assert [change.what for change in found] == [
        *("put", "edit", "pause", "resume", "limit", "push", "cancel", "push", "cancel", "push", "trim"),
        *("put", "apply", "remove", "retain"),
    ]


def test_a_limit_of_changes(board: Board, url: str) -> None:
    for every in range(1, 106):
        board.put("a", "echo", "x", every=every)
    assert [change.id for change in board.changes(limit=103)] == [each.id for each in board.changes()][:103]
    assert len(list(board.changes("a", limit=2))) == 2
    with pytest.raises(OptionError, match="limit: expected a whole number above 0, got 0"):
        next(board.changes(limit=0))

    async def body() -> int:
        async with AsyncBoard(board.name, url, validate=False) as other:
            return len([change async for change in other.changes(limit=101)])

    assert asyncio.run(body()) == 101


def test_backfills_are_changes(board: Board, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_BY", "ann")
    board.put("a", "echo", "x", every=3600)
    span = ("--from", "2026-01-01", "--to", "2026-01-02")
    id = jobs("backfill", "a", *span, "--detach", "--because", "late").stdout.strip()
    jobs("backfill", "cancel", id, "--because", "wrong day")
    jobs("backfill", "cancel", id)  # changes nothing
    cancelled, begun, put = board.changes("a")
    assert (begun.what, begun.by, begun.because, begun.target) == (
        "backfill",
        "ann",
        "late",
        f"backfill {id}",
    )
    assert (cancelled.what, cancelled.because, cancelled.jobs) == ("cancel", "wrong day", ("a",))
    assert put.what == "put"
    assert f"backfill {id}: a" in jobs("changes").stdout


def test_backfills_of_an_asyncio_board_are_changes(board: Board, url: str) -> None:
    board.put("a", "echo", "x", every=3600)

    async def body() -> None:
        async with AsyncBoard(board.name, url, validate=False, by="bob") as other:
            begun = await other.backfill("a", "2026-01-01", "2026-01-02", because="1")
            await other.backfill_cancel(begun.id, because="2")

    asyncio.run(body())
    found = list(board.changes())[:2]
    assert [(change.what, change.by, change.because) for change in found] == [
        ("cancel", "bob", "2"),
        ("backfill", "bob", "1"),
    ]


def test_a_change_has_the_job_before_and_after(board: Board) -> None:
    board.put("a", "echo", "x", cron="0 3 * * *")
    board.edit("a", cron="0 4 * * *", payload="y")
    change, first = board.changes("a")
    assert isinstance(change, Change)
    assert (change.by, change.jobs, change.payload_changed) == (ME, ("a",), True)
    assert change.before and change.after and "payload" not in change.before
    assert (change.before["cron"], change.after["cron"]) == ("0 3 * * *", "0 4 * * *")
    assert change.differences == ["cron"] and first.before is None
    change = next(board.changes("a", payload=True))
    assert change.before and change.before["payload"] == "x" and change.differences == ["payload", "cron"]


def test_changes_are_read_a_page_at_a_time(board: Board) -> None:
    for n in range(230):
        board.put("a", "echo", "x", every=n + 1)
    assert [change.after["every"] for change in board.changes() if change.after] == list(range(230, 1, -1))
    newest = next(board.changes())
    assert list(board.changes(from_=newest.time + 1)) == []
    assert len(list(board.changes(to=newest.time + 1))) == 230


def test_the_functions_of_a_program_are_put_by_its_user(board: Board) -> None:
    @board.job(every=60)
    def report() -> None: ...

    board.put_declared()
    assert next(board.changes()).by == ME


def test_asyncio(url: str, board: Board) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, url, validate=False, by="ann") as ann:
            await ann.put("a", "echo", "x", every=3600, because="1")
            await ann.edit("a", every=7200, because="2")
            await ann.pause("a", for_="2h", because="3")
            await ann.resume("a", because="4")
            await ann.limit("queue", "echo", concurrency=1, because="5")
            await ann.cancel(await ann.push("a"), because="6")
            await ann.push("a")
            await ann.cancel_job("a", because="7")
            await ann.push("a")
            await ann.trim("echo", 0, because="8")
            await ann.put_many([{"id": "b", "runner": "echo", "payload": "x"}], because="9")
            await ann.apply([{"id": "c", "runner": "echo", "payload": "x"}], "me", because="10")
            await ann.remove("a", because="11")
            found = [change async for change in ann.changes()][::-1]
            assert {change.by for change in found} == {"ann"}
            assert [change.because for change in found if change.because] == [str(n) for n in range(1, 12)]
            assert [change.what async for change in ann.changes("b")] == ["put"]

    asyncio.run(body())


def test_the_command_shows_who_when_what_and_the_difference(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "secret", "--cron", "0 3 * * *", "--timeout", "1m")
    jobs("edit", "a", "--cron", "0 4 * * *", "--payload", "other", "--because", "it collides")
    jobs("limit", "queue", "mail", "--concurrency", "3")
    limit, edit, put = jobs("changes").stdout.splitlines()[1:]
    assert f"{ME}  edit   a           cron '0 3 * * *' → '0 4 * * *', payload changed  it collides" in edit
    assert "queue:mail  concurrency - → 3" in limit
    assert put.endswith("put    a")
    assert "secret → other" in jobs("changes", "a", "--payload").stdout
    assert "secret" not in jobs("changes", "a").stdout + jobs("changes", "a", "--json").stdout


def test_the_command_prints_json(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    jobs("put", "a", "console", "x", "--every", "2h", "--because", "less")
    jobs("put", "b", "console", "x", "--every", "2h")
    (change,) = lines(jobs("changes", "a", "--json", "--limit", "1"))
    assert (change["what"], change["by"], change["because"], change["jobs"]) == ("put", ME, "less", ["a"])
    assert (change["before"]["every"], change["after"]["every"]) == (3600, 7200)  # type: ignore[index]
    assert change["differences"] == ["every"]


def test_many_jobs_of_a_file_are_one_line(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    file = tmp_path / "board.yml"
    file.write_text(
        "name: web\njobs:\n" + "".join(f"  j{n}: {{runner: console, payload: x}}\n" for n in range(9))
    )
    jobs("board", "apply", str(file), "--because", "release 9")
    (line,) = jobs("changes").stdout.splitlines()[1:]
    assert "apply  web: j0, j1, j2, j3, j4, 4 more" in line and line.endswith("release 9")


def test_an_environment_variable_says_who(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_BY", "deploy-bot")
    jobs("put", "a", "console", "x")
    assert lines(jobs("changes", "--json"))[0]["by"] == "deploy-bot"
    monkeypatch.setenv("JOBS_BY", "a\nb")
    refused(jobs("put", "a", "console", "y"), "by: expected at most 256 bytes")


REASONS: list[tuple[list[str], str]] = [
    (["pause", "a", "--because", "why"], "pause"),
    (["resume", "a", "--because", "why"], "resume"),
    (["cancel", "--job", "a", "--because", "why"], "cancel"),
    (["dead", "retry", "--all", "--because", "why"], "retry"),
    (["dead", "purge", "--all", "--because", "why"], "purge"),
    (["limit", "queue", "q", "--rate", "1/m", "--because", "why"], "limit"),
    (["trim", "console", "--because", "why"], "trim"),
    (["remove", "a", "--because", "why"], "remove"),
    (["create", "b", "console", "x", "--because", "why"], "put"),
]


@pytest.mark.parametrize(("words", "what"), REASONS, ids=[what for _, what in REASONS])
def test_commands_take_a_reason(jobs: Jobs, board: Board, words: list[str], what: str) -> None:
    board.put("a", "console", "x", every=3600)
    if what == "resume":
        board.pause("a")
    if what in ("retry", "purge"):
        board.push("console", "x")
        board.ack(board.pop("console", lease=9)[0].token, "dead")
    if what in ("cancel", "trim"):
        board.push("a")
    assert jobs(*words).exit_code == 0
    change = next(board.changes())
    assert (change.what, change.because) == (what, "why")


def test_a_pause_shows_its_end_and_its_reason(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    jobs("pause", "a", "--until", "2100-01-01T00:00:00Z", "--because", "moving house")
    shown = jobs("show", "a").stdout
    assert "paused-by" in shown and ME in shown and "moving house" in shown and "paused-until" in shown
    (job,) = lines(jobs("list", "--json"))
    assert (job["paused-until"], job["paused-because"]) == (4102444800, "moving house")
    assert "until 2100-01-01" in jobs("changes").stdout
    assert "is paused until 2100-01-01" in jobs("edit", "a", "--timeout", "5").stdout
    refused(jobs("pause", "a", "--for", "soon"), "for: ")
    refused(jobs("pause", "a", "--until", "2001-01-01"), "until: expected a time that is yet to come")


def test_an_exported_board_has_no_state_of_a_pause(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x", every=3600)
    board.pause("a", for_="2h", because="moving")
    exported = jobs("board", "export").stdout
    assert "paused: true" in exported and "paused-" not in exported and "moving" not in exported


def test_editing_a_paused_job_as_text_keeps_its_pause(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.put("a", "console", "x", every=3600)
    board.pause("a", for_="2h", because="moving")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/1h/3h/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    before = board.show("a")
    assert jobs("edit", "a", "--because", "less").exit_code == 0
    after = board.show("a")
    assert after == before | {"every": 10800, "etag": after["etag"]}
    assert next(board.changes()).because == "less"


def test_help_imports_no_more_for_it() -> None:
    program = "import sys, jobs_core.cli; sys.exit('jobs_core.client.author' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_dump_and_a_load_keep_a_pause_that_ends(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x", every=3600)
    board.pause("a", for_="2h", because="moving")
    before: dict[str, Any] = board.show("a")
    dumped = jobs("dump").stdout
    board.remove("a")
    assert jobs("load", input=dumped).exit_code == 0
    assert board.show("a") == before
