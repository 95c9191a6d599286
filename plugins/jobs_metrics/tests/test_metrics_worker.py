"""What a worker exposes: only what it did itself."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from jobs_metrics.counts import Counts, word_for
from jobs_metrics.labels import PAIRS
from prometheus_client import generate_latest

from jobs_core import Board, Decision, Event, Outcome, Runner, Task, WorkerInfo
from jobs_core.testing import EmbeddedServer, make_task
from tests.helpers import Jobs, wait_until

from .conftest import Scrape, environment_of, get, scrape, scrape_until, worker_process

ENDINGS = ("done", "dead", "cancelled", "unleased")


def prepare(board: Board) -> None:
    """Push tasks that end in every way, and put jobs that were due while nobody ticked."""
    for _ in range(3):
        board.push("shell", "true")
    board.push("shell", "exit 3")
    board.push("shell", "exit 3", attempts=3, backoff="0.1s")
    board.push("shell", "true", policy="none", queue="odd")
    long_ago = f"{time.time() - 3500:.3f}"
    board.commands.call("JSET", "late", "shell", "true", "every", 1000, "now", long_ago)
    rules = ("misfire", "skip", "grace", 5)
    board.commands.call("JSET", "strict", "shell", "true", "every", 1000, *rules, "now", long_ago)


def test_the_counters_of_a_worker_and_of_its_board_agree_with_the_ledger(
    board: Board, url: str, jobs: Jobs, tmp_path: Path
) -> None:
    prepare(board)
    words = ("--runner", "shell", "--queue", "odd", "--metrics", "0", "--concurrency", "4")
    with worker_process(tmp_path, *words, **environment_of(board, url)) as (_, address):
        slow = board.push("shell", "sleep 60")
        wait_until(lambda: slow in {task.task for task in board.top().running_tasks})
        board.cancel(slow)
        wait_until(lambda: board.stats()["queued"] == 8 and board.stats()["in_flight"] == 0)
        stats = board.stats()
        assert [stats[name] for name in ENDINGS] == [4, 2, 1, 1]
        assert (stats["retried"], stats["coalesced"], stats["skipped"]) == (2, 3, 4)

        found = scrape_until(address, lambda found: found("jobs_tasks_total") == 8)
        assert {name: found("jobs_tasks_total", outcome=name) for name in ENDINGS} == {
            name: stats[name] for name in ENDINGS
        }
        assert found("jobs_tasks_total", queue="odd", outcome="unleased", board=board.name) == 1
        assert found("jobs_task_events_total", event="retried") == stats["retried"]
        assert found("jobs_task_events_total", event="started") == stats["leased"] + stats["unleased"]
        assert found("jobs_task_duration_seconds_count") == 9  # all attempts but the cancelled one
        assert found("jobs_start_lateness_seconds_count", runner="shell") == 8
        assert found("jobs_start_lateness_seconds_sum") > 400  # one was due long ago
        assert (found("jobs_worker_concurrency"), found("jobs_troubles_total")) == (4, 0)
        assert found("process_resident_memory_bytes") > 0
        assert not [name for name in found.families if "ledger" in name or "occurrences" in name]

        whole = Scrape(jobs("metrics").stdout)
        assert whole.by("outcome", "jobs_ledger_tasks_total") == {name: stats[name] for name in ENDINGS}
        assert whole("jobs_ledger_events_total", event="retried") == stats["retried"]
        assert whole("jobs_occurrences_total", outcome="queued") == stats["queued"]
        assert whole("jobs_occurrences_total", outcome="coalesced", reason="late") == stats["coalesced"]
        assert whole("jobs_occurrences_total", outcome="skipped", reason="late") == stats["skipped"]
        assert whole("jobs_occurrences_total") == stats["due"]
        assert not [name for name in whole.families if name.startswith(("jobs_tasks", "process_"))]


def test_a_worker_answers_while_redis_is_away(tmp_path: Path, jobs: Jobs) -> None:
    with EmbeddedServer(tmp_path) as server:
        board = Board("away", server.url)
        board.push("console", "hello")
        names = {"JOBS_REDIS_URL": server.url, "JOBS_BOARD": board.name, "JOBS_METRICS": "0"}
        with worker_process(tmp_path, "--runner", "console", **names) as (_, address):
            scrape_until(address, lambda found: found("jobs_tasks_total", outcome="done") == 1)
            server.stop()
            found = scrape_until(address, lambda found: found("jobs_troubles_total") == 1)
            assert found("jobs_tasks_total", runner="console") == 1
            failed = jobs("metrics", "--url", server.url, "--board", board.name)
            assert (failed.exit_code, failed.stdout) == (1, "")
            assert failed.stderr.startswith("Error: ") and failed.stderr.count("\n") == 1
        board.client.close()


def test_it_stops_with_its_worker(board: Board, url: str, tmp_path: Path) -> None:
    names = environment_of(board, url)
    with worker_process(tmp_path, "--runner", "console", "--metrics", "0", **names) as (process, address):
        assert scrape(address)("jobs_worker_info", board=board.name) == 1
        process.terminate()
        assert process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            get(address)


def test_without_an_address_nothing_is_counted_or_served(board: Board, url: str, tmp_path: Path) -> None:
    found = board.plugins.observers(WorkerInfo("host-1", board.name, (), 1, {"metrics": ""}))
    assert "metrics" not in [logger.name for logger in found]


class TestWords:
    """What an event makes of its task, as the ledger has it."""

    task = make_task(Runner("shell", print), "true")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("decision", "word"),
        [
            (Decision.done(), "done"),
            (Decision.dead(), "dead"),
            (Decision.retry(5), "retried"),
            (Decision.release(5), "released"),
            (None, "failed"),
        ],
    )
    def test_of_an_attempt_that_ended_here(self, decision: Decision | None, word: str) -> None:
        event = Event("task.finished", 0, "w", self.task, Outcome.failed(), decision, {"seconds": 1})
        assert word_for(event, self.task) == word

    @pytest.mark.parametrize(
        ("decision", "word"),
        [
            (Decision.dead(), "dead"),
            (Decision.retry(5), "retried"),
            (Decision.release(5), "retried"),  # JACK is told to retry: the attempt before is over
            (Decision.retry(), None),  # the next attempt starts at once
        ],
    )
    def test_of_an_attempt_that_was_lost_elsewhere(self, decision: Decision, word: str | None) -> None:
        event = Event("task.lost", 0, "w", self.task, Outcome.lost(), decision)
        assert word_for(event, self.task) == word

    @pytest.mark.parametrize("kind", ["accepted", "cancelled", "released", "stale"])
    def test_of_a_report_without_a_decision(self, kind: str) -> None:
        assert word_for(Event(f"task.{kind}", 0, "w", self.task), self.task) == kind
        unleased = make_task(Runner("shell", print), "true", token="")  # type: ignore[arg-type]
        assert word_for(Event(f"task.{kind}", 0, "w", unleased), unleased) == "unleased"

    @pytest.mark.parametrize("kind", ["task.started", "task.line", "trouble"])
    def test_of_what_ends_nothing(self, kind: str) -> None:
        assert word_for(Event(kind, 0, "w", self.task), self.task) is None


def test_runners_and_queues_are_bounded() -> None:
    counts = Counts(WorkerInfo("host-1", "jobs", ("shell",), 1))
    queues = [f"q{n}" for n in range(PAIRS + 50)] + ["other"]
    for queue in queues:
        task = Task("a@1", "a", "shell", queue, 0.0, 1, "", token="a@1#1")
        counts.count(Event("task.finished", 0, "w", task, None, Decision.done(), {"seconds": 0.01}))
    text = generate_latest(counts.registry).decode()
    done = [line for line in text.splitlines() if line.startswith("jobs_tasks_total") and '"done"' in line]
    assert len(done) == PAIRS + 1
    (rest,) = (line for line in done if 'queue="other",runner="other"' in line)
    assert float(rest.split()[1]) == len(queues) - (PAIRS - 1)  # (shell, shell) has its own from the start


def test_a_worker_of_several_boards_counts_for_each() -> None:
    counts = Counts(WorkerInfo("host-1", "a,b", ("shell",), 5, boards=("a", "b")))
    for name, count in (("a", 2), ("b", 1)):
        task = Task("t@1", "t", "shell", "shell", 0.0, 1, "", token="t@1#1")
        for _ in range(count):
            data = {"seconds": 0.01}
            counts.count(Event("task.finished", 0, "w", task, None, Decision.done(), data, board=name))
    counts.count(Event("trouble", 0, "w", board="b"))
    counts.count(Event("trouble", 0, "w"))
    text = generate_latest(counts.registry).decode()
    for line in (
        'jobs_tasks_total{board="a",outcome="done",queue="shell",runner="shell"} 2.0',
        'jobs_tasks_total{board="b",outcome="done",queue="shell",runner="shell"} 1.0',
        'jobs_tasks_total{board="b",outcome="dead",queue="shell",runner="shell"} 0.0',
        'jobs_troubles_total{board="a"} 0.0',
        'jobs_troubles_total{board="b"} 1.0',
        'jobs_troubles_total{board=""} 1.0',
        'jobs_worker_concurrency{board="b"} 5.0',
        'jobs_worker_info{board="b",worker="host-1"} 1.0',
    ):
        assert line in text
