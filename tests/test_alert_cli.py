"""`jobs alert`, the methods of boards about alerts, and the options on-failure and on-success."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from jobs_core import (
    AsyncBoard,
    Board,
    ConflictError,
    Context,
    NotFoundError,
    OptionError,
    Outcome,
    PayloadError,
    RunnerError,
    Task,
)
from tests.helpers import Jobs, lines, refused, runner, working

PUT = [
    *(
        "alert",
        "put",
        "payments",
        "console",
        '{"text": "{subject}"}',
        "--when",
        "failed 3",
        "--when",
        "late 10m",
    ),
    *("--for", "team=payments", "--for", "report-*", "--every", "4h", "--recovery", "--quiet", "22:00-07:00"),
    *(
        "--zone",
        "Europe/Brussels",
        "--burst",
        "5",
        "--attempts",
        "9",
        "--priority",
        "3",
        "--because",
        "asked",
    ),
]
STORED: dict[str, Any] = {
    **{"name": "payments", "when": "failed 3, late 10m", "for": ["team=payments", "report-*"]},
    **{"runner": "console", "payload": '{"text": "{subject}"}', "every": 14400, "recovery": True},
    **{
        "quiet": "22:00-07:00",
        "zone": "Europe/Brussels",
        "burst": 5,
        "priority": 3,
        "attempts": 9,
        "open": 0,
    },
}


def test_an_alert_is_put_listed_shown_and_removed(jobs: Jobs, board: Board) -> None:
    assert jobs(*PUT).stdout == "payments: runs console on failed 3, late 10m\n"
    assert jobs("alert", "put", "all", "console", "x", "--when", "dead").exit_code == 0
    assert [line.split() for line in jobs("alert", "list").stdout.splitlines()] == [
        ["name", "when", "for", "to", "open"],
        ["all", "dead", "everything", "console", "0"],
        ["payments", "failed", "3,", "late", "10m", "team=payments,", "report-*", "console", "0"],
    ]
    etag = board.alert_show("payments").etag
    assert lines(jobs("alert", "list", "--json"))[1] == STORED | {"etag": etag}
    assert lines(jobs("alert", "show", "payments", "--json")) == [STORED | {"etag": etag, "incidents": []}]
    shown = jobs("alert", "show", "payments").stdout
    for words in (
        "every 4h",
        "recovery yes",
        "quiet 22:00-07:00",
        "for team=payments, report-*",
        "attempts 9",
    ):
        name, _, value = words.partition(" ")
        assert any(line.split(None, 1) == [name, value] for line in map(str.strip, shown.splitlines())), words
    assert jobs("alert", "remove", "payments", "all").stdout == ""
    assert lines(jobs("alert", "list", "--json")) == []


def test_put_replaces_the_whole_alert(jobs: Jobs) -> None:
    jobs(*PUT)
    (found,) = lines(jobs("alert", "put", "payments", "console", "x", "--when", "done", "--json"))
    assert found.pop("etag")
    assert found == {
        **{"name": "payments", "when": "done", "for": [], "runner": "console", "payload": "x"},
        **{"burst": 10, "open": 0},
    }


def test_changes_name_who_put_it_and_why(jobs: Jobs) -> None:
    jobs(*PUT)
    (change,) = lines(jobs("changes", "--json"))
    assert (change["what"], change["target"], change["because"]) == ("alert", "alert:payments", "asked")
    assert "subject" not in json.dumps(change)


def test_a_test_prints_the_task_that_it_queues(jobs: Jobs, board: Board) -> None:
    jobs("alert", "put", "ops", "console", "x", "--when", "dead", "--queue", "tell")
    id = jobs("alert", "test", "ops").stdout.strip()
    assert lines(jobs("alert", "test", "ops", "--json"))[0].keys() == {"task"}
    task = next(iter(board.pop("tell")))
    assert (task.id, task.runner, task.options["alert"]["kind"]) == (id, "console", "test")


def test_a_test_that_is_waited_for_says_how_it_ended(jobs: Jobs, board: Board) -> None:
    def end(task: Task, context: Context) -> Outcome:
        return Outcome.done() if task.payload == "good" else Outcome.failed("nobody there", code="7")

    for name, payload in (("good", "good"), ("bad", "bad")):
        board.alert_put(name, "tell", payload, when="dead")
    with working(board, runner(end, "tell")):
        result = jobs("alert", "test", "good", "--wait")
        assert (result.exit_code, result.stdout.split(": ")[1:]) == (0, ["done\n"])
        result = jobs("alert", "test", "bad", "--wait")
        assert (result.exit_code, result.stdout.split(": ")[1:]) == (7, ["dead", "nobody there\n"])
        result = jobs("alert", "test", "bad", "--wait", "--json")
        found = json.loads(result.stdout)
        assert (result.exit_code, found["what"], found["note"]) == (7, "dead", "nobody there")
        assert found["task"].startswith("alert:bad@")


def test_show_has_what_an_alert_is_telling_of(jobs: Jobs, board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed")
    for id in ("a", "b", "c"):
        board.put(id, "fails", "x")
        board.push(id)
        board.commands.call("JACK", next(iter(board.pop("fails", lease=30))).token, "dead")
    (found,) = lines(jobs("alert", "show", "ops", "--json"))
    assert sorted(one["job"] for one in found["incidents"]) == ["a", "b", "c"]
    assert all(
        one.keys() == {"alert", "kind", "since", "told", "more", "times", "job"} for one in found["incidents"]
    )
    rows = [line.split()[:2] for line in jobs("alert", "show", "ops").stdout.splitlines()]
    assert [row for row in rows if row[:1] == ["failed"]] != []
    assert sorted(row[1] for row in rows if row[:1] == ["failed"]) == ["a", "b", "c"]
    shown = jobs("alert", "show", "ops", "--limit", "2").stdout
    assert shown.count("failed") == 3  # two rows, and the condition
    assert "There are more. See them with `jobs alert show ops --limit 20`." in shown
    assert len(lines(jobs("alert", "show", "ops", "--limit", "2", "--json"))[0]["incidents"]) == 2
    board.alert_remove("ops")
    with pytest.raises(NotFoundError, match="there is no alert 'ops'"):
        list(board.alert_open("ops"))


@pytest.mark.parametrize("words", [("show", "no"), ("remove", "no"), ("test", "no")])
def test_one_that_does_not_exist_is_a_mistake(jobs: Jobs, words: tuple[str, str]) -> None:
    refused(jobs("alert", *words), "there is no alert 'no'")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("console", "x"), "when: expected a condition such as failed 3, got none"),
        (("console", "x", "--when", "faild"), "when: expected failed, dead, recovered"),
        (("console", "x", "--when", "late"), "when: late needs a time, such as late 10m"),
        (("console", "x", "--when", "dead", "--for", "a b"), "for: expected job ids, patterns"),
        (("console", "x", "--when", "dead", "--quiet", "22"), "quiet: expected hours such as 22:00-07:00"),
        (("console", "x", "--when", "dead", "--zone", "Europe/Brusels"), "zone: there is no time zone"),
        (("consol", "x", "--when", "dead"), "consol"),
        (("shell", '{"lin": "x"}', "--when", "dead"), "invalid payload for the shell runner"),
        (("shell", "echo `date` {job}", "--when", "dead"), "cannot stand after `"),
        (("console", "{joob} failed", "--when", "dead"), "there is no name {joob} (did you mean 'job'?)"),
        (
            ("console", '{"text": "{Subject}"}', "--when", "dead"),
            "no name {Subject} (did you mean 'subject'?)",
        ),
        (
            ("http", '{"url": "http://a", "json": {"x": ["{taks}"]}}', "--when", "dead"),
            "no name {taks} (did you mean 'task'?)",
        ),
    ],
)
def test_mistakes_are_one_sentence(jobs: Jobs, words: tuple[str, ...], says: str) -> None:
    refused(jobs("alert", "put", "ops", *words), says)
    assert lines(jobs("alert", "list", "--json")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("console", '{"text": "{job} {{jobb}} {} { jobb } {a, b} {0}"}'),
        ("shell", "JOBB=1; echo ${JOBB} | awk '{print}' >> {job}"),
        ("http", '{"url": "http://a", "json": {"jobb": {"reson": "{reason}"}}}'),
    ],
)
def test_other_braces_are_allowed(jobs: Jobs, words: tuple[str, str]) -> None:
    assert jobs("alert", "put", "ops", *words, "--when", "dead").exit_code == 0


def test_remove_says_in_json_how_many(jobs: Jobs) -> None:
    for name in ("ops", "day"):
        jobs("alert", "put", name, "console", "x", "--when", "dead")
    assert lines(jobs("alert", "remove", "ops", "day", "ops", "--json")) == [{"removed": 2}]
    refused(jobs("alert", "remove", "ops", "--json"), "there is no alert 'ops'")


def test_a_shell_completes_names_of_alerts(jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ops", "ops-2", "payments"):
        board.alert_put(name, "console", "x", when="dead")
    monkeypatch.setenv("_JOBS_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "jobs alert show op")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert [word for word in jobs().stdout.split() if word.startswith(("ops", "pay"))] == ["ops", "ops-2"]


def test_the_methods_of_board(board: Board) -> None:
    board.alert_put(
        "ops", "console", {"text": "{job}"}, when=["failed", "late 10m"], for_=["a", "b=c"], recovery=True
    )
    found = board.alert_show("ops")
    assert (found.when, found.scope, found.recovery) == ("failed 1, late 10m", ("a", "b=c"), True)
    assert json.loads(found.payload) == {"text": "{job}"}
    assert "text" not in repr(found)
    assert [one.name for one in board.alert_list()] == ["ops"]
    assert board.alert_test("ops").startswith("alert:ops@")
    assert (board.alert_remove("ops", "no"), board.alert_remove(), board.alert_remove("ops")) == (1, 0, 0)
    for ask in (board.alert_show, board.alert_test):
        with pytest.raises(NotFoundError, match="there is no alert 'ops'"):
            ask("ops")
    with pytest.raises(OptionError, match=r"^recovery: expected True or False"):
        board.alert_put("ops", "console", "x", when="dead", recovery="yes")  # type: ignore[arg-type]


def test_the_methods_of_an_asyncio_board(board: Board, url: str) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, url, validate=False) as ours:
            await ours.alert_put("ops", "console", "x", when="failed 2", every="1h", because="asked")
            assert [one.every async for one in ours.alert_list()] == [3600]
            assert (await ours.alert_show("ops")).when == "failed 2"
            board.put("a", "console", "x")
            for _ in range(2):
                board.push("a")
                board.commands.call("JACK", next(iter(board.pop("console", lease=30))).token, "dead")
            assert [(one.kind, one.job) async for one in ours.alert_open("ops")] == [("failed", "a")]
            assert [(one.alert, one.times) async for one in ours.alert_open(job="a")] == [("ops", 1)]
            assert [one.alert async for one in ours.alert_open(job="b")] == []
            assert [one.payload async for one in ours.alert_list(job="a", payload=False)] == [""]
            with pytest.raises(ConflictError):
                await ours.alert_put("ops", "console", "x", when="dead", if_match="old")
            with pytest.raises(ConflictError):
                await ours.alert_remove("ops", if_match="old")
            assert (await ours.alert_test("ops")).startswith("alert:ops@")
            assert (await ours.alert_remove("ops"), await ours.alert_remove()) == (1, 0)
            for ask in (ours.alert_show("ops"), anext(ours.alert_open("ops"))):
                with pytest.raises(NotFoundError):
                    await ask

    asyncio.run(body())


# Options of a job


@pytest.fixture
def checked(board: Board, url: str, jobs: Jobs) -> Board:
    """The same board with plugins, which check."""
    from jobs_core.plugins.manager import Plugins

    return Board(board.name, client=board.client, plugins=Plugins.load())


@pytest.mark.parametrize("option", ["on_failure", "on_success"])
def test_the_runner_and_payload_of_an_option_are_checked(checked: Board, option: str) -> None:
    name = option.replace("_", "-")
    for text, kind, says in (
        ("nobody ops", RunnerError, f"^{name}: .*nobody"),
        ('shell {"lin": "x"}', PayloadError, f"^{name}: invalid payload for the shell runner"),
        ("shell echo `x` {job}", PayloadError, f"^{name}: line: a name in braces cannot stand after `"),
    ):
        for put in (checked.put, checked.create):
            with pytest.raises(kind, match=says) as caught:
                put("a", "console", "x", **{option: text})  # type: ignore[arg-type]
            assert caught.value.option == name
    checked.put("a", "console", "x", **{option: "shell echo {job}"})  # type: ignore[arg-type]
    with pytest.raises(RunnerError, match=f"^{name}: "):
        checked.edit("a", **{option: "nobody x"})  # type: ignore[arg-type]
    assert checked.show("a")[name] == "shell echo {job}"


def test_a_board_file_is_checked_too(jobs: Jobs, tmp_path: Path) -> None:
    file = tmp_path / "board.yml"
    file.write_text("jobs:\n  a: {runner: console, payload: x, on-failure: 'shell {\"lin\": 1}'}\n")
    result = jobs("board", "check", str(file))
    assert result.exit_code != 0
    assert "on-failure: invalid payload for the shell runner" in result.output


def test_show_has_the_options(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x", "--on-failure", "console {subject}", "--on-success", "console fine")
    shown = jobs("show", "a").stdout
    assert "console {subject}" in shown and "on-success" in shown
    (job,) = lines(jobs("show", "a", "--json"))
    assert (job["on-failure"], job["on-success"]) == ("console {subject}", "console fine")


def test_what_all_alerts_tell_of_is_listed_and_alerts_are_found_by_job(jobs: Jobs, board: Board) -> None:
    for id in ("a", "b"):
        board.put(id, "fails", "x")
    board.alert_put("all", "tell", "x", when="failed")
    board.alert_put("one", "tell", "x", when="failed", for_="a", every="1h")
    for id in ("a", "b"):
        board.push(id)
        board.commands.call("JACK", next(iter(board.pop("fails", lease=30))).token, "dead")
    rows = [line.split()[:3] for line in jobs("alert", "open").stdout.splitlines()]
    assert rows[0] == ["alert", "what", "about"]
    assert sorted(rows[1:]) == [["all", "failed", "a"], ["all", "failed", "b"], ["one", "failed", "a"]]
    found = lines(jobs("alert", "open", "--job", "a", "--json"))
    assert sorted((one["alert"], one["times"], one["more"]) for one in found) == [
        ("all", 1, 0),
        ("one", 1, 0),
    ]
    assert lines(jobs("alert", "open", "one", "--json"))[0]["job"] == "a"
    assert "There are more. See them with `--limit 10`." in jobs("alert", "open", "--limit", "1").stdout
    refused(jobs("alert", "open", "no"), "there is no alert 'no'")
    assert [one["name"] for one in lines(jobs("alert", "list", "--job", "b", "--json"))] == ["all"]


def test_an_alert_is_changed_only_as_it_was_read(jobs: Jobs, board: Board) -> None:
    put = ("alert", "put", "ops", "console", "x", "--when", "failed")
    assert jobs(*put, "--if-match", "none").exit_code == 0
    refused(jobs(*put, "--if-match", "none"), "the alert 'ops' already exists")
    refused(jobs(*put, "--if-match", "old"), "the alert 'ops' has changed since you read it")
    refused(jobs("alert", "remove", "ops", "--if-match", "old"), "the alert 'ops' has changed")
    refused(jobs("alert", "remove", "ops", "b", "--if-match", "old"), "if-match: expected one alert, got 2")
    (found,) = lines(jobs("alert", "show", "ops", "--json"))
    assert jobs("alert", "remove", "ops", "--if-match", found["etag"]).exit_code == 0
