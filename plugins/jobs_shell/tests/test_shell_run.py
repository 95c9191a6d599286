"""The shell runner with real processes: environments and outcomes of commands."""

from __future__ import annotations

import errno
import json
import os
import pwd
import re
import resource
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import jobs_shell
import pytest
from jobs_shell.limits import restore_file_limit
from jobs_shell.surroundings import inherited

from jobs_core import Context, Outcome, Parent, WorkerInfo
from jobs_core.testing import make_task, read_settings, run_task

ROOT = os.geteuid() == 0


(RUNNER,) = jobs_shell.jobs_runners()


TASK: dict[str, Any] = {
    "id": "a@1763900005500",
    "job": "a",
    "queue": "fast",
    "due": 1763900005.5,
    "attempt": 2,
    "token": "secret-token",
}


def run(payload: Any, context: Context | None = None) -> Outcome:
    return run_task(RUNNER, make_task(RUNNER, payload, **TASK), context or Context("w1"))


def output(payload: Any) -> str:
    return str(run(payload).data["output"])


class Collect(Context):
    """A context that collects lines, and sets an event on a given line."""

    def __init__(self, mark: str = "ready", timeout: float | None = None) -> None:
        super().__init__("w1", timeout=timeout)
        self.lines: list[tuple[str, str]] = []
        self.mark = mark
        self.marked = threading.Event()

    def line(self, text: str, stream: str = "stdout") -> None:
        self.lines.append((text, stream))
        if text == self.mark:
            self.marked.set()


@pytest.fixture(autouse=True)
def fresh_environment() -> None:
    """Clear the cached environment of the worker, so that a test can change it."""
    inherited.cache_clear()


# Outcomes


def test_exit_zero_is_done() -> None:
    outcome = run("echo hi; echo oops >&2")
    assert (outcome.status, outcome.note) == ("done", "exit 0")
    assert outcome.data["exit"] == 0
    assert outcome.data["signal"] is None
    assert sorted(outcome.data["output"].split()) == ["hi", "oops"]
    assert 0 <= outcome.data["seconds"] < 5
    assert outcome.data["truncated"] is False


def test_exit_zero_with_callback_is_accepted() -> None:
    assert run({"line": "true", "callback": True}).status == "accepted"
    assert run({"line": "exit 3", "callback": True}).code == "3"


def test_another_exit_status_is_the_code() -> None:
    outcome = run("exit 3")
    assert (outcome.status, outcome.code, outcome.note) == ("failed", "3", "exit 3")


def test_a_signal_is_the_code() -> None:
    outcome = run("kill -KILL $$")
    assert (outcome.status, outcome.code, outcome.note) == ("failed", "SIGKILL", "killed by SIGKILL")
    assert (outcome.data["exit"], outcome.data["signal"]) == (None, "SIGKILL")


@pytest.mark.parametrize("payload", [{"argv": ["no-such-program-s3cret"]}, "no-such-program-s3cret"])
def test_a_missing_command_is_127(payload: Any) -> None:
    outcome = run(payload)
    assert (outcome.status, outcome.code) == ("failed", "127")
    assert outcome.note == "exit 127: command not found"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"line": "true", "cwd": "/no/such/s3cret"}, "cwd: cannot enter the directory: No such file"),
        ({"line": "true", "cwd": "/etc/passwd"}, "cwd: cannot enter the directory: Not a directory"),
        ({"line": "true", "user": "no-such-s3cret"}, "user: no such user"),
        ({"line": "true", "nice": "s3cret"}, "nice: expected type integer"),
        ({"line": "true", "s3cret": 1}, "runner: unknown key, expected one of line, argv"),
        ({"cwd": "/"}, "set either 'line' or 'argv'"),
        ({"line": "echo s3cret\0"}, "line: contains a NUL"),
        ({"line": ": " + "s3cret" * 100_000}, "cannot start the command: Argument list too long"),
    ],
)
def test_a_command_that_cannot_start_fails_with_one_sentence(payload: Any, words: str) -> None:
    outcome = run(payload)
    assert outcome.status == "failed" and not outcome.unstarted
    assert words in outcome.note
    assert "s3cret" not in outcome.note


# Environment


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_WORKER", "yes")
    lines = output({"line": "env", "env": {"MINE": "1"}}).splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    expected = {
        "JOBS_TASK_ID": "a@1763900005500",
        "JOBS_JOB_ID": "a",
        "JOBS_DUE": "1763900005.500",
        "JOBS_ATTEMPT": "2",
        "JOBS_RUNNER": "shell",
        "JOBS_QUEUE": "fast",
        "JOBS_TOKEN": "secret-token",
        "JOBS_WORKER": "w1",
        "JOBS_PAYLOAD": '{"line": "env", "env": {"MINE": "1"}}',
        "FROM_WORKER": "yes",
        "MINE": "1",
    }
    assert {name: found.get(name) for name in expected} == expected


LOAD = Parent("load", "load@1763900000000", "dead", "3", "exit 3: é", {"rows": [1, 2**60]})


def parents_of(*parents: Parent) -> str:
    """What a command sees of its parents."""
    task = make_task(RUNNER, 'echo "$JOBS_PARENTS"', **TASK, parents=parents)
    return str(run_task(RUNNER, task, Context("w1")).data["output"])


def test_a_command_sees_how_its_parents_ended() -> None:
    assert json.loads(parents_of(LOAD, Parent("clean"))) == [
        {
            "job": "load",
            "task": "load@1763900000000",
            "outcome": "dead",
            "code": "3",
            "note": "exit 3: é",
            "data": {"rows": [1, 2**60]},
        },
        {"job": "clean"},
    ]
    assert "JOBS_PARENTS" not in output("env")


def test_parents_that_are_too_large_for_a_variable_lose_their_data() -> None:
    large = [Parent(f"p{n}", f"p{n}@1", "done", note="x" * 200, data={"a": "x" * 1000}) for n in range(100)]
    size = 'printf %s "$JOBS_PARENTS" | wc -c'
    task = make_task(RUNNER, size, **TASK, parents=tuple(large))
    outcome = run_task(RUNNER, task, Context("w1"))
    assert outcome.status == "done" and 20_000 < int(outcome.data["output"]) < 100_000


TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "v=1"}


@pytest.mark.parametrize("user", [None, *(["nobody"] if ROOT else [])])
def test_a_command_continues_the_trace_of_its_task_and_not_that_of_the_worker(
    user: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", "of the worker")
    monkeypatch.setenv("TRACESTATE", "of=the-worker")
    inherited.cache_clear()
    payload: dict[str, Any] = {"line": "env | grep ^TRACE | sort", "cwd": "/"} | (
        {"user": user} if user else {}
    )
    seen = [str(run(payload, Context("w1", trace=trace)).data["output"]) for trace in (TRACE, {})]
    assert seen[0].splitlines() == [f"{name.upper()}={value}" for name, value in TRACE.items()]
    assert seen[1] == ""


def test_a_payload_may_set_its_own_trace() -> None:
    payload = {"line": 'echo "$TRACEPARENT"', "env": {"TRACEPARENT": "mine"}}
    assert run(payload, Context("w1", trace=TRACE)).data["output"] == "mine"


OWN = {
    "JOBS_REDIS_URL": "redis://:s3cret@redis.internal/0",
    "JOBS_HTTP_SECRET": "whsec_s3cret",
    "JOBS_SECRET_TOKEN": "s3cret",
    "JOBS_HTTP_DENY": "s3cret",
    "JOBS_DATA": "/var/lib/data",
}


def found(payload: Any, context: Context) -> dict[str, str]:
    """The environment of a command."""
    lines = str(run(payload, context).data["output"]).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A worker that has secrets, and its settings."""
    for name, value in (OWN | {"AWS_SECRET_ACCESS_KEY": "of the worker", "TZ": "UTC", "LANG": "C"}).items():
        monkeypatch.setenv(name, value)
    inherited.cache_clear()
    return read_settings()


def test_a_command_gets_no_variable_of_jobs_itself(settings: dict[str, Any]) -> None:
    names = found("env", Context("w1", settings=settings))
    assert {name for name in names if name.startswith("JOBS_")} == {
        *("JOBS_TASK_ID", "JOBS_JOB_ID", "JOBS_DUE", "JOBS_ATTEMPT", "JOBS_RUNNER", "JOBS_QUEUE"),
        *("JOBS_TOKEN", "JOBS_WORKER", "JOBS_PAYLOAD", "JOBS_DATA", "JOBS_ACK"),
    }
    assert "s3cret" not in "".join(names.values())
    assert names["AWS_SECRET_ACCESS_KEY"] == "of the worker"


def test_a_worker_may_allow_variables_for_jobs_ack(settings: dict[str, Any]) -> None:
    settings["shell_env"] = ["JOBS_REDIS_URL"]
    names = found("env", Context("w1", settings=settings))
    assert names["JOBS_REDIS_URL"] == OWN["JOBS_REDIS_URL"]
    assert "JOBS_HTTP_SECRET" not in names


def test_a_command_is_told_its_board() -> None:
    class Here:
        name = "billing"

    assert found("env", Context("w1", board=Here()))["JOBS_BOARD"] == "billing"  # type: ignore[arg-type]


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_another_user_gets_a_clean_environment(settings: dict[str, Any]) -> None:
    settings["shell_env"] = ["KEPT"]
    names = found({"argv": ["env"], "user": "nobody", "cwd": "/"}, Context("w1", settings=settings))
    own = {name for name in names if not name.startswith("JOBS_")} - {"PWD", "OLDPWD", "_", "SHLVL"}
    assert own == {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ"}
    assert "s3cret" not in "".join(names.values())
    assert "JOBS_DATA" not in names and names["JOBS_TOKEN"] == "secret-token"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_command_has_the_limit_on_files_that_the_worker_had(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr("jobs_shell.execute.restore_file_limit", partial(restore_file_limit, of=(321, hard)))
    assert output("ulimit -Sn") == "321"
    monkeypatch.undo()
    assert output("ulimit -Sn") == str(soft)


def test_the_environment_is_read_when_a_worker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE", "early")
    assert output("echo $HUE") == "early"
    monkeypatch.setenv("HUE", "late")
    assert output("echo $HUE") == "early"
    jobs_shell.jobs_startup(WorkerInfo("w1", "jobs", ("shell",), 10))
    assert output("echo $HUE") == "late"


def test_env_of_the_payload_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE", "worker")
    assert output({"line": "echo $HUE", "env": {"HUE": "payload"}}) == "payload"


def test_a_large_payload_is_not_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_PAYLOAD", "of somebody else")
    assert output("echo ${JOBS_PAYLOAD-none}; : " + "x" * 33_000) == "none"


def test_standard_input_is_the_task_as_one_line_of_json() -> None:
    text = output("cat")
    assert json.loads(text) == {
        "id": "a@1763900005500",
        "job": "a",
        "runner": "shell",
        "queue": "fast",
        "due": 1763900005.5,
        "attempt": 2,
        "token": "secret-token",
        "worker": "w1",
        "payload": {"line": "cat"},
    }
    assert output("wc -l").strip() == "1"


def test_input_replaces_standard_input() -> None:
    assert output({"argv": ["cat"], "input": "one\ntwo"}) == "one\ntwo"
    assert output({"argv": ["wc", "-c"], "input": ""}).strip() == "0"


@pytest.mark.parametrize("line", ["true", "exec <&-; sleep 0.05", "sleep 0.05"])
def test_a_large_input_that_nobody_reads_is_harmless(line: str) -> None:
    assert run({"line": line, "input": "x" * 3_000_000}).status == "done"


def test_a_large_input_and_a_large_output_do_not_deadlock() -> None:
    outcome = run({"argv": ["cat"], "input": "0123456789abcde\n" * 200_000, "limit": 32})
    assert outcome.status == "done"
    assert outcome.data["output"].endswith("0123456789abcde")


def test_a_command_that_writes_before_it_reads_on_does_not_deadlock() -> None:
    line = "dd bs=4096 count=1 of=/dev/null 2>&1; head -c 1000000 /dev/zero; cat > /dev/null"
    assert run({"line": line, "input": "x" * 3_000_000}).status == "done"


def test_argv_is_run_without_a_shell() -> None:
    assert output({"argv": ["echo", "$HOME; a  b", "'"]}) == "$HOME; a  b '"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# nothing", ""),
        ("\n  # a comment\n\necho hi", "hi"),
        ("cat <<.\none\ntwo\n.\necho three", "one\ntwo\nthree"),
        ("echo $0 $#", "/bin/sh 0"),
        ("echo ${JOBS_GATE-unset}; env | grep -c ^JOBS_GATE=", "unset\n0"),
        ("read line; echo ${line%%:*}; cat", '{"id"'),
    ],
)
def test_a_line_is_run_as_it_stands(line: str, expected: str) -> None:
    assert output(line) == expected


def test_the_shell_reports_the_line_of_a_mistake() -> None:
    assert re.search(r"\b1: .*no-such-command", output("no-such-command"))
    assert re.search(r"\b2: .*no-such-command", output("true\nno-such-command"))


def test_a_line_with_a_syntax_error_runs_nothing() -> None:
    outcome = run("echo ran; if")
    assert outcome.code == "2"
    assert "ran" not in outcome.data["output"].splitlines()


def test_options_of_a_shell_stay_options() -> None:
    assert output({"argv": ["/bin/sh", "-c", "-e", "false; echo went on"]}) == ""
    assert output({"argv": ["/bin/sh", "-c", "echo $0 $1", "zero", "one"]}) == "zero one"


def test_another_shell() -> None:
    assert output({"line": "anything", "shell": "/bin/echo"}) == "-c anything"


def test_cwd_umask_and_nice(tmp_path: Path) -> None:
    assert output({"line": "pwd", "cwd": str(tmp_path)}) == str(tmp_path)
    assert output({"line": "umask", "umask": "027"}).endswith("027")
    assert output({"line": "nice", "nice": 5}) == str(os.nice(0) + 5)
    assert output({"argv": ["nice"], "nice": 5}) == str(os.nice(0) + 5)


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_user() -> None:
    nobody = pwd.getpwnam("nobody")
    lines = output({"line": "id -u; id -g; id -G; echo $HOME $USER", "user": "nobody", "cwd": "/"}).split()
    groups = [str(group) for group in os.getgrouplist("nobody", nobody.pw_gid)]
    assert lines == [str(nobody.pw_uid), str(nobody.pw_gid), *groups, nobody.pw_dir, "nobody"]


def test_a_user_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    if ROOT:
        pid = os.fork()
        if pid == 0:  # without root; only the exit status matters
            os.setuid(pwd.getpwnam("nobody").pw_uid)
            outcome = run({"line": "true", "user": "root", "cwd": "/"})
            os._exit(0 if "user: the worker must run as root" in outcome.note else 1)
        assert os.waitpid(pid, 0)[1] == 0
    else:
        assert "user: the worker must run as root" in run({"line": "true", "user": "root"}).note


def test_no_descriptor_of_the_worker_leaks_into_a_command() -> None:
    run("true")  # the guardian runs now
    assert output("ls /proc/self/fd").split() == ["0", "1", "2", "3"]  # 3 is the directory that ls reads


def test_the_runner_leaks_no_descriptor() -> None:
    run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        run("echo hi")
        run({"line": "true", "cwd": "/no/such"})
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_worker_short_of_descriptors_says_so_and_leaks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))
    pipe, calls = os.pipe, iter((True, True, False))

    def scarce() -> tuple[int, int]:
        if next(calls):
            return pipe()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe", scarce)
    outcome = run("true")
    assert (outcome.code, outcome.note) == ("start", "cannot start the command: Too many open files")
    assert outcome.unstarted
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_commands_run_without_pidfd_support(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert run("echo hi; exit 3").code == "3"
    assert output("echo hi; exec >&- 2>&-; sleep 0.1") == "hi"
    assert output({"argv": ["cat"], "input": "x" * 200_000})[-3:] == "xxx"
    assert run("sleep 30", Collect(timeout=0.2)).code == "timeout"


# Output


def test_lines_are_passed_on_as_they_come() -> None:
    context = Collect()
    done: list[Outcome] = []
    thread = threading.Thread(target=lambda: done.append(run("echo ready; sleep 30", context)))
    thread.start()
    assert context.marked.wait(10)  # long before the command ends
    context.stop()
    thread.join(10)
    assert done[0].status == "cancelled"


def test_lines_carry_their_stream_and_no_line_end() -> None:
    context = Collect()
    run(r"printf 'one\r\ntwo\n\nlast'; printf 'err' >&2", context)
    assert [text for text, stream in context.lines if stream == "stdout"] == ["one", "two", "", "last"]
    assert [text for text, stream in context.lines if stream == "stderr"] == ["err"]


def test_undecodable_bytes_are_replaced() -> None:
    assert output(r"printf 'caf\303\251 \377\n'") == "café \ufffd"


def test_only_the_tail_is_kept() -> None:
    outcome = run({"line": "seq 1000000", "limit": 20})
    assert outcome.data["output"] == "999998\n999999\n1000000"[-20:]
    assert outcome.data["truncated"] is True


def test_limit_zero_keeps_nothing() -> None:
    assert run({"line": "echo hi", "limit": 0}).data["output"] == ""


def test_an_endless_line_takes_constant_memory() -> None:
    run("true")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    longest = 0

    class Measure(Context):
        def line(self, text: str, stream: str = "stdout") -> None:
            nonlocal longest
            longest = max(longest, len(text))

    outcome = run("head -c 100000000 /dev/zero | tr '\\0' x", Measure("w1"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert outcome.status == "done"
    assert outcome.data["truncated"] is True
    assert len(outcome.data["output"]) == 64 * 1024
    assert longest == 8192
    assert grown < 10_000  # kilobytes, of 100 MB


# Timeouts, cancellation and cleanup


def test_timeout_sends_term_to_the_whole_group() -> None:
    context = Collect(timeout=0.4)
    outcome = run("sh -c 'trap \"echo child ends; exit\" TERM; sleep 30 & wait' & wait", context)
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert outcome.data["signal"] == "SIGTERM"
    assert re.fullmatch(r"timed out after 0\.\d+ s, killed by SIGTERM", outcome.note)
    assert outcome.data["seconds"] < 3  # not 30, and without the grace
    assert ("child ends", "stdout") in context.lines


def test_kill_follows_term_after_the_grace() -> None:
    outcome = run({"line": "trap '' TERM; sleep 30", "grace": 0.2}, Collect(timeout=0.4))
    assert (outcome.code, outcome.data["signal"]) == ("timeout", "SIGKILL")
    assert 0.5 < outcome.data["seconds"] < 3


def test_a_command_that_exits_zero_within_the_grace_has_still_timed_out() -> None:
    outcome = run("trap 'echo saved; exit 0' TERM; sleep 30 & wait", Collect(timeout=0.4))
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert (outcome.data["exit"], outcome.data["output"]) == (0, "saved")


def test_a_command_that_ignores_its_output_still_times_out() -> None:
    assert run("exec >&- 2>&- <&-; sleep 30", Collect(timeout=0.4)).code == "timeout"


def test_a_suspended_command_is_ended_too() -> None:
    outcome = run({"line": "kill -STOP $$", "grace": 5}, Collect(timeout=0.4))
    assert (outcome.code, outcome.data["signal"]) == ("timeout", "SIGTERM")


def test_cancelled() -> None:
    context = Collect()
    threading.Thread(target=lambda: context.marked.wait(10) and context.stop()).start()
    outcome = run("echo ready; sleep 30", context)
    assert (outcome.status, outcome.code) == ("cancelled", "cancelled")
    assert outcome.data["signal"] == "SIGTERM"


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Wait until a process has ended or is a zombie, where nobody reaps orphans."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("redirect", ["", ">/dev/null 2>&1"])
def test_background_children_do_not_outlive_the_command(redirect: str) -> None:
    started = time.monotonic()
    outcome = run(f"sleep 30 {redirect} & echo $!; exit 4")
    assert (outcome.status, outcome.code) == ("failed", "4")
    assert gone(int(outcome.data["output"]))
    assert 0.9 < time.monotonic() - started < 4


def test_background_children_may_end_by_themselves() -> None:
    assert output("(sleep 0.1; echo late) & echo early") == "early\nlate"


def test_background_children_that_ignore_term_are_killed() -> None:
    outcome = run({"line": "(trap '' TERM; sleep 30) & echo $!", "grace": 0.1})
    assert outcome.status == "done"
    assert gone(int(outcome.data["output"]))


def test_a_process_that_left_the_group_does_not_block_the_runner() -> None:
    started = time.monotonic()
    outcome = run("setsid sh -c 'echo $$; exec sleep 30' & sleep 0.2; printf partial")
    pid, rest = outcome.data["output"].split()
    os.kill(int(pid), 9)
    assert rest == "partial"
    assert time.monotonic() - started < 5


def test_an_error_of_the_logger_leaves_no_process() -> None:
    pids: list[int] = []

    class Broken(Context):
        def line(self, text: str, stream: str = "stdout") -> None:
            pids.append(int(text))
            raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        run("echo $$; exec sleep 30", Broken("w1"))
    assert gone(pids[0])
