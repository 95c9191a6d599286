"""`jobs edit`, and the same in Python: change some options of a job, or open it in an editor."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Board, ConflictError, NotFoundError, OptionError, PayloadError
from tests.helpers import Jobs, lines, refused


def test_an_edit_changes_what_it_names(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x", "--every", "1h", "--timeout", "20", "--description", "old")
    assert jobs("edit", "a", "--timeout", "30", "--unset", "description").stdout.startswith("a: next run ")
    found = board.show("a")
    assert (found["timeout"], found["every"], "description" in found) == (30, 3600, False)


def test_an_edit_prints_the_job_as_json(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    (job,) = lines(jobs("edit", "a", "--payload", "y", "--json"))
    assert (job["payload"], job["every"]) == ("y", 3600)


def test_what_cannot_be_edited_is_one_sentence(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x")
    refused(jobs("edit", "b", "--timeout", "5"), "there is no job 'b'")
    refused(jobs("edit", "a", "--unset", "evry"), "unknown option 'evry' (did you mean 'every'?)")
    refused(jobs("edit", "a", "--every", "soon"), "every: expected a duration")


def editor(folder: Path, script: str) -> str:
    """An editor that applies a sed script to the file."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\nsed -i '{script}' \"$1\"\n")
    path.chmod(0o755)
    return str(path)


def test_without_options_a_job_opens_in_an_editor(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs("put", "a", "console", "x", "--every", "1h", "--timeout", "20")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor(tmp_path, "s/timeout: .*/attempts: 4/"))
    assert jobs("edit", "a").stdout.startswith("a: next run ")
    found = board.show("a")
    assert (found["attempts"], found["every"], "timeout" in found) == (4, 3600, False)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("s/every: .*/every: soon/", "every: expected a duration"),
        ("s/  a:/  b:/", "Keep the job's id, 'a'"),
        ("s/every:/evry:/", "line 5:5: unknown key 'evry'"),
    ],
)
def test_a_mistake_in_the_editor_changes_nothing(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    before = board.show("a")
    monkeypatch.setenv("VISUAL", editor(tmp_path, script))
    result = jobs("edit", "a", input="n\n")
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert board.show("a") == before


def test_an_editor_that_changes_nothing_leaves_the_job(
    jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    before = board.show("a")
    monkeypatch.setenv("VISUAL", "true")
    assert jobs("edit", "a").stdout == "a: not changed\n"
    assert board.show("a") == before


def test_python_edits_a_job(board: Board) -> None:
    board.put("a", "console", "x", every=60, timeout=20, description="old")
    due = board.edit("a", payload={"k": 1}, timeout="30s", unset=["description"])
    found = board.show("a")
    assert (found["payload"], found["timeout"], "description" in found) == ('{"k":1}', 30, False)
    assert due is not None and due.timestamp() == found["next"]
    with pytest.raises(NotFoundError):
        board.edit("b", timeout=1)


def test_asyncio_edits_a_job(board: Board, url: str) -> None:
    board.put("a", "console", "x", every=60)

    async def edit() -> None:
        async with AsyncBoard(board.name, url, validate=False) as found:
            await found.edit("a", cron="@daily", unset=["start"])

    asyncio.run(edit())
    found = board.show("a")
    assert (found["cron"], "every" in found) == ("@daily", False)


def test_an_edit_is_checked_like_a_put(board: Board, url: str) -> None:
    with Board(board.name, url) as checked:
        checked.put("a", "shell", "date")
        with pytest.raises(PayloadError, match="unknown key"):
            checked.edit("a", payload={"nonsense": 1})
        with pytest.raises(OptionError):
            checked.edit("a", timeout="long")
        assert checked.show("a")["payload"] == "date"


def test_python_changes_only_the_version_that_was_read(board: Board) -> None:
    board.put("a", "console", "x", every=60)
    read = board.show("a")["etag"]
    board.edit("a", timeout=9, if_match=read)
    for change in (
        lambda: board.put("a", "console", "y", if_match=read),
        lambda: board.edit("a", timeout=8, if_match=read),
        lambda: board.pause("a", if_match=read),
        lambda: board.resume("a", if_match=read),
        lambda: board.remove("a", if_match=read),
    ):
        with pytest.raises(ConflictError, match="has changed since you read it: read it again"):
            change()
    assert board.show("a")["timeout"] == 9
    assert board.pause("a", if_match=board.show("a")["etag"])
    board.resume("a", if_match=board.show("a")["etag"])
    board.put("a", "console", "y", if_match=board.show("a")["etag"])
    assert board.remove("a", if_match=board.show("a")["etag"]) == 1
    with pytest.raises(NotFoundError):
        board.remove("a", if_match=read)


def test_asyncio_changes_only_the_version_that_was_read(board: Board, url: str) -> None:
    board.put("a", "console", "x", every=60)
    read = board.show("a")["etag"]

    async def change() -> None:
        async with AsyncBoard(board.name, url, validate=False) as found:
            await found.edit("a", timeout=9, if_match=read)
            for call in (
                found.put("a", "console", "y", if_match=read),
                found.edit("a", timeout=8, if_match=read),
                found.pause("a", if_match=read),
                found.resume("a", if_match=read),
                found.remove("a", if_match=read),
            ):
                with pytest.raises(ConflictError):
                    await call
            assert await found.remove("a", if_match=(await found.show("a"))["etag"]) == 1

    asyncio.run(change())


def test_the_command_line_changes_only_the_version_that_was_read(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    (shown,) = lines(jobs("show", "a", "--json"))
    assert shown["etag"] not in jobs("show", "a").stdout
    assert jobs("edit", "a", "--timeout", "9", "--if-match", shown["etag"]).exit_code == 0
    says = "the job 'a' has changed since you read it: read it again"
    refused(jobs("edit", "a", "--timeout", "8", "--if-match", shown["etag"]), says)
    refused(jobs("put", "a", "console", "y", "--if-match", shown["etag"]), says)
    refused(jobs("put", "-S", "--if-match", shown["etag"], input=""), "--if-match is about one job")
    assert (board.show("a")["timeout"], board.show("a")["payload"]) == (9, "x")


@pytest.mark.parametrize(("answer", "code", "payload"), [("n", 2, "theirs"), ("y", 0, "mine")])
def test_an_editor_asks_before_it_replaces_what_others_changed(
    jobs: Jobs, board: Board, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    answer: str, code: int, payload: str,
) -> None:  # fmt: skip
    jobs("put", "a", "console", "x")
    other = "from jobs_core import Board; Board('{}', '{}', validate=False).edit('a', payload='theirs')"
    script = editor(tmp_path, "s/payload: .*/payload: mine/")
    with Path(script).open("a") as file:
        file.write(f'{sys.executable} -c "{other.format(board.name, url)}"\n')
    monkeypatch.setenv("VISUAL", script)
    result = jobs("edit", "a", input=f"{answer}\n")
    assert (result.exit_code, board.show("a")["payload"]) == (code, payload)
    assert "has changed since you read it" in result.stderr


def test_what_is_exported_has_no_etag(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x", every=3600)
    (dumped,) = lines(jobs("dump"))
    assert "etag" not in dumped
    exported = jobs("board", "export")
    assert (exported.exit_code, "etag" in exported.stdout) == (0, False)
    before = board.show("a")
    board.remove("a")
    assert [reply for reply in board.load([dumped]) if isinstance(reply, Exception)] == []
    assert board.show("a") == before
