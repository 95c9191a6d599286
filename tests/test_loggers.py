"""Loggers: the file logger, and loggers that fail."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from jobs_core import Board, Event, Logger, Outcome, PluginError, Runner, WorkerInfo
from jobs_core.errors import OptionError
from jobs_core.plugins.manager import Plugins
from jobs_core.worker.worker import Worker
from tests.helpers import PATIENCE, Recorder, jobs_process, working


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def speaker() -> Runner:
    def run(task: object, context: object) -> Outcome:
        context.line("h\N{LATIN SMALL LETTER E WITH ACUTE}llo")  # type: ignore[attr-defined]
        return Outcome.done("fine", code="0")

    return Runner("test", run)


def run_one(board: Board) -> None:
    """Run one task with the file logger."""
    board.push("test", "s3cret")
    with working(board, speaker(), loggers=[Plugins.load().logger("file")], name="host-1") as (_, log):
        log.wait_for("task.finished")


def test_the_file_logger_writes_every_event(board: Board, here: Path) -> None:
    run_one(board)
    lines = (here / "jobs.log").read_text("utf-8").splitlines()
    said = [line.split(" ", 1)[1] for line in lines]
    assert said[0] == "host-1 started serving test"
    assert any(line.endswith("| h\N{LATIN SMALL LETTER E WITH ACUTE}llo") for line in said)
    assert any("done (fine)" in line for line in said)
    assert said[-1] == "host-1 stopped (drained)" or said[-1] == "host-1 stopped (at once)"
    assert "s3cret" not in "".join(lines)


def test_the_file_logger_follows_its_settings(
    board: Board, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_LOG_FILE", "logs/{board}/{worker}.log")
    monkeypatch.setenv("JOBS_LOG_FILE_FORMAT", "json")
    run_one(board)
    written = (here / "logs" / board.name / "host-1.log").read_text("utf-8").splitlines()
    kinds = [json.loads(line)["kind"] for line in written]
    assert kinds[0] == "worker.started" and kinds[-1] == "worker.stopped"
    assert {"task.started", "task.line", "task.finished"} <= set(kinds)


def test_the_log_file_is_rotated(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_LOG_FILE_BYTES", "500")
    monkeypatch.setenv("JOBS_LOG_FILE_KEEP", "2")
    logger = opened()
    for number in range(100):
        logger.write(Event("trouble", 1763900005.0, "host-1", data={"note": f"number {number}"}))
    logger.close()
    files = sorted(path.name for path in here.iterdir())
    assert files == ["jobs.log", "jobs.log.1", "jobs.log.2"]
    assert all(0 < path.stat().st_size <= 500 for path in here.iterdir())
    assert "number 99" in (here / "jobs.log").read_text()


def opened(worker: str = "host-1") -> Logger:
    plugins = Plugins.load()
    logger = plugins.logger("file")
    logger.open(WorkerInfo(worker, "jobs", ("test",), 10, plugins.settings()))
    return logger


def test_two_workers_do_not_share_a_file(here: Path, url: str) -> None:
    first = opened()
    first.write(Event("trouble", 1763900005.0, "host-1", data={"note": "mine"}))
    second = jobs_process("run", "--log", "file", path=here, JOBS_REDIS_URL=url)
    # The lock belongs to the process, so another process is needed here.
    _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert err == "Error: log_file: another worker uses jobs.log: set JOBS_LOG_FILE=jobs-{worker}.log\n"
    first.close()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("JOBS_LOG_FILE_FORMAT", "xml", "log_file_format: expected text or json, got 'xml'"),
        ("JOBS_LOG_JSON", "xml", "log_json: expected jobs or otel or ecs, got 'xml'"),
        ("JOBS_LOG_FILE", "/proc/none/jobs.log", "log_file: cannot write /proc/none/jobs.log"),
        ("JOBS_LOG_FILE_KEEP", "many", "JOBS_LOG_FILE_KEEP: expected a whole number"),
    ],
)
def test_invalid_logger_settings_are_an_error(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv("JOBS_LOG_FILE_FORMAT", "json")
    monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=says):
        opened()


# Loggers that get some events


def test_a_logger_may_ask_for_events_of_tasks_with_an_option_only(board: Board) -> None:
    seen: list[tuple[str, str]] = []

    def write(event: Event) -> None:
        seen.append((event.kind, event.task.payload if event.task else ""))  # type: ignore[arg-type]

    board.push("test", "without")
    board.push("test", "with", timeout=60)
    with working(board, speaker(), loggers=[Logger("timed", write, option="timeout")]) as (_, log):
        log.wait_for("task.finished", 2)
    assert seen == [("task.started", "with"), ("task.line", "with"), ("task.finished", "with")]


def test_only_loggers_that_name_ticks_get_them(board: Board) -> None:
    seen: list[str] = []
    ticked = threading.Event()

    def write(event: Event) -> None:
        seen.append(event.kind)
        ticked.set()

    board.push("test", "x")
    with working(board, speaker(), loggers=[Logger("ticks", write, kinds=("ticked",))]) as (_, log):
        log.wait_for("task.finished")
        assert ticked.wait(PATIENCE)
    assert set(seen) == {"ticked"}
    assert log.of("ticked") == []


def test_a_logger_reports_a_problem(board: Board) -> None:
    def open(worker: WorkerInfo) -> None:
        worker.trouble("the paper is low")

    with working(board, speaker(), loggers=[Logger("paper", lambda event: None, open=open)]) as (_, log):
        assert [event.data["note"] for event in log.wait_for("trouble")] == ["the paper is low"]


# Failing loggers


def raise_(event: Event) -> None:
    raise OSError("disk full")


def test_a_logger_that_raises_is_named_once_to_the_others(board: Board) -> None:
    for _ in range(5):
        board.push("test", "x")
    with working(board, speaker(), loggers=[Logger("bad", raise_)]) as (_, log):
        log.wait_for("task.finished", 5)
    assert [event.data["note"] for event in log.of("trouble")] == [
        "the logger 'bad' failed: OSError: disk full"
    ]
    assert board.stats()["done"] == 5


def test_a_logger_that_recovers_receives_events_again(board: Board) -> None:
    written: list[str] = []
    full = threading.Event()
    full.set()

    def write(event: Event) -> None:
        if full.is_set():
            raise OSError("disk full")
        written.append(event.kind)

    board.push("test", "x")
    with working(board, speaker(), loggers=[Logger("bad", write)]) as (_, log):
        log.wait_for("task.finished")
        full.clear()
    assert "worker.stopped" in written


def test_a_single_failing_logger_is_named_on_standard_error(
    board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(board, [speaker()], loggers=[Logger("bad", raise_)])
    worker.stop()
    worker.run()
    assert capsys.readouterr().err == "the logger 'bad' failed: OSError: disk full\n"


def test_a_logger_that_cannot_be_opened_stops_the_worker_before_it_takes_a_task(board: Board) -> None:
    closed: list[str] = []

    def refuse(context: WorkerInfo) -> None:
        raise ZeroDivisionError("by zero")

    good = Logger("good", lambda event: None, close=lambda: closed.append("good"))
    board.push("test", "x")
    with pytest.raises(PluginError, match="the logger 'odd' did not open: ZeroDivisionError: by zero"):
        Worker(board, [speaker()], loggers=[good, Logger("odd", raise_, open=refuse)]).run()
    assert closed == ["good"]
    assert board.count()["queued"] == 1


def test_a_logger_receives_the_worker_and_the_settings(board: Board) -> None:
    learnt: list[WorkerInfo] = []
    log = Recorder()
    worker = Worker(
        board, [speaker()], loggers=[log.logger, Logger("curious", lambda event: None, open=learnt.append)]
    )
    worker.stop()
    worker.run()
    (info,) = learnt
    assert (info.name, info.board, info.runners) == (worker.name, board.name, ("test",))
    assert info.settings["log_file"] == "jobs.log"
