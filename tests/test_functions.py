"""Functions as jobs: `@board.job(every=5)`, run in the process or by a runner."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Context, OptionError, Outcome, RunnerError, Task
from jobs_core.client.functions import function_runner
from tests.helpers import PATIENCE, Jobs, refused, wait_until, working

PROGRAM = """
import sys
from jobs_core import Board

board = Board(sys.argv[1], sys.argv[2])

@board.job("tick", every="1h")
def tick():
    print("ticked", flush=True)
    return "fine"

@board.job("echo", after="tick")
def echo(payload):
    print("echoed", repr(payload), flush=True)

@board.job("about", after="echo", attempts=2)
def about(task, context):
    print("about", task.job, task.attempt, flush=True)
    raise ValueError("no paper")

board.respond(tick=True)
"""


def test_functions_run_in_the_process_that_declares_them(board: Board, url: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    words = [sys.executable, str(tmp_path / "program.py"), board.name, url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(3)]
        wait_until(lambda: board.stats()["retried"] == 1)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert said == ["ticked", "echoed ''", "about about 1"]
    assert board.show("tick")["every"] == 3600
    assert next(board.history(job="tick"))["note"] == "fine"


REPORTS = """
import sys
from jobs_core import Board

board = Board(sys.argv[1], sys.argv[2]) if __name__ == "__main__" else Board("x", "unix:///nowhere.sock")

@board.job(every=60, runner="python")
def send():
    return "12 pages"

if __name__ == "__main__":
    board.put_declared()
"""


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["office/reports.py"], "reports"),
        (["-m", "office.reports"], "office.reports"),
        (["-m", "office"], "office.__main__"),
    ],
)
def test_a_program_is_known_by_its_import_name(
    url: str, board: Board, tmp_path: Path, words: list[str], module: str
) -> None:
    office = tmp_path / "office"
    office.mkdir()
    (office / "reports.py").write_text(REPORTS)
    (office / "__init__.py").write_text("")
    (office / "__main__.py").write_text(REPORTS)
    subprocess.run([sys.executable, *words, board.name, url], cwd=tmp_path, check=True)
    assert board.show(f"{module}.send")["payload"] == f"{module}:send"


def test_declaring_touches_no_network() -> None:
    board = Board("nowhere", "unix:///nowhere.sock")

    @board.job(every=5)
    def report() -> None: ...

    assert [one.id for one in board.functions.declared] == [
        "tests.test_functions.test_declaring_touches_no_network.-locals-.report"[-64:]
    ]


def test_a_declared_function_stays_a_plain_function(board: Board) -> None:
    @board.job("double", every=5)
    def double(number: int = 1) -> Any:
        return 2 * number

    assert double(4) == 8


def test_put_declared_puts_the_jobs_with_their_options(board: Board) -> None:
    @board.job("a", cron="0 3 * * *", timeout="1h")
    def first() -> None: ...

    @board.job("b", after="a")
    def second() -> None: ...

    runs = board.put_declared()
    assert runs == {"a": board.next("a")[0], "b": None}
    assert (board.show("a")["runner"], board.show("a")["timeout"]) == ("a", 3600)
    assert board.put_declared() == runs


def test_respond_serves_every_declared_function(board: Board) -> None:
    seen: list[str] = []

    @board.job("a")
    def first(payload: str) -> None:
        seen.append(f"first {payload}")

    @board.job("b")
    async def second(task: Task, context: Context) -> Outcome:
        seen.append(f"second {task.job}")
        return Outcome.done("by hand")

    board.put_declared()
    with working(board, *board.functions.runners()):
        board.push("a")
        board.push("a", "with a payload")
        board.push("b")
        wait_until(lambda: board.stats()["done"] == 3)
    assert sorted(seen) == ["first ", "first with a payload", "second b"]


def test_a_function_runs_on_any_worker_by_its_import_path(
    url: str, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.py").write_text("def report():\n    return 'from elsewhere'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("JOBS_PYTHON_PATH", str(tmp_path))
    import elsewhere  # type: ignore[import-not-found]

    checking = Board(board.name, url)
    checking.job(runner="python", every=60)(elsewhere.report)
    checking.put_declared()
    assert checking.show("elsewhere.report")["payload"] == "elsewhere:report"
    with working(checking, checking.plugins.runner("python")):
        checking.push("elsewhere.report")
        other = checking.push("python", "os:getcwd")
        wait_until(lambda: checking.stats()["done"] + checking.stats()["dead"] >= 2)
    assert next(checking.history(job="elsewhere.report"))["note"] == "from elsewhere"
    assert next(checking.history(task=other))["code"] == "not-allowed"  # this program does not declare it
    checking.client.close()


def test_jobs_run_says_which_functions_the_python_runner_may_call(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setenv("JOBS_PYTHON_ALLOW", "a:*")
    monkeypatch.setattr(
        "jobs_core.worker.worker.Worker.run_until_signal", lambda worker: seen.append(worker.info.settings)
    )
    assert jobs("run", "--allow", "b:*", "--allow", "c:d").exit_code == 0
    assert seen[0]["python_allow"] == ["a:*", "b:*", "c:d"]
    refused(jobs("run", "--allow", "tasks"), "--allow: expected module:name or module:*, got 'tasks'")
    refused(jobs("--no-plugins", "run", "--allow", "a:*"), "no plugin here has the setting 'python_allow'")


def test_invalid_declarations_are_rejected(board: Board) -> None:
    def local() -> None: ...

    with pytest.raises(OptionError, match="unknown option 'evry'"):
        board.job(evry=5)
    with pytest.raises(OptionError, match="is not at the top level of its module"):
        board.job(runner="python")(local)
    board.job("a")(local)
    with pytest.raises(OptionError, match="Two functions are declared as the job 'a'"):
        board.job("a")(local)


def test_a_function_typed_interactively_has_no_import_path(url: str) -> None:
    done = subprocess.run([sys.executable, "-", "jobs", url], input=REPORTS, capture_output=True, text=True)
    assert "OptionError: send is in <stdin>, which no other process can import" in done.stderr


@pytest.mark.parametrize(
    ("function", "raw", "note"),
    [
        (lambda: "nothing", "x", "nothing"),
        (lambda payload: f"{payload}", "x", "x"),
        (lambda payload, retries=3: f"{payload} {retries}", "x", "x 3"),
        (lambda payload, /, *, loud=False: f"{payload} {loud}", "x", "x False"),
        (lambda days=7: f"{days}", "", "7"),
        (lambda days=7: f"{days}", "8", "8"),
        (lambda *args, **kwargs: f"{args} {kwargs}", "x", "('x',) {}"),
        (lambda *args: f"{args}", "", "()"),
        (lambda **kwargs: f"{kwargs}", "x", "{}"),
        (lambda task, context: f"{task.job} {context.worker}", "x", "a w"),
        (lambda context, payload, task=None: f"{payload} {task.job} {context.worker}", "x", "x a w"),
        (str.upper, "x", "X"),
        (int, "7", "7"),
        (lambda: 0, "", "0"),
        (lambda: None, "", ""),
        (lambda: sys.exit(), "", ""),
    ],
)
def test_a_function_receives_the_parameters_it_declares(function: Any, raw: str, note: str) -> None:
    assert called(function, raw) == Outcome.done(note)


def called(function: Any, raw: str = "") -> Outcome:
    task = Task("a@1", "a", "a", "a", 0.001, 1, raw=raw, payload=raw)
    return function_runner("a", function).run(task, Context("w"))


async def asynchronous_generator() -> Any:
    yield 1


@pytest.mark.parametrize("function", [lambda: (yield), asynchronous_generator])
def test_a_generator_is_a_failure(function: Any) -> None:
    assert called(function).code == "generator"


def test_sys_exit_in_a_function_is_its_outcome() -> None:
    assert called(lambda: sys.exit(3)) == Outcome.failed("exit 3", code="3")
    assert called(lambda: sys.exit("no paper")) == Outcome.failed("no paper", code="1")


@pytest.mark.parametrize("function", [lambda a, b: 0, lambda a, *, b: 0])
def test_a_function_with_unknown_parameters_is_rejected(board: Board, function: Any) -> None:
    with pytest.raises(OptionError, match="requires a, b"):
        board.job("a")(function)
    with pytest.raises(OptionError, match="requires a, b"):
        board.respond("a", function)


def test_a_zone_and_a_policy_are_checked_when_it_is_put(url: str, board: Board) -> None:
    checking = Board(board.name, url)

    @checking.job("a", cron="0 3 * * *", zone="Europe/Brussels")
    def first() -> None: ...

    assert checking.put_declared()["a"] == checking.next("a")[0]
    checking.job("b", policy="retyr")(first)
    with pytest.raises(RunnerError, match="there is no policy 'retyr'"):
        checking.put_declared()
    checking.client.close()


def test_the_parentheses_may_be_left_out(board: Board) -> None:
    @board.job
    def report() -> int:
        return 5

    assert report() == 5
    assert [one.function for one in board.functions.declared] == [report]


def test_respond_requires_declared_functions(board: Board) -> None:
    with pytest.raises(OptionError, match="No function is declared to run in this process"):
        board.respond()


def test_a_schedule_that_is_wrong_is_refused_when_it_is_put(board: Board) -> None:
    @board.job("a", every="soon")
    def first() -> None: ...

    with pytest.raises(
        OptionError, match="every: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'"
    ):
        board.put_declared()
    assert json.dumps(board.count()) and board.count()["jobs"] == 0
