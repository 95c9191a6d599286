"""What `jobs metrics` says of a whole board."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from jobs_metrics import per_job
from jobs_metrics.exposition import KEEP, BoardCollector, Exposition

from jobs_core import Board
from jobs_core.testing import EmbeddedServer
from tests.helpers import Jobs, jobs_process, refused, wait_until

from .conftest import Scrape, environment_of, get, scrape

PARTITIONS = (0, 4)


def call(board: Board, *words: Any) -> Any:
    return board.commands.call(*words)


def register(board: Board, name: str, *queues: str, seen: float = 0.0, **options: Any) -> None:
    facts = {"queues": " ".join(queues), "concurrency": 10, "state": "serving", **options}
    pairs = [part for pair in facts.items() for part in pair]
    call(board, "JREGISTER", name, "shell", "--", *pairs, "now", f"{time.time() - seen:.3f}")


def test_an_empty_board(jobs: Jobs, board: Board) -> None:
    found = Scrape(jobs("metrics").stdout)
    assert found("jobs_build_info") == 1
    assert found("jobs_occurrences_total") == found("jobs_ledger_tasks_total") == found("jobs_jobs") == 0
    assert found.by("state", "jobs_workers") == dict.fromkeys(("serving", "draining", "silent", "unknown"), 0)
    assert "jobs_tick_age_seconds" not in {one.name for one in found.samples}  # nobody ever ticked
    assert all(one.labels.get("board", board.name) == board.name for one in found.samples)
    assert found.families["jobs_overdue_seconds"].unit == "seconds"


def test_where_tasks_are_and_how_late(jobs: Jobs, board: Board) -> None:
    now = time.time()
    call(board, "JSET", "late", "shell", "x", "every", 3600, "now", f"{now - 50:.3f}")
    call(board, "JPUSH", "shell", "x", "queue", "a", "now", f"{now - 100:.3f}")
    call(board, "JPUSH", "shell", "x", "queue", "a")
    call(board, "JPUSH", "shell", "x", "queue", "b")
    call(board, "JPOP", 1, "b", "lease", 60)
    call(board, "JPUSH", "shell", "x", "in", 100)
    found = Scrape(jobs("metrics").stdout)
    assert found.by("state", "jobs_open_tasks") == {"queued": 2, "held": 0, "delayed": 1, "leased": 1}
    assert found.by("queue", "jobs_queue_tasks") == {"a": 2, "b": 0}
    ages = found.by("queue", "jobs_queue_oldest_seconds")
    assert ages["a"] >= 100 and ages["b"] == 0
    assert found("jobs_overdue_jobs") == 1 and found("jobs_overdue_seconds") >= 50


def test_the_age_of_the_latest_tick(jobs: Jobs, board: Board) -> None:
    call(board, "JTICK", "now", f"{time.time() - 70:.3f}")
    assert Scrape(jobs("metrics").stdout)("jobs_tick_age_seconds") >= 70


def test_who_serves_which_queue(jobs: Jobs, board: Board) -> None:
    call(board, "JPUSH", "shell", "x", "queue", "nobody")
    register(board, "one", "shell", "night")
    register(board, "two", "shell", state="draining")
    register(board, "dead", "shell", "nobody", seen=40)
    found = Scrape(jobs("metrics").stdout)
    assert found.by("state", "jobs_workers") == {"serving": 1, "draining": 1, "silent": 1, "unknown": 0}
    assert found.by("queue", "jobs_queue_workers") == {"nobody": 0, "shell": 2, "night": 1}
    assert found("jobs_slots") == 10


def test_occurrences_without_a_run_have_a_reason(jobs: Jobs, board: Board) -> None:
    board.put("parent", "shell", "x")
    long_ago = f"{time.time() - 100:.3f}"
    call(board, "JSET", "child", "shell", "x", "every", 3600, "after", "parent", "now", long_ago)
    call(board, "JTICK")
    assert Scrape(jobs("metrics").stdout)("jobs_waiting_occurrences") == 1
    board.pause("child")
    stats = board.partitions[0].keys.stats
    board.client.hincrby(stats, "skipped", 5)  # as an older version counted
    board.client.hincrby(stats, "due", 5)
    found = Scrape(jobs("metrics").stdout)
    reasons = found.by("reason", "jobs_occurrences_total", outcome="skipped")
    assert {reason: n for reason, n in reasons.items() if n} == {"paused": 1, "unknown": 5}
    assert reasons["overlap"] == 0
    assert found.by("sum", "jobs_ledger_imbalance") == {"due": 0, "queued": 0}


def test_a_ledger_that_does_not_add_up(jobs: Jobs, board: Board) -> None:
    board.push("shell", "x")
    stats = board.partitions[0].keys.stats
    board.client.hincrby(stats, "due", 2)
    board.client.hincrby(stats, "done", 1)
    found = Scrape(jobs("metrics").stdout)
    assert found.by("sum", "jobs_ledger_imbalance") == {"due": 2, "queued": -1}


def test_reviving_a_dead_letter_makes_no_counter_fall(jobs: Jobs, board: Board) -> None:
    board.push("shell", "x")
    (taken,) = board.pop("shell", lease=60)
    board.ack(taken.token, "dead")
    before = Scrape(jobs("metrics", "--per-job").stdout)
    assert board.dead_retry(all=True) == 1
    after = Scrape(jobs("metrics", "--per-job").stdout)
    assert (before("jobs_dead_letters"), after("jobs_dead_letters")) == (1, 0)
    for name, family in before.families.items():
        if family.type == "counter":
            for one in family.samples:
                assert after(one.name, **one.labels) >= one.value, name


def test_the_longest_queues_have_metrics_of_their_own(jobs: Jobs, board: Board) -> None:
    names = [f"q{n}" for n in range(120)]
    board.commands.batch([("JPUSH", ["shell", "x", "queue", name]) for name in names])
    board.commands.batch([("JPUSH", ["shell", "x", "queue", "other"]) for _ in range(3)])
    lengths = Scrape(jobs("metrics").stdout).by("queue", "jobs_queue_tasks")
    assert len(lengths) == 100
    assert lengths["other"] == 3 + 21  # the queue of that name, and those that have no label
    assert sum(lengths.values()) == 123


class TestPerJob:
    def test_only_if_asked_for(self, jobs: Jobs, board: Board) -> None:
        board.put("report", "shell", "x")
        assert not [name for name in Scrape(jobs("metrics").stdout).families if name.startswith("jobs_job_")]

    def test_how_the_runs_of_a_job_ended(self, jobs: Jobs, board: Board) -> None:
        board.put("report", "shell", "x")
        board.put("new", "shell", "x")
        for verb in ("done", "dead", "dead"):
            board.push("report")
            (task,) = board.pop("shell", lease=60)
            board.ack(task.token, verb)  # type: ignore[arg-type]
        found = Scrape(jobs("metrics", "--per-job").stdout)
        assert found.by("outcome", "jobs_job_tasks_total", job="report") == {
            **{"done": 1, "dead": 2},
            **{"cancelled": 0, "unleased": 0},
        }
        assert found.by("job", "jobs_job_failures") == {"report": 2}
        ended = found("jobs_job_last_end_timestamp_seconds", job="report")
        assert found("jobs_job_last_done_timestamp_seconds", job="report") <= ended <= time.time()
        assert found("jobs_job_last_duration_seconds", job="report") < 60
        assert found("jobs_job_tasks_total", job="new") == found("jobs_left_out_jobs") == 0

    def test_they_are_bounded(self, jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(per_job, "JOBS", 10)
        list(board.put_many({"id": f"job-{n}", "runner": "shell", "payload": "x"} for n in range(25)))
        found = Scrape(jobs("metrics", "--per-job").stdout)
        assert len(found.by("job", "jobs_job_tasks_total", outcome="done")) == 10
        assert found("jobs_left_out_jobs") == 15

    def test_ids_are_quoted(self, jobs: Jobs, board: Board) -> None:
        id = 'a"b\\c-\N{SNOWMAN}'
        board.put(id, "shell", "x")
        assert id in Scrape(jobs("metrics", "--per-job").stdout).by(
            "job", "jobs_job_tasks_total", outcome="done"
        )


def test_a_board_is_read_once_for_many_scrapers(board: Board) -> None:
    now = [0.0]
    collector = BoardCollector(board, per_job=False, clock=lambda: now[0])
    first = collector.collect()
    board.put("a", "shell", "x")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(collector.collect())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(each is first for each in found)
    now[0] = KEEP
    assert collector.collect() is not first


def test_looking_changes_nothing(board: Board) -> None:
    board.put("a", "shell", "x", every=60)
    board.push("a")

    def changes() -> int:
        return int(board.client.info("persistence")["rdb_changes_since_last_save"])

    before = changes()
    Exposition(board).read(per_job=True)
    assert changes() == before


class TestListen:
    def test_it_serves_until_it_is_told_to_stop(self, board: Board, url: str, tmp_path: Path) -> None:
        board.put("a", "shell", "x")
        names = environment_of(board, url)
        process = jobs_process("metrics", "--listen", "0", "--per-job", path=tmp_path, **names)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:") and address.endswith("/metrics")
        assert scrape(address).by("job", "jobs_job_tasks_total", outcome="done") == {"a": 0}
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")

    def test_it_starts_before_redis_does(self, tmp_path: Path) -> None:
        with EmbeddedServer(tmp_path) as server:
            address = server.url
        process = jobs_process("metrics", "--listen", "0", path=tmp_path, JOBS_REDIS_URL=address)
        assert process.stdout is not None
        where = process.stdout.readline().strip()
        failed = get(where)
        assert failed.status_code == 503
        assert failed.headers["content-type"].startswith("text/plain")
        assert failed.text.count("\n") == 1 and "Redis" in failed.text
        with EmbeddedServer(tmp_path):
            wait_until(lambda: get(where).status_code == 200)
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert errors.endswith("Until then, scrapes are answered with 503.\n")

    def test_a_wrong_address_is_one_sentence(self, jobs: Jobs, board: Board) -> None:
        refused(jobs("metrics", "--listen", "nine"), "listen: expected [HOST:]PORT")
