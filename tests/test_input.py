"""What people put in: other bytes than UTF-8, other types, deep nesting, streams that are closed or full."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, OptionError, PayloadError
from jobs_core.cli import cli, main
from tests.helpers import Jobs, refused

DEEP = "[" * 3000 + "]" * 3000

UTF8 = "expected UTF-8, got a lone surrogate or other bytes"

LINES: list[tuple[dict[str, Any] | str | bytes, str]] = [
    ({"payload": "\ud800"}, "payload: contains a lone surrogate, which UTF-8 cannot encode"),
    ({"id": "a\ud800"}, f"id: {UTF8}"),
    ({"id": "a\udcff"}, f"id: {UTF8}"),
    ({"runner": "shell\ud800"}, f"runner: {UTF8}"),
    ({"queue": "\ud800"}, f"queue: {UTF8}"),
    ({"every": True}, "every: expected text or a number, got true"),
    ({"every": [5]}, "every: expected text or a number, got a list"),
    ({"every": {"a": 5}}, "every: expected text or a number, got an object"),
    ({"attempts": False}, "attempts: expected text or a number, got false"),
    ({"retry_on": [True]}, "retry-on: expected text, a number or a list of these, got true"),
    ({"paused": [1]}, "paused: expected text or a number, got a list"),
    ({"after": ["p,q"]}, "after: expected job ids without commas, got 'p,q'"),
    ({"id": "p,q"}, "id: expected a job id of 1 to 256 bytes, without spaces, commas,"),
    (b'{"id": "a", "runner": "console", "payload": "\xff"}', "expected UTF-8, got other bytes"),
    (DEEP, "expected a JSON object, got values nested too deep"),
    ("null", "expected a JSON object, got null"),
    ('"x"', "expected a JSON object, got text"),
    ("hello", "expected a JSON object, got other text"),
    ("{oops", "expected a JSON object: the JSON is invalid at character 2"),
    (
        '{"id": "a", "id": "b", "runner": "console", "payload": "x"}',
        "expected each key once in an object, got 'id'",
    ),
    (
        '{"id": "a", "runner": "console", "payload": {"k": 1, "k": 2}}',
        "expected each key once in an object, got 'k'",
    ),
    ("[5]", "expected a JSON object, got a list"),
]


def as_line(value: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        value = json.dumps({"id": "a", "runner": "console", "payload": "x"} | value)
    return value.encode()


@pytest.mark.parametrize("words", [("put", "-S"), ("put", "-S", "--timeout", "5"), ("load",)])
def test_a_bad_line_is_refused_with_its_number(
    board: Board, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: Any
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_BOARD", board.name)
    text = b"\n\n".join(as_line(value) for value, _ in LINES)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with pytest.raises(SystemExit) as end:
        cli(words, prog_name="jobs")
    assert end.value.code == 2
    said = capsys.readouterr().err.splitlines()
    for number, (_, sentence) in enumerate(LINES):
        assert said[number].startswith(f"line {2 * number + 1}: {sentence}")
    assert said[-1] == f"0 {'loaded' if words[0] == 'load' else 'put'}, {len(LINES)} refused"
    assert board.count()["jobs"] == 0


def test_a_line_of_a_file_is_named_with_the_file(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.jsonl"
    path.write_bytes(as_line({}) + b"\n\xff\n")
    result = jobs("load", str(path))
    assert result.exit_code == 2
    assert f"{path}:2: expected UTF-8, got other bytes" in result.stderr


@pytest.mark.parametrize("options", [{"every": True}, {"every": [5]}, {"after": ["p,q"]}, {"zone": "\ud800"}])
def test_both_clients_refuse_values_of_other_types(board: Board, url: str, options: dict[str, Any]) -> None:
    async def put() -> None:
        async with AsyncBoard(board.name, url, validate=False) as found:
            await found.put("a", "console", "x", **options)

    with pytest.raises(OptionError) as error:
        board.put("a", "console", "x", **options)
    with pytest.raises(OptionError, match=f"^{error.value}$"):
        asyncio.run(put())
    assert error.value.option == next(iter(options))


@pytest.mark.parametrize("id", ["a\udcff", "a\ud800"])
def test_an_id_that_is_not_utf8_is_refused_before_redis_is_asked(jobs: Jobs, board: Board, id: str) -> None:
    refused(jobs("put", id, "console", "x"), f"id: {UTF8}")
    refused(jobs("push", id), f"id: {UTF8}")
    refused(jobs("push", id, "x"), f"runner: {UTF8}")
    assert board.count()["jobs"] == 0


def test_a_payload_that_no_worker_could_parse_is_refused(jobs: Jobs, url: str) -> None:
    refused(jobs("put", "a", "shell", f'{{"line": {DEEP}}}'), "payload: values are nested too deep")
    nested: Any = "x"
    for _ in range(3000):
        nested = [nested]
    with pytest.raises(PayloadError, match="payload: values are nested too deep"):
        Board("deep", url, validate=False).put("a", "console", {"x": nested})


def test_a_worker_can_take_a_task_whose_payload_is_too_deep(board: Board) -> None:
    board.push("console", f'{{"line": {DEEP}}}')  # as a client without plugins pushes it
    (task,) = board.pop("console")
    assert task.payload == task.raw


def test_a_board_file_names_the_line_that_is_not_utf8(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    line = "  é: {runner: console, payload: "
    path.write_bytes(f"jobs:\n{line}\udcff}}\n".encode("utf-8", "surrogateescape"))
    result = jobs("board", "check", str(path))
    assert (
        f"{path}:2:{len(line) + 1}: expected UTF-8, got other bytes; save the file as UTF-8" in result.stdout
    )


@pytest.mark.parametrize("value", ["true", "[5]", "{a: 5}"])
@pytest.mark.parametrize("name", ["board.yml", "board.toml"])
def test_a_board_file_names_a_value_of_another_type(
    jobs: Jobs, tmp_path: Path, name: str, value: str
) -> None:
    path = tmp_path / name
    job = f"a: {{runner: console, payload: x, every: {value}}}"
    if path.suffix == ".toml":
        job = f'[jobs.a]\nrunner = "console"\npayload = "x"\nevery = {value.replace(":", " =")}'
    path.write_text(job if path.suffix == ".toml" else f"jobs:\n  {job}\n")
    result = jobs("board", "apply", str(path))
    assert result.exit_code == 2
    assert ": every: " in result.stderr


def test_a_pipe_is_not_waited_for(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.jsonl"
    os.mkfifo(path)
    refused(jobs("load", str(path)), f"{path}: expected a regular file, got a directory, a pipe or a device")


@pytest.mark.parametrize("words", [("remove", "a*"), ("edit", "a")])
def test_a_question_without_standard_input_says_what_to_pass(
    board: Board,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    board.put("a", "console", "x")
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_BOARD", board.name)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SystemExit) as end:
        cli(words, prog_name="jobs")
    assert end.value.code == 2
    assert " Pass " in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("put", "-S"), ("create", "-S"), ("push", "-S"), ("load",), ("import", "crontab", "-")]
)
def test_a_closed_standard_input_is_said(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SystemExit) as end:
        cli(words, prog_name="jobs")
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("Error: Standard input is closed.")


COMMANDS = """
    --help|--version|list --help|list|list --json|show a|show a --json|next a|next a --json|explain @daily
    put b console x|put b console x --json|create c console x|resume a|push console x|push console x --json
    count|count --json|stats|tasks|history|limit|limit --json|graph --json|dump|plugins|plugins --json
    settings|settings --json|doctor|doctor --json|board export|board schema|board check BAD|board diff FILE
    board apply FILE|import crontab TAB|import crontab TAB --json|export crontab|dead list|dead retry --all
    dead purge --all|tick --once|acl viewer|completion bash|init|breaker list
    web token add ann|web token list
"""


def commands() -> list[str]:
    return [words for words in COMMANDS.replace("\n", "|").split("|") if words.strip()]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_cannot_be_written_is_one_sentence_and_exit_code_1(
    board: Board, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_BOARD", board.name)
    (tmp_path / "board.yml").write_text("jobs: {q: {runner: console, payload: x}}")
    (tmp_path / "tab").write_text("CRON_TZ=UTC\n@daily /srv/x\n")
    board.put("a", "console", "x", every=5)
    board.put("z", "console", "x", after="a")
    board.limit("runner", "console", concurrency=5)
    (tmp_path / "bad.yml").write_text("jobs: 5")
    names = {
        "BAD": str(tmp_path / "bad.yml"),
        "FILE": str(tmp_path / "board.yml"),
        "TAB": str(tmp_path / "tab"),
    }
    wrong, silent = {}, set()
    for command in commands():
        words = [names.get(word, word) for word in command.split()]
        code, out, err = run_with_full_output(words, monkeypatch)
        if not out:
            silent.add(command.strip())
        elif (code, err.splitlines()[-1:]) != (1, [FULL]):
            wrong[command] = code, err
    assert wrong == {}
    assert not silent  # each of these commands prints something


@pytest.mark.parametrize("words", ["list --json", "count", "--version"])
def test_a_closed_standard_output_is_said_like_a_full_one(board: Board, url: str, words: str) -> None:
    board.put("a", "console", "x")
    script = f"{sys.executable} -c 'from jobs_core.cli import main; main()' {words} >&-"
    environment = os.environ | {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    done = subprocess.run(script, shell=True, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: Cannot write to standard output: Bad file descriptor.\n",
    )


FULL = "Error: Cannot write to standard output: No space left on device."


def run_with_full_output(words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, bool, str]:
    """Run `jobs` on /dev/full. Returns its exit code, whether it printed anything, and its standard error."""
    full = Noting("/dev/full", "w")
    output = io.TextIOWrapper(io.BufferedWriter(full))
    errors = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["jobs", *words])
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        try:
            main()
            code: Any = 0
        except SystemExit as end:
            code = end.code
    output.close()  # what could not be written went nowhere
    return code, full.is_used, errors.getvalue()


class Noting(io.FileIO):
    """A file that notes whether anything was written to it."""

    is_used = False

    def write(self, data: Any) -> int:
        self.is_used = True
        return super().write(data)
