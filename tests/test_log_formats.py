"""What loggers write: dates, priorities for the journal, and names in JSON."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Decision, Event, Outcome, Plugins, Task
from jobs_core.embedded import EmbeddedServer
from jobs_core.plugins.builtin.log_records import NAMES
from jobs_core.plugins.builtin.loggers import event_line, print_line
from jobs_core.plugins.builtin.severity import severity_of
from jobs_core.testing.logger import EVENTS
from tests.helpers import PATIENCE, Jobs, jobs_process, runner, wait_until, working

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
TASK = Task("a@1763900005000", "a", "shell", "slow", 1763900005.0, 2, "s3cret", token="a@1763900005000#7")


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone with an offset."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


def run(board: Board, url: str, path: Path, *words: str, **environment: str) -> list[str]:
    """Run a worker with `jobs run` until nothing waits. Returns the lines that it printed."""
    worker = jobs_process(
        *("run", "--runner", "shell", "--runner", "console", *words),
        path=path,
        JOBS_REDIS_URL=url,
        JOBS_BOARD=board.name,
        **environment,
    )
    wait_until(lambda: board.stats()["in_flight"] == 0)
    worker.send_signal(signal.SIGTERM)
    return worker.communicate(timeout=PATIENCE)[0].splitlines()


# Dates


DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30 ")


def test_lines_have_dates_and_zones_in_a_pipe_and_in_a_file(board: Board, url: str, tmp_path: Path) -> None:
    board.push("console", "hello")
    log = tmp_path / "jobs.log"
    said = run(board, url, tmp_path, "--log", "console", "--log", "file", JOBS_LOG_FILE=str(log))
    for lines in (said, log.read_text().splitlines()):
        assert all(DATED.match(line) for line in lines), lines
        assert sum(line.endswith("| hello") for line in lines) == 1


def test_a_line_has_the_time_of_its_event() -> None:
    event = Event("trouble", 1763900005.3104, "host-1", data={"note": "Redis is away"})
    assert event_line(event) == "2025-11-23T17:43:25.310+05:30 host-1 trouble Redis is away"


def test_a_terminal_shows_the_time_without_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        print_line(Event("trouble", 1763900005.3, "host-1", data={"note": "Redis is away"}))
        assert os.read(leader, 1000).decode().rstrip() == "17:43:25 host-1 trouble Redis is away"
    os.close(leader)


# The journal


@contextmanager
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard output a pipe that JOURNAL_STREAM names. Yields its other end."""
    other, end = os.pipe()
    found = os.fstat(end)
    with os.fdopen(end, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        yield other
    os.close(other)


LEVELS: list[tuple[Event, str, int]] = [
    (Event("trouble", 1.0, "w", data={"note": "x"}), "error", 3),
    (Event("recovered", 1.0, "w", data={"note": "x", "seconds": 2.0}), "info", 6),
    (Event("worker.started", 1.0, "w", data={"note": "x"}), "info", 6),
    (Event("task.line", 1.0, "w", TASK, data={"line": "x", "stream": "stderr"}), "info", 6),
    (Event("task.finished", 1.0, "w", TASK, Outcome.done(), Decision.done()), "info", 6),
    (Event("task.finished", 1.0, "w", TASK, Outcome.failed(), Decision.retry(5)), "warn", 4),
    (Event("task.finished", 1.0, "w", TASK, Outcome.failed(), Decision.release(5)), "warn", 4),
    (Event("task.finished", 1.0, "w", TASK, Outcome.failed(), Decision.dead()), "error", 3),
    (Event("task.finished", 1.0, "w", TASK, Outcome.failed(), Decision.done()), "error", 3),
    (Event("task.lost", 1.0, "w", TASK, Outcome.lost(), Decision.retry()), "warn", 4),
    (Event("task.lost", 1.0, "w", TASK, Outcome.lost(), Decision.dead()), "error", 3),
    (Event("task.stale", 1.0, "w", TASK, data={"note": "x"}), "warn", 4),
    (Event("task.cancelled", 1.0, "w", TASK, Outcome.cancelled()), "info", 6),
]


@pytest.mark.parametrize(("event", "level", "priority"), LEVELS)
def test_the_journal_gets_the_priority_of_each_line(
    monkeypatch: pytest.MonkeyPatch, event: Event, level: str, priority: int
) -> None:
    assert severity_of(event) == level
    with journal(monkeypatch) as other:
        print_line(event)
        Plugins().logger("json").write(event)
        first, second = os.read(other, 10_000).decode().splitlines()
    assert first.startswith(f"<{priority}>1970-01-01T") and second.startswith(f"<{priority}>{{")


def test_a_worker_of_systemd_gives_the_journal_priorities(board: Board, url: str, tmp_path: Path) -> None:
    board.push("shell", "echo hello; exit 3", policy="ack")
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nfound = os.fstat(1)\nos.environ['JOURNAL_STREAM'] = f'{found.st_dev}:{found.st_ino}'\n"
    )
    said = run(board, url, tmp_path)
    (line,) = (line for line in said if line.endswith("| hello"))
    (failed,) = (line for line in said if "failed (exit 3)" in line)
    assert line.startswith("<6>") and failed.startswith("<3>") and failed.endswith("given up")


@pytest.mark.parametrize("wrong", ["1:2", "", "x"])
def test_another_stream_has_no_priorities(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", wrong)
    print_line(Event("trouble", 1763900005.3, "host-1", data={"note": "Redis is away"}))
    assert capfd.readouterr().out.startswith("2025-11-23T")


# Names in JSON


@pytest.mark.parametrize("names", NAMES)
def test_json_has_the_names_of_its_setting(board: Board, url: str, tmp_path: Path, names: str) -> None:
    board.push("shell", "echo hello; : s3cret; exit 3", policy="ack", traceparent=PARENT)
    log = tmp_path / "jobs.log"
    environment = {"JOBS_LOG_JSON": names, "JOBS_LOG_FILE": str(log), "JOBS_LOG_FILE_FORMAT": "json"}
    said = run(board, url, tmp_path, "--log", "json", "--log", "file", **environment)
    assert log.read_text().splitlines() == said
    assert "s3cret" not in "".join(said)
    records = {kind_of(record): record for record in map(json.loads, said)}
    check = {"jobs": check_jobs, "otel": check_otel, "ecs": check_ecs}[names]
    check(records["task.line"], records["task.finished"])


def kind_of(record: dict[str, Any]) -> str:
    """The kind of an event, by any of its names."""
    kind: str = record.get("kind") or record.get("event.action") or record["EventName"].removeprefix("jobs.")
    return kind


def check_jobs(line: dict[str, Any], finished: dict[str, Any]) -> None:
    assert (line["line"], line["stream"]) == ("hello", "stdout")
    assert (line["trace_id"], line["span_id"]) == (TRACE_ID, SPAN_ID)
    assert (finished["status"], finished["code"], finished["decision"]) == ("failed", "3", "dead")


def check_otel(line: dict[str, Any], finished: dict[str, Any]) -> None:
    assert (line["Body"], line["SeverityText"], line["SeverityNumber"]) == ("hello", "INFO", 9)
    assert (line["TraceId"], line["SpanId"], line["TraceFlags"]) == (TRACE_ID, SPAN_ID, 1)
    assert line["Attributes"]["log.iostream"] == "stdout"
    assert line["Resource"]["service.name"] == "jobs"
    assert (finished["SeverityText"], finished["SeverityNumber"]) == ("ERROR", 17)
    assert "failed (exit 3)" in finished["Body"]
    attributes = finished["Attributes"]
    assert attributes["messaging.message.id"].startswith("push:")
    assert (attributes["messaging.jobs.outcome"], attributes["messaging.jobs.decision"]) == ("failed", "dead")
    assert abs(int(finished["Timestamp"]) / 1e9 - time.time()) < 3600


def check_ecs(line: dict[str, Any], finished: dict[str, Any]) -> None:
    assert list(line)[:4] == ["@timestamp", "log.level", "message", "ecs.version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["@timestamp"])
    assert (line["message"], line["trace.id"], line["span.id"]) == ("hello", TRACE_ID, SPAN_ID)
    assert (finished["log.level"], finished["event.outcome"]) == ("error", "failure")
    assert (finished["error.code"], finished["error.message"]) == ("3", "exit 3")
    assert finished["event.duration"] > 0 and finished["jobs.decision"] == "dead"


@pytest.mark.parametrize("names", NAMES)
def test_each_kind_of_event_has_a_record(names: str) -> None:
    for event in EVENTS:
        record = json.loads(json.dumps(NAMES[names](event)))
        assert kind_of(record) == event.kind
        assert not any("trace" in name.lower() for name in record)


def test_logs_have_the_name_of_the_service_that_traces_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "billing")
    assert NAMES["otel"](EVENTS[0])["Resource"]["service.name"] == "billing"
    assert NAMES["ecs"](EVENTS[0])["service.name"] == "billing"


def test_unknown_names_are_an_error(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_LOG_JSON", "xml")
    result = jobs("run", "--log", "json")
    assert result.exit_code == 2
    assert result.stderr == "Error: log_json: expected jobs or otel or ecs, got 'xml'\n"


# Redis is back


def test_each_logger_says_that_redis_is_back_and_how_long_it_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOBS_LOG_FILE", str(tmp_path / "jobs.log"))
    plugins = Plugins.load()
    loggers = [plugins.logger(name) for name in ("console", "json", "file")]
    with EmbeddedServer(tmp_path) as server:
        away = Board("away", server.url, validate=False)
        with working(away, runner(lambda task, context: Outcome.done()), loggers=loggers) as (_, log):
            os.kill(server.pid, signal.SIGKILL)
            log.wait_for("trouble")
            while server.alive():
                pass
            server.restart()
            (recovered,) = log.wait_for("recovered")
        away.client.close()
    seconds = recovered.data["seconds"]
    sentence = f" recovered {recovered.data['note']}"
    assert sentence.endswith(f"serves again, after {seconds:.1f} s")
    out = capfd.readouterr().out.splitlines()
    assert sum(line.endswith(sentence) for line in out) == 1
    assert [json.loads(line)["seconds"] for line in out if '"recovered"' in line] == [seconds]
    assert sum(line.endswith(sentence) for line in (tmp_path / "jobs.log").read_text().splitlines()) == 1
    assert NAMES["otel"](recovered)["Attributes"]["messaging.jobs.seconds"] == seconds
    assert NAMES["ecs"](recovered)["event.duration"] == int(seconds * 1e9)
