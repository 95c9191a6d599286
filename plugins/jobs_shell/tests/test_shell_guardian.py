"""The guardian: a killed worker leaves no commands behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import jobs_shell
import pytest
from jobs_shell.groups import alive
from jobs_shell.guard import BACKUP
from jobs_shell.guardian import CLOCK

from jobs_core import Context, Task, WorkerInfo

WORKER = """
import os, sys, threading
import jobs_shell
from jobs_core import Context, Task

def run(line):
    task = Task("a@1", "a", "shell", "shell", 1.0, 1, line, payload={"line": line, "grace": 0.2})
    # One write per line: print() writes the line end separately, so lines of threads would mix.
    jobs_shell.run(task, Context("w", emit=lambda text, stream: os.write(1, f"{text}\\n".encode())))

threads = [threading.Thread(target=run, args=(line,)) for line in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("finished", flush=True)
sys.stdin.read()
"""


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Poll for a state without an event, such as that of another process."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def gone(pid: int) -> bool:
    """Wait until a process has ended or is a zombie, since some inits reap late."""
    return until(lambda: dead(pid))


def dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def ignored(pid: int) -> set[int]:
    """Return the signals that a process ignores."""
    mask = int(Path(f"/proc/{pid}/status").read_text().split("SigIgn:")[1].split()[0], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def guardians(parent: int) -> list[int]:
    """The guardians among the children of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found += [int(path.name)] * (b"guardian.py" in (path / "cmdline").read_bytes())
    return found


def guardian_of(parent: int, other_than: int = 0) -> int:
    """Wait for a guardian."""
    assert until(lambda: bool(set(guardians(parent)) - {other_than}))
    return next(pid for pid in guardians(parent) if pid != other_than)


class Worker:
    """A process that runs shell lines on threads, as a worker does."""

    def __init__(self, *lines: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, *lines],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start() -> Iterator[type[Worker]]:
    started: list[Worker] = []

    class Started(Worker):
        def __init__(self, *lines: str) -> None:
            super().__init__(*lines)
            started.append(self)

    yield Started
    for worker in started:
        worker.kill()
        for stream in (worker.process.stdin, worker.process.stdout):
            assert stream is not None
            stream.close()


def test_a_killed_worker_leaves_no_command_and_no_guardian(start: type[Worker]) -> None:
    worker = start(*["echo $$; sleep 300 & wait", "echo $$; trap '' TERM; while :; do sleep 1; done"] * 2)
    pids = [int(worker.line()) for _ in range(4)]
    guardian = guardian_of(worker.process.pid)
    worker.kill()
    assert all(map(gone, pids))
    assert gone(guardian)


def test_a_guardian_exits_with_its_worker(start: type[Worker]) -> None:
    worker = start("true")
    assert worker.line() == "finished"
    guardian = guardian_of(worker.process.pid)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(10) == 0
    assert gone(guardian)


def test_a_guardian_that_is_killed_is_replaced_and_knows_what_runs(start: type[Worker]) -> None:
    worker = start("echo $$; sleep 300")
    pid = int(worker.line())
    first = guardian_of(worker.process.pid)
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    second = guardian_of(worker.process.pid, other_than=first)
    worker.kill()
    assert gone(pid)
    assert gone(second)


def test_signals_do_not_end_the_guardian(start: type[Worker]) -> None:
    worker = start("echo $$; sleep 300")
    pid = int(worker.line())
    guardian = guardian_of(worker.process.pid)
    assert os.getsid(guardian) != os.getsid(worker.process.pid)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    assert until(lambda: ignored(guardian).issuperset(numbers))
    for number in numbers:
        os.kill(guardian, number)
    worker.kill()
    assert gone(pid)


@pytest.mark.parametrize("argv", [["touch", "started"], ["/bin/sh", "-c", "touch started"]])
def test_a_command_never_starts_if_the_worker_dies_before_it_is_registered(
    argv: list[str], tmp_path: Path
) -> None:
    from jobs_shell.payload import Command
    from jobs_shell.start import gated

    gate = subprocess.Popen(gated(Command(argv)), stdin=subprocess.PIPE, cwd=tmp_path)
    gate.communicate(b"", timeout=10)  # as if the worker had died
    assert gate.returncode != 0
    assert list(tmp_path.iterdir()) == []
    gate = subprocess.Popen(gated(Command(argv)), stdin=subprocess.PIPE, cwd=tmp_path)
    gate.communicate(b"\n", timeout=10)
    assert gate.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["started"]


def test_a_registration_may_arrive_in_pieces() -> None:
    commands = [subprocess.Popen(["sleep", "300"], start_new_session=True) for _ in range(2)]
    first, second = (f"+{command.pid} 0.1 inf inf\n".encode() for command in commands)
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(jobs_shell.__file__).with_name("guardian.py"))],
        stdin=subprocess.PIPE,
        bufsize=0,
    )
    assert guardian.stdin is not None
    guardian.stdin.write(first + second[:3])
    time.sleep(0.3)  # the guardian has read this part of a line by now
    guardian.stdin.write(second[3:])
    guardian.stdin.close()  # at once: the guardian sleeps between reads, and the worker is dead
    assert [command.wait(10) for command in commands] == [-signal.SIGTERM] * 2
    assert guardian.wait(10) == 0


@pytest.fixture
def stubborn() -> Iterator[int]:
    """A process group that ignores SIGTERM. It must be killed by the test."""
    command = ["/bin/sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout as output:
        output.readline()
        yield process.pid
    try:
        assert process.wait(10) == -signal.SIGKILL
    finally:
        process.kill()


def lines_of(pid: int, ends: float) -> bytes:
    """The lines of a command with a long grace, whose lease was renewed once."""
    return f"+{pid} 300 {ends + 300} {ends + 300}\n={pid} {ends} {ends}\n".encode()


def test_a_command_of_a_dead_worker_does_not_outlive_its_lease(stubborn: int) -> None:
    program = [sys.executable, "-I", "-S", str(Path(jobs_shell.__file__).with_name("guardian.py"))]
    ends = time.clock_gettime(CLOCK) + 0.2
    subprocess.run(program, input=lines_of(stubborn, ends), stdout=subprocess.DEVNULL, timeout=30)


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="the backup has no other clock")
def test_nor_does_it_if_the_guardian_is_dead_too(stubborn: int) -> None:
    backup = subprocess.Popen(["/bin/sh", "-c", BACKUP], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with backup:
        assert backup.stdin is not None
        backup.stdin.write(lines_of(stubborn, time.clock_gettime(CLOCK) + 1))
        backup.stdin.close()
        assert gone(stubborn)
        assert backup.poll() is None  # it waits for others, which have no lease
        backup.kill()


def test_the_guardian_starts_with_a_worker_that_serves_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs_shell.guard import Guard

    started: list[Guard] = []
    monkeypatch.setattr(Guard, "start", lambda self: started.append(self))
    jobs_shell.jobs_startup(WorkerInfo("w", "jobs", ("http",), 10))
    assert started == []
    jobs_shell.jobs_startup(WorkerInfo("w", "jobs", ("http", "shell"), 10))
    assert len(started) == 1


def test_ended_commands_are_unregistered(start: type[Worker]) -> None:
    """A new process that reuses the id of an ended command is not signaled."""
    bystander = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        guardian = Path(jobs_shell.__file__).with_name("guardian.py")
        register = f"+{bystander.pid} 0.1 inf inf\n-{bystander.pid}\n"
        subprocess.run([sys.executable, "-I", "-S", str(guardian)], input=register.encode(), timeout=10)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_runner_registers_and_unregisters(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs_shell.guard import Guard, guard

    told: list[str] = []
    monkeypatch.setattr(Guard, "_send", lambda self, line: told.append(line))
    task = Task("a@1", "a", "shell", "shell", 1.0, 1, "", payload={"line": "echo $$", "grace": 2.5})
    pid = jobs_shell.run(task, Context("w")).data["output"]
    assert told == [f"+{pid} 2.5 inf inf\n", f"-{pid}\n"]
    assert guard._groups == {}


def test_a_forked_child_does_not_keep_the_guardian_from_seeing_its_worker_die() -> None:
    script = (
        "import os, sys, time, jobs_shell; from jobs_shell.guard import guard; guard.start();"
        "pid = os.fork(); pid or time.sleep(300); print(pid, flush=True); sys.stdin.read()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None and worker.stdin is not None
    child = int(worker.stdout.readline())
    try:
        guardian = guardian_of(worker.pid)
        worker.kill()
        worker.wait()
        assert gone(guardian)
    finally:
        os.kill(child, signal.SIGKILL)
        worker.stdin.close()
        worker.stdout.close()


def test_many_runs_at_once_share_one_guardian(start: type[Worker]) -> None:
    worker = start(*["true"] * 20)
    assert worker.line() == "finished"
    assert len(guardians(worker.process.pid)) == 1


def test_a_worker_that_is_killed_together_with_its_guardian_leaves_no_command(start: type[Worker]) -> None:
    worker = start("true; echo $$; sleep 300 & wait", "echo $$; sleep 300; echo on")
    pids = [int(worker.line()) for _ in range(2)]
    os.kill(guardian_of(worker.process.pid), signal.SIGKILL)
    worker.kill()
    assert all(map(gone, pids))
    assert all(until(lambda group=pid: not alive(group)) for pid in pids)  # type: ignore[misc]


def test_a_guardian_at_work_keeps_its_backup_from_it(start: type[Worker], tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    worker = start(
        f"exec 2>/dev/null; trap 'echo TERM >>{heard}' TERM; echo $$; while :; do sleep 0.01; done"
    )
    pid = int(worker.line())
    worker.kill()
    assert gone(pid)
    assert heard.read_text() == "TERM\n"
