"""A short run of `scripts/torture` with every fault, and tests of its checker."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from torture.__main__ import main
from torture.checker import Asked, Ran, Verdict, check, total_of
from torture.exclusive import find_overlaps
from torture.run import Scale, run
from torture.server_faults import FAULTS, FAULTS_WITH_REPLICA


def test_no_occurrence_is_lost_under_every_fault(tmp_path: Path) -> None:
    report = run(tmp_path, Scale(400, len(FAULTS), 8, 3), random.Random("short"), print)
    assert report.verdict.wrong == []
    assert report.verdict.missing == 0
    assert report.verdict.occurrences >= 400
    assert report.verdict.exclusive > 0
    assert report.faults == dict.fromkeys(FAULTS, 1)


def test_a_durable_board_loses_nothing_to_failovers(tmp_path: Path) -> None:
    scale = Scale(400, len(FAULTS_WITH_REPLICA), 8, 3, durable=True)
    report = run(tmp_path, scale, random.Random("durable"), print)
    assert report.verdict.wrong == []
    assert report.verdict.missing == 0
    assert report.faults == dict.fromkeys(FAULTS_WITH_REPLICA, 1)


LEDGER = dict.fromkeys(
    (
        *("due", "queued", "coalesced", "skipped", "done", "dead", "cancelled", "unleased", "in_flight"),
        *("leased", "doubled", "released", "retried", "failed", "lost"),
    ),
    0,
)
ASKED = """\
push push:1@1000 quick:1
at one-2 2000 quick:2
push push:3@3000 doomed:3
push push:4@4000 once:4
every every-5 5000 1000 8000 quick:5
"""
RAN = """\
start push:1@1000 1 quick:1 w 1.1
end push:1@1000 1 quick:1 w 1.2 done
start one-2@2000 1 quick:2 w 9.1
end one-2@2000 1 quick:2 w 9.2 done
start push:3@3000 1 doomed:3 w 3.1
end push:3@3000 1 doomed:3 w 3.2 failed
start push:4@4000 1 once:4 w 4.1
start every-5@5000 1 quick:5 w 5.1
end every-5@5000 1 quick:5 w 5.1 done
start every-5@8000 1 quick:5 w 8.1
end every-5@8000 1 quick:5 w 8.1 done
"""
ENDS = {"due": 8, "queued": 6, "coalesced": 2, "done": 4, "dead": 1, "unleased": 1, "leased": 5}


def verdict(
    ran: str = RAN,
    coalesced: int = 2,
    dead: str = "push:3@3000",
    status: str = "failed",
    stamps: str = "",
    may_lose: bool = False,
    **ledger: int,
) -> Verdict:
    return check(
        Asked.read(ASKED.splitlines()),
        Ran.read(ran.splitlines()),
        find_overlaps(stamps.splitlines(), [(100.0, 103.0)]),
        [{dead: status}],
        [LEDGER | ENDS | ledger],
        lambda job: LEDGER | {"coalesced": coalesced - 1, "skipped": 1},
        may_lose=may_lose,
    )


def test_a_correct_run_has_no_findings() -> None:
    found = verdict()
    assert (found.wrong, found.missing, found.occurrences) == ([], 0, 8)
    assert (found.on_time, found.late, found.coalesced, found.at_most_once) == (4, 1, 1, 1)
    assert found.skipped == 1


def test_the_longest_time_without_a_start_is_found() -> None:
    assert verdict().silent == 3.0


def without(start: str) -> str:
    return "".join(line for line in RAN.splitlines(keepends=True) if not line.startswith(start))


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda: verdict(without("start push:1").replace("end push:1@1000", "end other@1")), "push:1@1000"),
        (lambda: verdict(without("end one-2")), "one-2@2000 (quick:2) never succeeded"),
        (lambda: verdict(dead="nobody"), "push:3@3000 should have become a dead letter"),
        (lambda: verdict(coalesced=1), "every-5: an occurrence neither ran nor was coalesced or skipped"),
    ],
)
def test_missing_occurrences_are_found(judge: Callable[[], Verdict], says: str) -> None:
    found = judge()
    assert found.missing == 1
    assert any(says in sentence for sentence in found.wrong)


AGAIN = "start push:1@1000 2 quick:1 w2 2.1 2.000:w\n"


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda: verdict(RAN + AGAIN), "1 runs were doubled, but the ledger says 0"),
        (
            lambda: verdict(RAN + AGAIN.replace(" 2.000:w", "")),
            "1 runs were seen twice, but the ledger says 0",
        ),
        (lambda: verdict(doubled=1), "0 runs were doubled, but the ledger says 1"),
        (lambda: verdict(coalesced=3), "3 coalesced or skipped, but only 2 did not run"),
        (lambda: verdict(RAN + "start push:4@4000 1 once:4 w 4.5\n"), "ran more than once"),
        (
            lambda: verdict(RAN + "start every-5@5500 1 quick:5 w 5.6\n"),
            "5500 ran, but was never due",
        ),
        (lambda: verdict(RAN.replace("quick:1", "quick:9")), "ran with the payload of another"),
        (lambda: verdict(due=9), "due is not queued + coalesced + skipped"),
        (lambda: verdict(done=3), "queued is not done + dead"),
        (lambda: verdict(leased=6), "leased is not done + dead"),
        (lambda: verdict(done=3, in_flight=1), "1 tasks are still in flight"),
        (lambda: verdict(dead="push:1@1000"), "push:1@1000 (quick:1) is a dead letter"),
    ],
)
def test_violations_are_found(judge: Callable[[], Verdict], says: str) -> None:
    assert any(says in sentence for sentence in judge().wrong)


def test_a_doubled_run_that_the_ledger_explains_is_accepted() -> None:
    found = verdict(RAN + AGAIN, doubled=1, lost=1, leased=6)
    assert (found.doubled, found.seen_twice, found.wrong) == (1, 1, [])


def test_a_lost_attempt_that_no_worker_saw_start_counts_as_doubled() -> None:
    found = verdict(
        RAN.replace("push:1@1000 1 quick:1 w 1.1", "push:1@1000 2 quick:1 w 1.1 0.900:w2"), doubled=1
    )
    assert (found.doubled, found.seen_twice, found.wrong) == (1, 0, [])


def test_an_unstarted_attempt_does_not_count_as_doubled() -> None:
    unstarted = "start push:1@1000 1 quick:1 w2 1.0\nend push:1@1000 1 quick:1 w2 1.0 unstarted\n"
    found = verdict(unstarted + RAN, released=1, leased=6)
    assert (found.doubled, found.seen_twice, found.wrong) == (0, 0, [])


def stamps(job: str, second: str, at: float) -> str:
    return (
        f"start {job} {job}@1 1 {at - 0.5}\n{second} {job} {job}@2 1 {at}\nend {job} {job}@1 1 {at + 0.5}\n"
    )


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ("overlap", "command-1@2 (attempt 1) started while command-1@1 (attempt 1) was running, at 50.0 s"),
        ("start", "command-1@1 (attempt 1) ended after command-1@2 (attempt 1) had started, at 50.5 s"),
    ],
)
def test_an_overlap_of_commands_is_found(second: str, says: str) -> None:
    found = verdict(stamps=stamps("command-1", second, 50.0))
    assert (found.overlaps, found.wrong) == (1, [f"a forbidden overlap: {says}"])


def test_an_overlap_of_threads_or_at_a_jump_of_the_clock_is_counted() -> None:
    found = verdict(stamps=stamps("thread-1", "overlap", 50.0) + stamps("command-1", "overlap", 104.0))
    assert (found.overlaps, found.overlaps_of_threads, found.overlaps_at_jumps, found.wrong) == (0, 1, 1, [])


def test_runs_one_after_the_other_do_not_overlap() -> None:
    killed = "start command-1 command-1@1 1 1.0\n"
    again = "start command-1 command-1@1 2 2.0\nend command-1 command-1@1 2 3.0\n"
    found = verdict(stamps=killed + again)
    assert (found.exclusive, found.overlaps, found.wrong) == (2, 0, [])


@pytest.mark.parametrize(
    "judge",
    [
        lambda: verdict(without("end one-2"), may_lose=True),
        lambda: verdict(RAN + AGAIN, may_lose=True),
        lambda: verdict(coalesced=3, may_lose=True),
        lambda: verdict(RAN + "start push:4@4000 1 once:4 w 4.5\n", may_lose=True),
        lambda: verdict(stamps=stamps("command-1", "overlap", 50.0), may_lose=True),
    ],
)
def test_what_a_failover_may_lose_is_only_counted(judge: Callable[[], Verdict]) -> None:
    found = judge()
    assert found.wrong == []
    assert found.excused >= 1


@pytest.mark.parametrize(
    "judge",
    [
        lambda: verdict(due=9, may_lose=True),
        lambda: verdict(done=3, in_flight=1, may_lose=True),
        lambda: verdict(RAN.replace("quick:1", "quick:9"), may_lose=True),
        lambda: verdict(RAN + "start every-5@5500 1 quick:5 w 5.6\n", may_lose=True),
        lambda: verdict(dead="push:1@1000", may_lose=True),
    ],
)
def test_no_failover_excuses_a_wrong_ledger_or_a_wrong_run(judge: Callable[[], Verdict]) -> None:
    assert judge().wrong


def test_each_ledger_of_a_board_must_add_up() -> None:
    ledgers = [LEDGER | {"due": 1}, LEDGER | {"queued": 1, "done": 1, "leased": 1}]
    found = check(Asked(), {}, find_overlaps([], []), [{}, {}], ledgers, lambda job: LEDGER)
    assert found.wrong == [
        "the ledger does not add up: due is not queued + coalesced + skipped",
        "the ledger does not add up: due is not queued + coalesced + skipped",
    ]


def test_the_last_lease_of_a_task_that_died_of_losses_is_counted_as_lost_and_as_dead() -> None:
    assert verdict(status="lost", lost=1).wrong == []
    assert verdict(status="failed", lost=1).wrong


def test_verdicts_of_boards_are_added_up() -> None:
    found = total_of({"a": verdict(coalesced=1), "b": verdict()})
    assert (found.occurrences, found.missing, found.silent) == (16, 1, 3.0)
    assert found.wrong == ["a: every-5: an occurrence neither ran nor was coalesced or skipped"]


def test_a_fault_that_a_run_does_not_have_is_refused() -> None:
    done = CliRunner().invoke(main, ["--only", "move slot"], prog_name="scripts/torture")
    assert done.exit_code == 2
    assert "There is no fault 'move slot' in such a run." in done.output
