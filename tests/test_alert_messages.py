"""What workers make of the tasks of alerts: names in payloads are replaced, quoted for where they stand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jobs_http
import jobs_shell
import pytest

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.alerts.facts import as_facts
from jobs_core.testing import make_task
from jobs_core.worker.alert_messages import fill_task, message_of
from tests.helpers import runner, wait_until, working

SHELL = next(iter(jobs_shell.jobs_runners()))
HTTP = next(iter(jobs_http.jobs_runners()))
HOSTILE = """it's $(touch pwned) `touch pwned` "; touch pwned #' ; touch pwned\n& touch pwned \\"""


def failing(note: str = "broken") -> Runner:
    """A runner whose tasks print a line and fail."""

    def fail(task: Task, context: Context) -> Outcome:
        for line in note.split("\n"):
            context.line(line)
        return Outcome.failed(note, code="7")

    return runner(fail, "fails")


def telling(found: list[Any], name: str = "tell") -> Runner:
    """A runner that keeps the payloads it gets, and what the task tells."""

    def tell(task: Task, context: Context) -> Outcome:
        assert context.alert is not None
        found.append((task.payload, context.alert))
        return Outcome.done()

    return Runner(name, tell, short="text")


def fail_once(board: Board, *runners: Runner, note: str = "broken", **options: Any) -> None:
    """Run a job `a` that fails, and what that leads to, until all is over."""
    board.put("a", "fails", "x")
    task = board.push("a")
    with working(board, failing(note), *runners, **options):
        wait_until(lambda: board.stats()["in_flight"] == 0)
    assert task.startswith("a@")


def test_names_are_replaced_in_each_text_of_a_payload(board: Board) -> None:
    found: list[Any] = []
    payload = {
        "{job}": 1,
        "x": ["{job} {code}", {"y": "{note}", "n": 5, "z": None}],
        "e": "{{job}} {other} {}",
    }
    board.alert_put("ops", "tell", payload, when="failed", for_="a")
    fail_once(board, telling(found))
    ((filled, message),) = found
    assert filled == {
        "{job}": 1,
        "x": ["a 7", {"y": "broken", "n": 5, "z": None}],
        "e": "{job} {other} {}",
    }
    assert message.facts.task.startswith("a@")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{job} {reason}", "a has failed"),
        ("{subject}|{alert}|{state}|{count}", "a has failed|ops|firing|1"),
        ("{queue} {code} {note}", "fails 7 broken"),
        ("{output}", "broken"),
        ("{url}", ""),
        ("{{subject}} {{ {job} }} {x} {job", "{subject} {{ a }} {x} {job"),
        ('{"broken": {job}', '{"broken": a'),
    ],
)
def test_a_short_payload_is_filled_in(board: Board, text: str, filled: str) -> None:
    found: list[Any] = []
    board.alert_put("ops", "tell", text, when="failed", for_="a")
    fail_once(board, telling(found))
    assert found[0][0] == {"text": filled}


def test_what_is_filled_in_never_becomes_another_payload(board: Board) -> None:
    found: list[Any] = []
    board.alert_put("ops", "tell", "{note}", when="failed", for_="a")
    fail_once(board, telling(found), note='{"text": "x", "to": "somebody else"}')
    assert found[0][0] == {"text": '{"text": "x", "to": "somebody else"}'}


def test_text_has_everything_for_people(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    board.alert_put("ops", "tell", "{text}", when="failed", for_="a")
    monkeypatch.setenv("JOBS_WEB_URL", "https://jobs.example.com/")
    fail_once(board, telling(found))
    text = found[0][0]["text"]
    assert text.startswith("a has failed\n\nWhen:  ")
    for words in ("Task:   a@", "Code:   7\n", "Note:   broken\n", "Why:    ", "\nbroken\n"):
        assert words in text
    assert text.splitlines()[-1].startswith("https://jobs.example.com/task?id=a%40")


def test_an_alert_is_told_although_what_it_is_about_is_gone(board: Board) -> None:
    """A tail, a job and a history that are gone leave their names empty."""
    found: list[Any] = []
    board.put("a", "fails", "x")
    board.alert_put("ops", "tell", "[{output}] {job}", when="failed")
    board.push("a")
    (task,) = board.pop("fails", lease=30)
    board.ack(task.token, "dead")
    board.remove("a")
    with working(board, telling(found)):
        wait_until(lambda: bool(found))
    assert found[0][0] == {"text": "[] a"}


def test_an_alert_is_told_although_the_board_does_not_answer(tmp_path: Path) -> None:
    facts = {
        "alert": "ops",
        "kind": "failed",
        "state": "firing",
        "at": 0,
        "since": 0,
        "job": "a",
        "task": "a@1",
    }
    task = replace(make_task(telling([]), "{job}: [{why}] [{output}]"), options={"alert": facts})
    with Board("gone", f"unix://{tmp_path}/none.sock", validate=False) as away:
        message = message_of(task, away, {})
        assert message is not None
        assert fill_task(task, message, telling([])).payload == {"text": "a: [] []"}
        assert message.text.startswith("a has failed")


def test_a_test_says_that_nothing_is_wrong(board: Board) -> None:
    found: list[Any] = []
    board.alert_put("ops", "tell", "{subject}", when="failed")
    board.alert_test("ops")
    with working(board, telling(found)):
        wait_until(lambda: bool(found))
    assert found[0][0] == {"text": "ops is only tested: nothing is wrong"}


@pytest.mark.parametrize(
    "line",
    [
        "printf %s {note} > told",
        "printf %s {output} > told",
        "printf %s '{note}' > told",
        'printf %s "{note}" > told',
        'X=\'"\'; printf %s ""{note} > told',
        'printf "%s" "{note}"> told; : {output} "{text}" \'{why}\'',
    ],
)
def test_a_shell_gets_values_as_text_whatever_they_are(
    board: Board, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    board.alert_put("ops", "shell", {"line": line, "cwd": str(tmp_path)}, when="failed", for_="a")
    fail_once(board, SHELL, note=HOSTILE)
    assert (tmp_path / "told").read_text() == (
        HOSTILE if "{output} >" in line else HOSTILE.replace("\n", " ")
    )
    assert not (tmp_path / "pwned").exists()


def test_arguments_and_variables_of_a_program_are_passed_as_they_are(board: Board, tmp_path: Path) -> None:
    board.alert_put(
        "ops",
        "shell",
        {
            "argv": ["sh", "-c", 'printf "%s|%s" "$1" "$NOTE" > told; cat >> told', "sh", "{note}"],
            "env": {"NOTE": "{output}"},
            "input": "|{job}",
            "cwd": str(tmp_path),
        },
        when="failed",
        for_="a",
    )
    fail_once(board, SHELL, note=HOSTILE)
    assert (tmp_path / "told").read_text() == HOSTILE.replace("\n", " ") + f"|{HOSTILE}|a"


class _Server(HTTPServer):
    asked: list[tuple[str, str]]
    headers: list[Any]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.asked.append((self.path, body))
        self.server.headers.append(self.headers)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as found:
        found.asked, found.headers = [], []
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_a_url_gets_values_encoded_and_json_as_they_are(
    board: Board, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "127.0.0.1")
    url = f"http://127.0.0.1:{server.server_port}/hook?job={{job}}&note={{note}}"
    board.alert_put(
        "ops", "http", {"method": "POST", "url": url, "json": {"text": "{note}"}}, when="failed", for_="a"
    )
    fail_once(board, HTTP, note='a&b=c/"d" #e')
    ((path, body),) = server.asked
    assert path == "/hook?job=a&note=a%26b%3Dc%2F%22d%22%20%23e"
    assert json.loads(body) == {"text": 'a&b=c/"d" #e'}


def test_a_header_gets_values_as_one_line(
    board: Board, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "127.0.0.1")
    url = f"http://127.0.0.1:{server.server_port}/hook"
    headers = {"X-Out": "<{output}>", "X-Note": "{note}"}
    board.alert_put(
        "ops", "http", {"method": "POST", "url": url, "headers": headers}, when="failed", for_="a"
    )
    fail_once(board, HTTP, note="first\r\nInjected: yes\x07\u2192 é" + "x" * 2000)
    (found,) = server.headers
    assert found["X-Out"].startswith("<first Injected: yes ? é")
    assert found["X-Note"].startswith("first Injected: yes")
    assert "Injected" not in found
    assert len(found["X-Out"]) < 1100


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"why": "paused"}, "a is paused"),
        ({"why": "ended"}, "a has ended"),
        ({"why": "scope"}, "a is not what ops is for any more"),
        ({}, "a has had a good run again"),
    ],
)
def test_why_a_job_is_silent_no_more(facts: dict[str, Any], says: str) -> None:
    given = {"alert": "ops", "kind": "silent", "state": "over", "at": 0, "job": "a"}
    assert as_facts(given | facts).subject == says


def test_one_that_fails_is_tried_again_and_tells_of_itself_nowhere(board: Board) -> None:
    tries: list[str] = []

    def tell(task: Task, context: Context) -> Outcome:
        tries.append(task.id)
        return Outcome.failed("no")

    board.alert_put("ops", "tell", "x", when=["failed", "dead"], attempts=3, backoff=0.01)
    fail_once(board, runner(tell, "tell"))
    assert sorted(map(tries.count, set(tries))) == [3, 3]  # failed and dead of `a`, and nothing about these
    assert board.stats()["dead"] == 3
