"""Dead letters: listing, showing, retrying and purging them, by job, runner, queue and age."""

from __future__ import annotations

import pytest

from jobs_core import Board, Context, Outcome, Task
from tests.helpers import Jobs, lines, refused, runner, wait_until, working


@pytest.fixture
def letters(board: Board) -> list[str]:
    """The ids of three dead letters: two of the job `a`, one of `b` on the queue `slow`."""
    board.put("a", "test", "secret a")
    board.put("b", "other", "secret b", queue="slow")
    for job in ("a", "a", "b"):
        board.push(job)
    tasks = board.pop("test", "slow", count=3, lease=30, worker="host-1")
    for task in tasks:
        board.ack(task.token, "dead", note="out of paper", code="7")
    return [task.id for task in tasks]


def test_dead_letters_are_listed_with_their_failures(letters: list[str], jobs: Jobs) -> None:
    shown = jobs("dead", "list").stdout
    assert all(letter in shown for letter in letters)
    assert shown.count("failed out of paper") == 3
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ((), 3),
        (("--job", "a"), 2),
        (("--runner", "other"), 1),
        (("--queue", "slow"), 1),
        (("--older-than", "0"), 3),
        (("--older-than", "1h"), 0),
        (("--job", "a", "--runner", "other"), 0),
    ],
)
def test_dead_letters_are_filtered_by_job_runner_queue_and_age(
    letters: list[str], jobs: Jobs, filters: tuple[str, ...], count: int
) -> None:
    assert len(lines(jobs("dead", "list", "--json", *filters))) == count
    if filters:
        assert lines(jobs("dead", "purge", "--json", *filters)) == [{"purged": count}]
        assert len(lines(jobs("dead", "list", "--json"))) == 3 - count


def test_a_dead_letter_is_shown_completely(letters: list[str], jobs: Jobs) -> None:
    (letter,) = lines(jobs("dead", "show", letters[0], "--json"))
    assert (letter["payload"], letter["attempt"], letter["state"]) == ("secret a", 1, "dead")
    shown = jobs("dead", "show", letters[0]).stdout
    assert all(word in shown for word in ("secret a", "host-1", "out of paper", "7"))


def test_a_retry_keeps_the_id_and_resets_attempts(letters: list[str], board: Board, jobs: Jobs) -> None:
    assert jobs("dead", "retry", letters[0]).stdout == "1 retried\n"
    (task,) = board.pop("test", lease=30)
    assert (task.id, task.attempt, task.history, task.raw) == (letters[0], 1, (), "secret a")
    stats = board.stats()
    assert (stats["dead"], stats["revived"], stats["in_flight"]) == (2, 1, 1)
    board.ack(task.token)
    assert board.stats("a") | {"done": 1, "dead": 1, "queued": 2} == board.stats("a")


def test_all_dead_letters_are_queued_again(letters: list[str], board: Board, jobs: Jobs) -> None:
    def good(task: Task, context: Context) -> Outcome:
        return Outcome.done()

    assert jobs("dead", "retry", "--all").stdout == "3 retried\n"
    with working(board, runner(good), runner(good, "other"), queues=["slow"]):
        wait_until(lambda: board.stats()["done"] == 3)
    assert (board.count()["dead"], board.stats()["dead"]) == (0, 0)


def test_a_purge_deletes_dead_letters(letters: list[str], board: Board, jobs: Jobs) -> None:
    assert jobs("dead", "purge", *letters[:2]).stdout == "2 purged\n"
    assert board.count()["dead"] == 1
    assert (board.stats()["dead"], board.stats()["purged"]) == (3, 2)
    assert board.client.hlen(board.keys.task) == 1


def test_mistakes(letters: list[str], jobs: Jobs) -> None:
    refused(jobs("dead", "retry"), "Select dead letters")
    refused(jobs("dead", "purge", "--all", "--job", "a"), "--all selects every dead letter")
    refused(jobs("dead", "retry", "nobody@1"), "there is no dead letter 'nobody@1'")
    refused(jobs("dead", "show", "nobody@1"), "there is no dead letter 'nobody@1'")
    job = letters[0].split("@")[0]
    refused(jobs("dead", "retry", job), f"to select those of the job {job!r}, pass --job")
    refused(
        jobs("dead", "list", "--older-than", "soon"),
        "older-than: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'",
    )
    assert len(lines(jobs("dead", "list", "--json"))) == 3


def test_many_dead_letters_are_retried(board: Board) -> None:
    list(board.push_many({"runner": "test", "payload": "x"} for _ in range(1200)))
    for _ in range(2):
        for task in board.pop("test", count=500, lease=30):
            board.ack(task.token, "dead")
    assert board.dead_retry(runner="test") == 1000
    assert (board.count()["queued"], board.count()["dead"]) == (1200, 0)
