"""Options for workers: how they are read, stored and rejected."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from jobs_core.plugins.builtin.policies import Backoff
from tests.lua.helpers import Lua, T


def refused(lua: Lua, says: str, *options: Any) -> None:
    """Check that JSET and JPUSH reject options with the same sentence."""
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", *options)
    lua.refuses(OptionError, says, "JPUSH", "echo", "x", *options)


def kept(lua: Lua, name: str, value: Any) -> Any:
    """Return an option as JGET and workers see it, after checking that both agree."""
    lua.put("a", **{name: value}, at=T)
    lua.tick()
    lua.push(**{name: value})
    found = lua.job().get(name)
    listed = [task.get("options", {}).get(name) for task in lua.tasks()]
    assert listed == [found, found]
    return found


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10", 10),
        ("10s", 10),
        ("0.5", 0.5),
        ("1h30m", 5400),
        ("PT1M", 60),
        (" 5 ", 5),
        ("5 jitter", "5 jitter"),
        ("5 max 10m", "5 max 600"),
        ("5  max\t6", "5 max 6"),
        ("fixed 5s", "fixed 5"),
        ("linear 5s max 1m", "linear 5 max 60"),
        ("exponential 2s max 10m jitter", "exponential 2 max 600 jitter"),
        ("linear 500ms jitter", "linear 0.5 jitter"),
        ("1s,10s,1m", "1,10,60"),
        ("1,0.25", "1,0.25"),
        ("1,2 jitter", "1,2 jitter"),
        ("jitter 1,2", "1,2 jitter"),
        ("5 jitter max 6", "5 max 6 jitter"),
        ("5s linear", "linear 5"),
        ("exponential 10s jitter max 1m", "exponential 10 max 60 jitter"),
        ("max 1m jitter fixed 10s", "fixed 10 max 60 jitter"),
    ],
)
def test_a_backoff_is_kept_with_its_durations_in_seconds(lua: Lua, text: str, canonical: Any) -> None:
    found = kept(lua, "backoff", text)
    assert found == canonical
    assert Backoff.read(found)
    assert lua.put("b", backoff=found) == 0
    assert lua.job("b")["backoff"] == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "linear", "exponential", "fixed ", "5 5", "5 max", "fixed 1,2", "1,2 max 5", "5 Jitter"),
        *(
            "max 5",
            "jitter",
            "linear fixed",
            "5 max max 6",
            "max 5 6 max 7",
            "5 jitter jitter",
            ",",
            ",,",
            "1,",
            ",1",
            "1s,,2s",
            "linear 5,",
            "5 max 6 7",
            "1,2 3",
        ),
    ],
)
def test_an_invalid_backoff_is_rejected_with_the_format(lua: Lua, text: str) -> None:
    refused(lua, f"^backoff: expected 10s, 1s,10s,1m or .*, got '{text}'$", "backoff", text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "^backoff: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ("5 max x", "^backoff: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ("1,x", "^backoff: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ("-5", "^backoff: expected a duration such as 90, 1h30m or PT1H30M, got '-5'"),
        ("0", "^backoff: expected more than 0, got '0'$"),
        ("1,0", "^backoff: expected more than 0, got '0'$"),
        ("5 max 0", "^backoff: expected more than 0, got '0'$"),
    ],
)
def test_the_durations_of_a_backoff_are_validated(lua: Lua, text: str, says: str) -> None:
    refused(lua, says, "backoff", text)


@pytest.mark.parametrize("name", ["retry-on", "never-on"])
@pytest.mark.parametrize("text", ["503", "503,timeout", "5*", "5??,x-1,*", "no-runner", "é"])
def test_outcome_codes_are_kept_unchanged(lua: Lua, name: str, text: str) -> None:
    assert kept(lua, name, text) == text


@pytest.mark.parametrize("text", ["no-timeout", "no-timeout,crowded", "a1"])
def test_rules_to_ignore_are_kept_unchanged(lua: Lua, text: str) -> None:
    assert kept(lua, "lint-ignore", text) == text


@pytest.mark.parametrize("text", ["", ",", "a,", "a,,b", "a b", "No", "a*", "a" * 1001])
def test_rules_to_ignore_are_names(lua: Lua, text: str) -> None:
    refused(
        lua,
        "^lint-ignore: expected names of rules such as no-timeout,crowded, got '.*'$",
        "lint-ignore",
        text,
    )


@pytest.mark.parametrize("name", ["retry-on", "never-on"])
@pytest.mark.parametrize("text", ["", ",", ",5", "5,", "5,,6", "a b", "a, b", "a\tb"])
def test_a_list_of_codes_has_no_empty_items(lua: Lua, name: str, text: str) -> None:
    refused(lua, f"^{name}: expected outcome codes such as 503,timeout, got '.*'$", name, text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("100/1m", "100/60"),
        ("5/s", "5/1"),
        ("5/day", "5/86400"),
        ("1/1ms", "1/0.001"),
        ("10000/1h30m", "10000/5400"),
        ("5/1.5", "5/1.5"),
    ],
)
def test_a_rate_is_kept_in_seconds(lua: Lua, text: str, canonical: str) -> None:
    assert kept(lua, "rate", text) == canonical


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "^rate: expected a rate such as 100/1m or 5/s, got ''$"),
        ("5", "^rate: expected a rate such as 100/1m or 5/s, got '5'"),
        ("5/", "^rate: expected a rate such as 100/1m or 5/s, got '5/'"),
        ("/5", "^rate: expected a rate such as 100/1m or 5/s, got '/5'"),
        ("0/1m", "^rate: expected a rate such as 100/1m or 5/s, got '0/1m'"),
        ("1.5/1m", "^rate: expected a rate such as 100/1m or 5/s, got '1.5/1m'"),
        ("-1/1m", "^rate: expected a rate such as 100/1m or 5/s, got '-1/1m'"),
        ("5/1 m", "^rate: expected a rate such as 100/1m or 5/s, got '5/1 m'"),
        ("5/x", "^rate: expected a duration such as 90, 1h30m or PT1H30M, got '.*x'"),
        ("5/0", "^rate: expected more than 0, got '0'$"),
        ("10001/1m", "^rate: expected at most 10000 in a period, got 10001: shorten the period$"),
    ],
)
def test_other_rates_are_refused(lua: Lua, text: str, says: str) -> None:
    refused(lua, says, "rate", text)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("losses", 1, 1),
        ("losses", 20, 20),
        ("concurrency", 1, 1),
        ("concurrency", 9999, 9999),
        ("attempts", 4, 4),
    ],
)
def test_counts_are_kept(lua: Lua, name: str, text: Any, found: int) -> None:
    assert kept(lua, name, text) == found


@pytest.mark.parametrize("name", ["losses", "concurrency", "attempts"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ""])
def test_counts_are_whole_numbers_of_at_least_one(lua: Lua, name: str, text: str) -> None:
    refused(lua, f"^{name}: expected a whole number of at least 1, got '{text}'$", name, text)


@pytest.mark.parametrize("name", ["losses", "concurrency", "attempts"])
def test_counts_are_exact_integers(lua: Lua, name: str) -> None:
    refused(lua, rf"^{name}: expected at most 2\^53, got '{'9' * 17}'$", name, "9" * 17)


def test_losses_are_at_most_twenty(lua: Lua) -> None:
    refused(lua, "^losses: expected at most 20, got 21$", "losses", 21)


@pytest.mark.parametrize(
    ("text", "found"), [("9", 9), ("-9", -9), ("+3", 3), ("05", 5), ("0", None), ("-0", None), ("+0", None)]
)
def test_a_priority_is_from_minus_9_to_9_and_0_is_not_stored(lua: Lua, text: str, found: int | None) -> None:
    lua.put(priority=text)
    assert lua.job().get("priority") == found
    lua.push(priority=text)
    assert [task["priority"] for task in lua.tasks()] == [found or 0]


@pytest.mark.parametrize("text", ["10", "-10", "1.5", "x", "", "1e0", "--1", "high", "9" * 30])
def test_other_priorities_are_refused(lua: Lua, text: str) -> None:
    refused(lua, f"^priority: expected -9 to 9, got '{text}'$", "priority", text)


@pytest.mark.parametrize("name", ["a!5", "!", "a!"])
def test_the_name_of_a_queue_does_not_look_like_a_lane(lua: Lua, name: str) -> None:
    refused(lua, f"^queue: expected a name without !, got '{name}'$", "queue", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("lease", 30), ("attempts", 3), ("backoff", 5), ("retry-on", "503"), ("never-on", "404")),
        *(("losses", 3), ("concurrency", 2)),
    ],
)
def test_policy_none_has_no_lease_and_nothing_that_needs_one(lua: Lua, name: str, value: Any) -> None:
    says = f"^{name}: cannot be combined with policy none, which has no lease$"
    refused(lua, says, "policy", "none", name, value)
    refused(lua, says, name, value, "policy", "none")
    lua.put(policy="ack", **{name: value})


def test_policy_none_accepts_all_other_options(lua: Lua) -> None:
    lua.put(policy="none", rate="5/s", timeout=9, priority=1, queue="slow")
    job = lua.job()
    found = [job[name] for name in ("policy", "rate", "timeout", "priority", "queue")]
    assert found == ["none", "5/1", 9, 1, "slow"]


def test_an_update_with_another_priority_keeps_the_schedule(lua: Lua) -> None:
    lua.put(every=5, repeat=3)
    lua.tick()
    assert lua.put(every=5, repeat=3, priority=7, now=T + 1) == (T + 5) * 1000
    assert (lua.job()["left"], lua.job()["priority"]) == (2, 7)
    lua.put(every=5, repeat=3, now=T + 1)
    assert "priority" not in lua.job()


def test_unique_for_is_only_for_pushes(lua: Lua) -> None:
    says = "^unique-for: unknown option$"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", "unique-for", 5)
