"""The decisions of the built-in policies: pure functions of a task, its options and its history."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import Decision, Outcome, Task
from jobs_core.plugins.builtin.policies import Backoff, ack, default_policy, none, retry

DONE, FAILED, LOST = Outcome.done(), Outcome.failed("no", code="503"), Outcome.lost()


def task(attempt: int = 1, **options: Any) -> Task:
    dashed = {name.replace("_", "-"): value for name, value in options.items()}
    return Task("a@1000", "a", "shell", "shell", 1.0, attempt, "x", options=dashed)


@pytest.mark.parametrize("outcome", [DONE, FAILED, LOST])
def test_policy_none_decides_done(outcome: Outcome) -> None:
    assert none(task(), outcome) == Decision.done()


def test_ack_retries_a_lost_task_and_gives_up_a_failed_one() -> None:
    assert [ack(task(), outcome).verb for outcome in (DONE, FAILED, LOST)] == ["done", "dead", "retry"]


def test_retry_makes_three_attempts_by_default() -> None:
    assert [retry(task(n), FAILED).verb for n in (1, 2, 3)] == ["retry", "retry", "dead"]
    assert retry(task(4, attempts=5), FAILED).verb == "retry"
    assert retry(task(1, attempts=1), FAILED) == Decision.dead()


def test_a_lost_attempt_counts() -> None:
    assert retry(task(2), LOST) == Decision.retry(20)
    assert retry(task(3), LOST) == Decision.dead()


@pytest.mark.parametrize(
    ("options", "code", "verb"),
    [
        ({}, "404", "retry"),
        ({"retry_on": "5*,timeout"}, "503", "retry"),
        ({"retry_on": "5*,timeout"}, "timeout", "retry"),
        ({"retry_on": "5*,timeout"}, "404", "dead"),
        ({"retry_on": "5??"}, "50", "dead"),
        ({"never_on": "404,41?"}, "404", "dead"),
        ({"never_on": "404,41?"}, "410", "dead"),
        ({"never_on": "404,41?"}, "500", "retry"),
        ({"retry_on": "5*", "never_on": "501"}, "501", "dead"),
    ],
)
def test_retry_looks_at_the_outcome_code(options: dict[str, str], code: str, verb: str) -> None:
    assert retry(task(**options), Outcome.failed(code=code)).verb == verb


def test_retry_after_overrides_backoff() -> None:
    assert retry(task(backoff=1), Outcome.failed(retry_after=77)) == Decision.retry(77)


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        (10, [10, 20, 40, 80]),
        ("exponential 10 max 30", [10, 20, 30, 30]),
        ("linear 10 max 35", [10, 20, 30, 35]),
        ("fixed 10", [10, 10, 10, 10]),
        ("1,10,60", [1, 10, 60, 60]),
        (7200, [7200, 7200]),
        (3000, [3000, 3600]),
    ],
)
def test_backoff(backoff: str | float, delays: list[float]) -> None:
    found = [Backoff.read(backoff).delay(task(n + 1)) for n in range(len(delays))]
    assert found == delays


@pytest.mark.parametrize("backoff", ["exponential 8 max 60 jitter", "fixed 60 jitter", "30,60 jitter"])
def test_full_jitter_is_anything_up_to_the_whole_delay_and_the_same_for_the_same_attempt(
    backoff: str,
) -> None:
    jittered = [Backoff.read(backoff).delay(task(n)) for n in range(1, 200)]
    whole = [Backoff.read(backoff.removesuffix(" jitter")).delay(task(n)) for n in range(1, 200)]
    assert all(0 <= found <= most for found, most in zip(jittered, whole, strict=True))
    assert min(jittered) < 10 and max(jittered) > 50
    assert len(set(jittered)) > 190
    assert jittered == [Backoff.read(backoff).delay(task(n)) for n in range(1, 200)]


def test_a_delay_never_overflows() -> None:
    assert Backoff.read("exponential 1 max 5").delay(task(100_000)) == 5


def test_retry_options_select_the_retry_policy() -> None:
    assert default_policy(task()) == "ack"
    assert {
        default_policy(task(**{name: "1"})) for name in ("attempts", "backoff", "retry_on", "never_on")
    } == {"retry"}
