"""The command line from a user's view: its output and exit codes."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs_core import Board
from tests.helpers import Jobs, lines, refused

# Jobs


def test_put_creates_and_updates(jobs: Jobs) -> None:
    assert "tick: next run" in jobs("put", "tick", "console", "hello", "--every", "5").stdout
    jobs("put", "tick", "console", "bye", "--every", "5")
    (job,) = lines(jobs("show", "tick", "--json"))
    assert (job["payload"], job["every"], job["state"]) == ("bye", 5, "scheduled")


def test_put_without_a_schedule_runs_when_pushed(jobs: Jobs) -> None:
    assert "runs when pushed" in jobs("put", "manual", "console", "x").stdout
    assert lines(jobs("show", "manual", "--json"))[0]["state"] == "manual"


@pytest.mark.parametrize(
    ("flags", "seconds"),
    [
        (["--every", "1h30m"], 5400),
        (["--every", "PT2M"], 120),
        (["--seconds", "1", "--minutes", "2"], 121),
        (["--months", "1"], 2629800),
        (["--years", "1"], 31557600),
    ],
)
def test_put_takes_intervals_in_every_unit(jobs: Jobs, flags: list[str], seconds: int) -> None:
    jobs("put", "a", "console", "x", *flags)
    assert lines(jobs("show", "a", "--json"))[0]["every"] == seconds


def test_create_refuses_a_job_that_exists(jobs: Jobs) -> None:
    assert jobs("create", "a", "console", "x").exit_code == 0
    refused(jobs("create", "a", "console", "y"), "the job 'a' already exists")
    assert lines(jobs("show", "a", "--json"))[0]["payload"] == "x"


def test_put_stdin_reads_one_job_per_line_with_flags_as_defaults(jobs: Jobs, board: Board) -> None:
    text = "\n".join(
        json.dumps({"id": f"job-{i}", "runner": "console", "payload": {"n": i}}) for i in range(1200)
    )
    result = jobs("put", "--stdin", "--every", "1h", input=text)
    assert result.exit_code == 0
    assert "1200 put" in result.stderr
    assert board.count()["jobs"] == 1200
    assert board.show("job-7")["every"] == 3600
    assert json.loads(board.show("job-7")["payload"]) == {"n": 7}


def test_put_stdin_names_the_lines_it_refuses_and_puts_the_others(jobs: Jobs, board: Board) -> None:
    good = '{"id": "%s", "runner": "console", "payload": "x"}'
    text = [good % "a", "{oops", good % "b", '{"id": "c", "runner": "console"}']
    text += [good.replace("}", ', "evry": 5}') % "d", "[1]", good % "with space", good % "e"]
    result = jobs("put", "--stdin", input="\n".join(text))
    assert result.exit_code == 2
    assert "line 2: expected a JSON object: " in result.stderr
    assert "line 4: a job needs an id, a runner and a payload: payload is missing" in result.stderr
    assert "line 5: unknown option 'evry' (did you mean 'every'?)" in result.stderr
    assert "line 6: expected a JSON object, got" in result.stderr
    assert "line 7: id: expected a job id of" in result.stderr
    assert "3 put, 5 refused" in result.stderr
    assert {job["id"] for job in board.list()} == {"a", "b", "e"}


def test_list_shows_all_jobs_or_those_that_match(jobs: Jobs) -> None:
    for id in ("backup-a", "backup-b", "tick"):
        jobs("put", id, "console", "x", "--every", "1d")
    table = jobs("list").stdout
    assert "backup-a" in table
    assert "every 1d" in table
    assert [job["id"] for job in lines(jobs("list", "tick", "--json"))] == ["tick"]
    assert {job["id"] for job in lines(jobs("list", "backup-*", "--json"))} == {"backup-a", "backup-b"}


def test_pause_and_resume(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x", "--every", "1h")
    jobs("pause", "a")
    (job,) = lines(jobs("show", "a", "--json"))
    assert job["state"] == "paused"
    assert "next" not in job
    assert lines(jobs("resume", "a", "--json"))[0]["state"] == "scheduled"
    assert "a: next run" in jobs("resume", "a").stdout


def test_remove_says_which_job_is_not_there(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x")
    refused(jobs("remove", "a", "b"), "no job 'b'")
    assert board.count()["jobs"] == 0


def test_remove_says_in_json_how_many(jobs: Jobs) -> None:
    for id in ("a", "b", "test-1", "test-2"):
        jobs("put", id, "console", "x")
    assert lines(jobs("remove", "a", "b", "--json")) == [{"removed": 2}]
    assert lines(jobs("remove", "test-*", "--yes", "--json")) == [{"removed": 2}]


def test_show_hides_the_login_of_a_ping(jobs: Jobs) -> None:
    url = "https://me:s3cret@hc.example/abc?at=a@b"
    assert jobs("put", "a", "console", "x", "--ping", url).exit_code == 0
    assert jobs("edit", "a", "--ping", f"{url}&x=1").exit_code == 0
    for words in (("show", "a"), ("changes", "a")):
        text = jobs(*words).stdout
        assert "https://***@hc.example/abc" in text
        assert "s3cret" not in text
    assert lines(jobs("show", "a", "--json"))[0]["ping"] == f"{url}&x=1"


def test_next_previews_a_job_and_options(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x", "--every", "1h", "--start", "2100-01-01T00:00:00Z")
    times = [line["iso"] for line in lines(jobs("next", "a", "--count", "2", "--json"))]
    assert times == ["2100-01-01T00:00:00+00:00", "2100-01-01T01:00:00+00:00"]
    assert lines(jobs("next", "--every", "1d", "--start", "2100-01-01", "--count", "1", "--json")) == [
        {"time": 4102444800.0, "iso": "2100-01-01T00:00:00+00:00"}
    ]
    (run,) = lines(jobs("next", "a", "--cron", "H H 1 1 *", "--count", "1", "--from", "2099-12-31", "--json"))
    board.put("b", "console", "x", cron="H H 1 1 *")
    (own,) = lines(jobs("next", "b", "--count", "1", "--from", "2099-12-31", "--json"))
    assert own["time"] != run["time"]
    assert board.next("b", cron="H H 1 1 *") == board.next("b")
    (early,) = board.next("a", from_="2099-01-01")
    assert early.isoformat() == "2100-01-01T00:00:00+00:00"


def test_dump_and_load_restore_a_board(jobs: Jobs, board: Board, url: str) -> None:
    jobs("put", "a", "console", "x", "--every", "1h", "--repeat", "5", "--timeout", "1m")
    options = ("--priority", "5", "--backoff", "1s,5s", "--retry-on", "5*", "--losses", "9", "--rate", "5/1m")
    jobs("put", "b", "console", '{"k": "é"}', "--every", "1h", *options)
    jobs("pause", "b")
    jobs("put", "done", "console", "x", "--at", "1")
    board.tick()
    dumped = jobs("dump").stdout
    jobs("remove", "a", "b", "done")
    result = jobs("load", input=dumped)
    assert "3 loaded" in result.stderr
    assert sorted(jobs("dump").stdout.splitlines()) == sorted(dumped.splitlines())
    assert board.show("a")["left"] == 4
    b = board.show("b")
    assert (b["state"], b["priority"], b["backoff"], b["rate"]) == ("paused", 5, "1,5", "5/60")
    assert board.show("done")["state"] == "ended"
    assert board.tick().moved == 0


# Tasks


def test_push_queues_a_task_and_count_shows_it(jobs: Jobs) -> None:
    assert jobs("push", "console", "x").stdout.startswith("push:1@")
    (pushed,) = lines(jobs("push", "console", "y", "--at", "+1h", "--json"))
    assert str(pushed["task"]).startswith("push:2@")
    (counts,) = lines(jobs("count", "--json"))
    assert (counts["queued"], counts["delayed"], counts["queue:console"]) == (1, 1, 1)


def test_push_runs_a_job_now(jobs: Jobs, board: Board) -> None:
    jobs("put", "a", "console", "x")
    assert jobs("push", "a").stdout.startswith("a@")
    assert board.pop("console")[0].raw == "x"
    refused(jobs("push", "nobody"), "no job 'nobody'")


def test_push_stdin(jobs: Jobs, board: Board) -> None:
    result = jobs("push", "-S", input='{"runner": "console", "payload": "x"}\n{"id": "zz"}\n')
    assert result.exit_code == 2
    assert "line 2: there is no job 'zz'" in result.stderr
    assert "1 pushed, 1 refused" in result.stderr
    assert board.count()["queued"] == 1


def test_trim_drops_the_oldest(jobs: Jobs, board: Board) -> None:
    list(board.push_many({"runner": "console", "payload": str(i)} for i in range(2500)))
    assert lines(jobs("trim", "console", "--keep", "2", "--json")) == [{"dropped": 2498}]
    assert [task.raw for task in board.pop("console", count=5)] == ["2498", "2499"]
    assert board.stats()["trimmed"] == 2498


def test_tick_once_moves_all_that_is_due(jobs: Jobs, board: Board) -> None:
    due = ({"id": f"j{i}", "runner": "console", "payload": "x", "at": 1} for i in range(700))
    list(board.put_many(due))
    assert lines(jobs("tick", "--once", "--limit", "100", "--json")) == [{"moved": 700}]
    assert board.count()["queued"] == 700


# Administration


def test_init_names_every_command(jobs: Jobs, board: Board) -> None:
    (shas,) = lines(jobs("init", "--functions", "--json"))
    assert board.client.evalsha(str(shas["JCOUNT"]), 1, board.keys.tag)[:2] == ["jobs", 0]
    assert board.client.fcall("JCOUNT", 1, board.keys.tag)[:2] == ["jobs", 0]


def test_plugins_lists_the_builtin_one(jobs: Jobs) -> None:
    builtin = next(info for info in lines(jobs("plugins", "--json")) if info["name"] == "builtin")
    assert builtin["state"] == "ok"
    assert "console" in builtin["provides"]["runners"]  # type: ignore[index]


def test_stats_of_a_job_add_up(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x", every=10, attempts=2)
    board.tick(now=time.time() + 35)
    for verb in ("retry", "done"):
        board.ack(board.pop("console", lease=30)[0].token, verb)
    board.push("a")
    (found,) = lines(jobs("stats", "--job", "a", "--json"))
    assert {name: n for name, n in found.items() if n} == {
        "due": 5,
        "queued": 2,
        "coalesced": 3,
        "done": 1,
        "retried": 1,
        "in_flight": 1,
    }
    assert "coalesced" in jobs("stats", "--job", "a").stdout
    refused(jobs("stats", "--job", "nobody"), "there is no job 'nobody'")


def test_doctor_checks_the_ledger(jobs: Jobs, board: Board) -> None:
    for _ in range(3):
        board.push("console", "x")
    board.ack(board.pop("console", lease=30)[0].token)
    (found,) = lines(jobs("doctor", "--ledger", "--json"))
    assert (found["check"], found["state"]) == ("ledger", "ok")
    assert found["note"] == "3 due: all accounted for, 2 in flight"
    board.client.lpop(board.keys.queue("console"))  # as if a task had been lost
    result = jobs("doctor", "--ledger")
    assert result.exit_code == 1
    assert "queued is 3, but done + dead + cancelled + unleased + in_flight is 2" in result.stdout


def test_history_shows_the_events_of_tasks(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x")
    first, second = board.push("a"), board.push("console", "y")
    board.ack(board.pop("console", lease=30)[0].token, "retry", note="busy", code=75)
    for _ in range(2):
        board.ack(board.pop("console", lease=30)[0].token, "done", data={"answer": 42})
    found = lines(jobs("history", "--json"))
    assert [(entry["task"], entry["what"]) for entry in found] == [
        (second, "done"),
        (first, "done"),
        (first, "retry"),
    ]
    assert found[0]["data"] == {"answer": 42}
    assert [entry["task"] for entry in lines(jobs("history", "--job", "a", "--json"))] == [first, first]
    assert "busy" in jobs("history", first).stdout
    assert len(lines(jobs("history", "--count", "1", "--json"))) == 1


def test_doctor_reports_unreadable_records(jobs: Jobs, board: Board) -> None:
    board.put("good", "test", "x", every=5)
    board.client.hset(board.keys.job, "bad", "garbage")
    board.client.zadd(board.keys.schedule, {"bad": 1})
    board.tick()
    result = jobs("doctor")
    assert result.exit_code == 1
    assert "✗ records: Jobs moved 1 unreadable record aside; the latest was in job bad" in result.stdout
    board.client.delete(board.keys.bad)
    assert jobs("doctor").exit_code == 0


def test_doctor_reports_a_clock_step_back(jobs: Jobs, board: Board) -> None:
    board.put("a", "test", "x", every=1)
    board.tick(now=time.time() + 3600)
    board.tick()
    result = jobs("doctor")
    assert re.search(r"(?m)^! time: the clock of Redis went back by 3[56]\d\d\.?\d* s at 20", result.stdout)
    assert result.exit_code == 0


def test_doctor_finds_a_policy_that_would_evict_jobs(jobs: Jobs, board: Board) -> None:
    board.init()
    assert jobs("doctor").exit_code == 0
    board.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        result = jobs("doctor", "--json")
    finally:
        board.client.config_set("maxmemory-policy", "noeviction")
    assert result.exit_code == 1
    (memory,) = (line for line in map(json.loads, result.stdout.splitlines()) if line["check"] == "memory")
    assert memory["state"] == "problem"
    assert "noeviction" in memory["advice"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_prints_a_function_that_leaves_the_builtin_alone(jobs: Jobs, shell: str) -> None:
    assert "builtin jobs" in jobs("completion", shell).stdout


# Mistakes


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["put", "a"], "put needs ID RUNNER PAYLOAD"),
        (["put", "a", "consle", "x"], "no runner 'consle' (did you mean 'console'?)"),
        (
            ["put", "a", "console", "x", "--every", "5q"],
            "every: expected a duration such as 90, 1h30m or PT1H30M, got '5q'",
        ),
        (["put", "a", "console", "x", "--every", "0"], "every: expected at least"),
        (
            ["put", "a", "console", "x", "--at", "noon"],
            "2026-12-01T08:00:00Z or +10m, got 'noon'",
        ),
        (
            ["put", "a", "console", "x", "--at", "2026-02-30"],
            "2026-12-01T08:00:00Z or +10m, got '2026-02-30'",
        ),
        (["put", "a", "console", "x", "--stop", "+1h"], "stop: needs every"),
        (["put", "a", "console", "x", "--every", "5", "--at", "+1h"], "at: cannot be combined with every"),
        (["put", "a", "console", "x", "--every", "5", "--repeat", "0"], "repeat: expected a whole number"),
        (["put", "a", "console", "x", "--every", "5", "--evry", "5"], "No such option"),
        (["--bord", "b", "list"], "No such option"),
        (["--board", "b", "list"], "--board goes after the command: jobs list --board"),
        (["put", "a", "console", "x", "--policy", "retyr"], "no policy 'retyr' (did you mean 'retry'?)"),
        (["put", "a b", "console", "x"], "id: expected a job id"),
        (["put", "a", "console", "x" * 1048577], "payload: expected at most 1048576 bytes"),
        (["show", "nobody"], "no job 'nobody'"),
        (["pause", "nobody"], "no job 'nobody'"),
        (["next", "nobody"], "no job 'nobody'"),
        (["push"], "push needs"),
        (["run", "--runner", "nobody"], "no runner 'nobody'"),
        (["run", "--log", "consle"], "no logger 'consle' (did you mean 'console'?)"),
        (["up", "missing.yml"], "missing.yml: cannot read the file: No such file"),
        (["count", "--board", "a b"], "board: expected a name without spaces or braces, got 'a b'"),
        (["count", "--url", "nonsense"], "The URL of Redis is invalid"),
        (["nonsense"], "No such command"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_mistake_gets_one_sentence_and_exit_code_2(
    jobs: Jobs, board: Board, words: list[str], says: str
) -> None:
    refused(jobs(*words), says)
    assert not board.client.keys(f"{board.keys.job}*")


def test_a_payload_is_never_part_of_an_error(jobs: Jobs) -> None:
    for words in (["put", "a b", "console", "s3cret"], ["put", "a", "nobody", "s3cret"]):
        assert "s3cret" not in jobs(*words).output


# Unusable servers


def real(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
    return subprocess.run(
        [sys.executable, "-c", "from jobs_core.cli import main; main()", *words],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_server_explains_how_to_start_one(tmp_path: Path) -> None:
    done = real("list", JOBS_DATA=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == (
        "Error: No server is running. Start one with `jobs up`, or set --url or JOBS_REDIS_URL."
    )


@pytest.mark.parametrize("command", ["list", "count", "run", "tick", "doctor"])
def test_an_absent_server_exits_with_the_fault_code(command: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = real(command, "--url", f"redis://:hunter2@127.0.0.1:{port}")
    assert done.returncode == 1
    assert "cannot reach Redis" in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_output_pipe_is_not_an_error(jobs: Jobs, board: Board, url: str) -> None:
    list(board.put_many({"id": f"j{i}", "runner": "console", "payload": "x"} for i in range(3000)))
    script = f"{sys.executable} -c 'from jobs_core.cli import main; main()' list --json | head -n 1"
    environment = os.environ | {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    done = subprocess.run(script, shell=True, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
