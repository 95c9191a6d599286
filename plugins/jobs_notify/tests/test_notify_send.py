"""Notifications to services of apprise, on a real HTTP server."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import jobs_notify
import pytest

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.testing import PATIENCE, cli, make_task, read_settings, run_task
from tests.helpers import Jobs, lines, runner, wait_until, working

(RUNNER,) = jobs_notify.jobs_runners()

Targets = Callable[..., None]


def breaking() -> Runner:
    """A runner that prints something nasty and fails."""

    def run(task: Task, context: Context) -> Outcome:
        context.line("ask @everyone <!channel> <b>& *now*</b>")
        return Outcome.failed("no\r\nBcc: eve@example.com", code="3")

    return runner(run, "breaking")


def test_a_service_gets_title_and_text(web: Any, drive: Any, targets: Targets) -> None:
    targets(ops=f"{web.url('/a')}, {web.url('/topic', 'ntfy')}")
    outcome = drive({"to": "ops", "title": "Héllo", "body": "1 < 2 & 3\nnext"})
    assert (outcome.status, outcome.note) == ("done", "sent to ops/json, ops/ntfy")
    assert outcome.data == {"sent": ["ops/json", "ops/ntfy"], "failed": {}}
    (_, posted), (_, published) = web.seen
    assert (posted["title"], posted["message"], posted["type"]) == ("Héllo", "1 < 2 & 3\nnext", "info")
    assert (published["topic"], published["title"], published["message"]) == (
        *("topic", "Héllo"),
        "1 < 2 & 3\nnext",
    )


def test_the_title_of_a_plain_task_is_its_job(web: Any, drive: Any, targets: Targets) -> None:
    targets(ops=web.url("/a"))
    drive({"to": "ops", "body": "x"}, job="backup")
    assert web.seen[0][1]["title"] == "backup"


def test_who_was_not_told_is_named_without_a_url(web: Any, drive: Any, targets: Targets) -> None:
    targets(ops=f"{web.url('/t0ken')} {web.url('/x')}", dev=web.url("/gone"), bad="json://127.0.0.1:1/t0ken")
    web.answers = {"/t0ken": [503], "/gone": [404]}
    outcome = drive({"to": ["ops", "dev", "bad"], "body": "x"})
    assert (outcome.status, outcome.code) == ("failed", "503")
    assert outcome.note == "sent to 1 of 4; not sent: ops/json (503), dev (404), bad (connect)"
    assert outcome.data == {
        "sent": ["ops/json-2"],
        "failed": {"ops/json": "503", "dev": "404", "bad": "connect"},
    }
    assert "t0ken" not in repr(outcome)


def test_a_url_that_no_service_knows(drive: Any, targets: Targets, caplog: pytest.LogCaptureFixture) -> None:
    targets(ops="nosuch://t0ken", dev="slack://t0ken")
    with caplog.at_level(logging.DEBUG):
        outcome = drive({"to": ["ops", "dev"], "body": "x"})
    assert outcome.note == "sent to 0 of 2; not sent: ops (settings), dev (settings)"
    assert outcome.code == "settings"
    assert "t0ken" not in caplog.text


def test_an_unknown_target_is_given_up_at_once(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=web.url("/a"))
    board.push("notify", {"to": ["ops", "nosuch"], "body": "x"})
    with working(board, RUNNER) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.decision is not None and event.decision.verb == "dead"
    assert event.outcome is not None and "no target 'nosuch'" in event.outcome.note
    assert web.seen == []


def test_a_retry_tells_only_those_who_were_not_told(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=" ".join(map(web.url, ("/a", "/b", "/c"))))
    web.answers = {"/b": [503, 429], "/c": [500]}
    board.push("notify", {"to": "ops", "body": "x"}, attempts=5, backoff=0.01)
    with working(board, RUNNER) as (_, log):
        events = log.wait_for("task.finished", 3)
    assert [event.decision.verb for event in events if event.decision] == ["retry", "retry", "done"]
    assert web.paths() == ["/a", "/b", "/c", "/b", "/c", "/b"]
    assert [event.outcome.note for event in events if event.outcome] == [
        "sent to 1 of 3; not sent: ops/json-2 (503), ops/json-3 (500)",
        "sent to 2 of 3; not sent: ops/json-2 (429)",
        "sent to ops/json, ops/json-2, ops/json-3",
    ]


def test_an_alert_tells_what_is_known(
    board: Board, web: Any, targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets(ops=web.url("/a"))
    monkeypatch.setenv("JOBS_WEB_URL", "https://jobs.example.com")
    board.alert_put("ops", "notify", "ops", when="failed", recovery=True)
    board.put("backup", "breaking", "x")
    task = board.push("backup")
    with working(board, RUNNER, breaking()) as (_, log):
        log.wait_for("task.finished", 2)
    (_, told) = web.seen[0]
    assert (told["title"], told["type"]) == ("backup has failed", "failure")
    text = told["message"].replace("\N{ZERO WIDTH SPACE}", "|")
    assert text.startswith("When:   20")
    assert f"\nTask:   {task}\nCode:   3\nNote:   no Bcc: eve@example.com\nWhy:" in text
    assert "\nask @|everyone <|!channel> <b>& *now*</b>\n" in text
    assert text.rstrip().endswith(f"https://jobs.example.com/task?id={task.replace('@', '%40')}")
    assert "backup has failed" not in text.splitlines()[0]


def test_the_end_of_an_alert_is_good_news(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=web.url("/a"))
    board.alert_put("ops", "notify", "ops", when="failed", recovery=True)
    board.put("backup", "test", "x")
    outcomes = [Outcome.failed("x", code="3"), Outcome.done()]
    with working(board, RUNNER, runner(lambda task, context: outcomes.pop(0))) as (_, log):
        for count in (2, 4):
            board.push("backup")
            log.wait_for("task.finished", count)
        board.alert_test("ops")
        log.wait_for("task.finished", 5)
    assert [(told["title"], told["type"]) for _, told in web.seen] == [
        ("backup has failed", "failure"),
        ("backup is done again", "success"),
        ("ops is only tested: nothing is wrong", "info"),
    ]


def test_names_in_braces_are_filled_in_and_call_nobody(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=web.url("/a"))
    payload = {"to": "ops", "title": "<!here> {job}: {note}", "body": "{output}"}
    board.alert_put("ops", "notify", payload, when="failed")
    board.put("backup", "breaking", "x")
    board.push("backup")
    with working(board, RUNNER, breaking()) as (_, log):
        log.wait_for("task.finished", 2)
    (_, told) = web.seen[0]
    assert told["title"] == "<!here> backup: no Bcc: eve@example.com"
    assert "@everyone" not in told["message"] and "<!channel>" not in told["message"]


def test_a_digest(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=web.url("/a"))
    board.put("backup", "breaking", "x")
    board.push("backup")
    board.put("digest", "notify", {"to": "ops", "digest": "7d"}, cron="0 8 * * MON")
    with working(board, RUNNER, breaking()) as (_, log):
        log.wait_for("task.finished")
        board.push("digest")
        log.wait_for("task.finished", 2)
    (_, told) = web.seen[0]
    assert told["title"] == f"{board.name}: 0 runs done and 1 given up in 7 days"
    assert "\nGiven up most often\n  backup  1 of 1 run  no Bcc: eve@example.com\n" in told["message"]


def test_a_service_that_hangs_does_not_hold_up_a_stop(web: Any, targets: Targets) -> None:
    targets(ops=f"{web.url('/a')} {web.url('/hangs')}")
    web.answers["/hangs"] = [0]
    context = Context("w1", settings=read_settings())
    outcomes: list[Outcome] = []
    task = make_task(RUNNER, {"to": "ops", "body": "x"})
    thread = threading.Thread(target=lambda: outcomes.append(run_task(RUNNER, task, context)))
    thread.start()
    wait_until(lambda: len(web.seen) == 2)
    context.stop()
    thread.join(PATIENCE)
    assert outcomes[0].status == "cancelled"
    assert outcomes[0].note == "cancelled; sent to 1 of 2; not sent: ops/json-2 (stopped)"


def test_a_timeout_is_retried_for_the_rest(board: Board, web: Any, targets: Targets) -> None:
    targets(ops=f"{web.url('/a')} {web.url('/hangs')}")
    web.answers["/hangs"] = [0]
    board.push("notify", {"to": "ops", "body": "x"}, timeout=1, attempts=2, backoff=0.01)
    with working(board, RUNNER) as (_, log):
        first, second = log.wait_for("task.finished", 2)
    assert first.outcome is not None and second.outcome is not None
    assert (first.outcome.code, second.outcome.status) == ("timeout", "done")
    assert web.paths() == ["/a", "/hangs", "/hangs"]


def test_a_service_that_takes_long_is_given_up(
    web: Any, drive: Any, targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_notify.delivery.LIMIT", 0.2)
    targets(ops=web.url("/hangs"), dev=web.url("/a"))
    web.answers["/hangs"] = [0]
    outcome = drive({"to": ["ops", "dev"], "body": "x"})
    assert outcome.note == "sent to 1 of 2; not sent: ops (timeout)"


class TestCommands:
    def test_list_shows_names_and_services(self, jobs: Jobs, targets: Targets) -> None:
        targets(ops="slack://t0ken mailto:ops@example.com", dev="json://t0ken")
        text = jobs("notify", "list").output
        assert [line.split() for line in text.splitlines()[1:]] == [
            ["dev", "json"],
            ["ops", "slack,", "mailto"],
        ]
        assert lines(jobs("notify", "list", "--json"))[1] == {
            "target": "ops",
            "services": ["slack", "mailto"],
        }
        assert "t0ken" not in text + jobs("settings").output + jobs("settings", "--json").output

    def test_test_sends_and_says_how_it_went(self, jobs: Jobs, web: Any, targets: Targets) -> None:
        targets(ops=f"{web.url('/t0ken')} {web.url('/b')}")
        web.answers["/b"] = [503]
        result = jobs("notify", "test", "ops")
        assert (result.exit_code, result.stdout) == (1, "ops/json: sent\nops/json-2: not sent (503)\n")
        assert web.seen[0][1]["message"] == "This is only a test: nothing is wrong."
        result = jobs("notify", "test", "ops", "--title", "T", "--body", "B", "--json")
        assert [json.loads(line) for line in result.stdout.splitlines()] == [
            {"target": "ops/json", "sent": True, "code": ""},
            {"target": "ops/json-2", "sent": True, "code": ""},
        ]
        assert (result.exit_code, web.seen[-1][1]["title"]) == (0, "T")

    def test_an_unknown_target(self, jobs: Jobs) -> None:
        result = jobs("notify", "test", "nosuch")
        assert result.exit_code == 2
        assert "no target 'nosuch'" in result.stderr

    def test_help_imports_no_apprise(self) -> None:
        assert "jobs notify test ops" in cli.commands["notify"].get_help(cli.make_context("jobs", ["notify"]))


def test_doctor_names_alerts_whose_targets_are_missing(jobs: Jobs, board: Board, targets: Targets) -> None:
    def found() -> dict[str, Any]:
        return {line["check"]: line for line in map(json.loads, jobs("doctor", "--json").stdout.splitlines())}

    assert found()["notify-targets"]["state"] == "ok"
    for name, payload in {"a": "ops", "b": {"to": ["dev"], "body": "x"}, "c": "{broken"}.items():
        board.alert_put(name, "notify", payload, when="failed")
    board.alert_put("other", "shell", "ops", when="failed")
    finding = found()["notify-targets"]
    assert finding["state"] == "warning"
    assert finding["note"].startswith(
        "alerts a, b, c: to: the setting notify of this machine has no target 'ops'"
    )
    board.alert_remove("c")
    targets(ops="json://t0ken", dev="json://t0ken")
    assert found()["notify-targets"]["note"] == "this machine has the targets of all alerts"
    assert "t0ken" not in json.dumps(found())
