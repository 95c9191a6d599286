"""Each rule of `jobs lint` finds what it is for, and does not find what only looks like it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from jobs_core import Board, Job, hookimpl
from jobs_core.engine.build import commands
from jobs_core.engine.commands import Commands
from jobs_core.errors import OptionError
from jobs_core.lint import RULES, Finding, facts
from jobs_core.lint import alerts as about_alerts
from jobs_core.lint.crowds import FEW
from jobs_core.plugins.manager import Plugins

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()
BRUSSELS = {"zone": "Europe/Brussels"}

FOUND: dict[str, list[dict[str, Any]]] = {
    "never-runs": [
        {"cron": "0 0 30 2 *"},
        {"every": "1h", "stop": "2020-01-01"},
        {"cron": "0 0 1 1 *", "start": "2030-02-01", "stop": "2030-03-01"},
    ],
    "rate-too-slow": [
        {"every": 10, "rate": "1/1m"},
        {"cron": "* * * * *", "rate": "30/1h"},
        {"cron": "0 9-17 * * MON-FRI", "rate": "1/1d"},
    ],
    "jitter-too-long": [{"every": "1m", "jitter": "5m"}, {"cron": "*/5 * * * *", "jitter": "5m"}],
    "clock-change": [
        {"cron": "30 2 * * *", **BRUSSELS},
        {"cron": "*/10 2 * * *", **BRUSSELS},
        {"cron": "0 */2 * * *", **BRUSSELS},
        {"cron": "*/10 2-5 * * *", **BRUSSELS},
        {"cron": "30 2 * * *", "dst": "ocps", **BRUSSELS},
        {"cron": "H(0-59) 2 * * *", **BRUSSELS},
    ],
    "uneven-step": [
        {"cron": "*/7 * * * *"},
        {"cron": "*/45 * * * *"},
        {"cron": "5-59/7 * * * *"},
        {"cron": "H/7 * * * *"},
        {"cron": "0 */5 * * *"},
        {"cron": "0 0 */2 * *"},
        {"cron": "*/25 * * * * *"},
    ],
    "step-exceeds-range": [{"cron": "*/90 * * * *"}],
    "month-end": [{"cron": "0 9 31 * *"}, {"cron": "0 9 29 2 *"}, {"cron": "0 9 1,30 * *"}],
    "day-and-weekday": [{"cron": "0 9 13 * FRI"}, {"cron": "0 9 1-7 * MON"}],
    "no-timeout": [{"every": 5}, {}],
    "unused-retry": [{"policy": "ack", "attempts": 5}, {"policy": "ack", "retry-on": "5*"}],
    "missing-parent": [{"after": "gone"}],
    "rejected-payload": [{"runner": "shell", "payload": {"unknown": 1}}],
    "unknown-rule": [{"lint-ignore": "no-such-rule"}],
}

MISSED: dict[str, list[dict[str, Any]]] = {
    "never-runs": [
        {"cron": "0 0 29 2 *"},
        {"every": "1h", "stop": "2190-01-01"},
        {"cron": "0 0 1 1 *", "start": "2030-02-01", "stop": "2031-02-01"},
        {"at": "2020-01-01"},
        {},
        {"after": "other"},
    ],
    "rate-too-slow": [
        {"every": 10, "rate": "6/1m"},
        {"cron": "* * * * *", "rate": "60/1h"},
        {"cron": "* 9 * * *", "rate": "30/1h"},
        {"every": "1h"},
    ],
    "jitter-too-long": [{"every": "5m", "jitter": "1m"}, {"cron": "0 3 * * *", "jitter": "5m"}],
    "clock-change": [
        {"cron": "30 4 * * *", **BRUSSELS},
        {"cron": "30 2 * * *"},
        {"cron": "30 2 * * *", "zone": "Asia/Tokyo"},
        {"cron": "*/5 * * * *", **BRUSSELS},
        {"cron": "*/5 0-5 * * *", **BRUSSELS},
        {"cron": "30 2 1-20 * MON-FRI", **BRUSSELS, "lint-ignore": "clock-change"},
        {"cron": "30 2 * * +MON-SAT", **BRUSSELS},
        {"cron": "30 2 * * MON-SAT", **BRUSSELS},
        {"cron": "30 2 L 10 *", **BRUSSELS},
    ],
    "uneven-step": [
        {"cron": "*/15 * * * *"},
        {"cron": "5-59/15 * * * *"},
        {"cron": "*/45 9 * * *"},
        {"cron": "0-30/7 * * * *"},
        {"cron": "0 */6 * * *"},
        {"cron": "0 8-18/3 * * *"},
        {"cron": "0,7,14 * * * *"},
    ],
    "step-exceeds-range": [{"cron": "*/30 * * * *"}],
    "month-end": [
        {"cron": "0 9 L * *"},
        {"cron": "0 9 28 * *"},
        {"cron": "0 9 31 1,3,5 *"},
        {"cron": "0 9 25-31 * *"},
        {"cron": "0 9 28-31 * *"},
        {"cron": "0 9 30 4,6 *"},
    ],
    "day-and-weekday": [{"cron": "0 9 13 * +FRI"}, {"cron": "0 9 13 * *"}, {"cron": "0 9 * * FRI"}],
    "no-timeout": [{"timeout": "1h"}],
    "unused-retry": [{"attempts": 5}, {"policy": "retry", "attempts": 5}, {"policy": "ack"}],
    "missing-parent": [{"after": "other"}, {"after": "present"}],
    "rejected-payload": [{"runner": "shell", "payload": "date"}, {"runner": "unknown"}],
    "unknown-rule": [{"lint-ignore": "no-timeout,crowded"}],
}


def job(id: str = "it", **options: Any) -> dict[str, Any]:
    return {"id": id, "runner": "console", "payload": "x"} | options


def found(board: Board, rule: str, *jobs: dict[str, Any]) -> list[Finding]:
    """Lint jobs as they would be put, and return what a rule finds."""
    return [finding for finding in board.lint(jobs, now=NOW) if finding.rule == rule]


def cases(table: dict[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(rule, options) for rule, several in table.items() for options in several]


@pytest.mark.parametrize(("rule", "options"), cases(FOUND), ids=str)
def test_a_rule_finds(board: Board, rule: str, options: dict[str, Any]) -> None:
    (finding,) = found(board, rule, job(**options))
    assert finding.job == "it" and finding.sentence.startswith("it ")
    assert finding.why and finding.advice and rule in finding.silence
    assert not finding.advice.endswith(".") and not finding.sentence.endswith(".")
    if options.get("cron") == "0 0 30 2 *":
        return  # the board rejects it, so silence would be wrong
    silent = job(**options) | {"lint-ignore": [rule, *options.get("lint-ignore", "").split()]}
    assert found(board, rule, silent) == []


@pytest.mark.parametrize(("rule", "options"), cases(MISSED), ids=str)
def test_a_rule_does_not_find_a_near_miss(board: Board, rule: str, options: dict[str, Any]) -> None:
    board.put("present", "console", "x")
    assert found(board, rule, job(**options), job("other")) == (
        found(board, rule, job("other")) if rule == "no-timeout" else []
    )


def test_jobs_on_the_board_are_found_as_those_of_a_file(board: Board) -> None:
    options = [
        options
        for rule, options in cases(FOUND)
        if rule not in ("never-runs", "rejected-payload") and "lint-ignore" not in options
    ]
    jobs = [job(f"job-{place}", **each) for place, each in enumerate(options)]
    as_file = {(finding.rule, finding.job) for finding in board.lint(jobs, now=NOW)}
    list(board.put_many(jobs))
    assert {(finding.rule, finding.job) for finding in board.lint(now=NOW)} == as_file
    assert {(finding.rule, finding.job) for finding in board.lint(jobs, now=NOW)} == as_file


def test_a_job_that_has_ended_as_meant_is_not_found(board: Board) -> None:
    board.put("once", "console", "x", at="2020-01-01")
    board.put("twice", "console", "x", every=60, repeat=2, stop="2190-01-01")
    board.tick(now=time.time() + 10)
    board.tick(now=time.time() + 100)
    assert {each["id"] for each in board.list(state="ended")} == {"once", "twice"}
    assert board.lint(now=NOW) == []


def test_clock_change_names_the_days_and_what_dst_does(board: Board) -> None:
    (finding,) = found(board, "clock-change", job(cron="30 2 * * *", **BRUSSELS))
    assert finding.sentence == (
        "it has a run at a time that Europe/Brussels skips on 2027-03-28 at 02:30 (it runs late, after the "
        "change) and repeats on 2027-10-31 at 02:30 (it runs once), as dst vixie rules"
    )
    (finding,) = found(board, "clock-change", job(cron="*/30 2 * * *", **BRUSSELS))
    assert "02:00 (it does not run)" in finding.sentence and "02:00 (it runs twice)" in finding.sentence
    (finding,) = found(board, "clock-change", job(cron="30 2 * * *", dst="ocps", **BRUSSELS))
    assert "02:30 (it does not run)" in finding.sentence and "(it runs once), as dst ocps" in finding.sentence


def test_clock_change_says_what_the_engine_does(board: Board) -> None:
    def runs(cron: str, day: str) -> list[str]:
        times = board.next(cron=cron, from_=f"{day}T00:00:00Z", count=3, **BRUSSELS)
        return [f"{time:%d %H:%M}" for time in times]

    assert runs("30 2 * * *", "2027-03-28")[0] == "28 01:00"  # late, after the change at 01:00 UTC
    assert runs("30 2 * * *", "2027-10-31")[1].startswith("01 ")  # once
    assert runs("*/30 2 * * *", "2027-03-28")[0].startswith("29 ")  # not at all
    assert runs("30 */2 * * *", "2027-10-31")[:2] == ["31 00:30", "31 01:30"]  # twice


def test_a_crowd_is_found_and_names_the_second(board: Board) -> None:
    jobs = [job(f"job-{n}", cron="0 3 * * *") for n in range(FEW)]
    (finding,) = found(board, "crowded", *jobs, job("other", cron="1 3 * * *"))
    assert finding.job is None
    assert finding.sentence == "100 of 101 jobs are due at 2026-12-02T03:00:00Z, such as job-0, job-1, job-2"
    assert "H" in finding.advice and "jitter" in finding.advice


@pytest.mark.parametrize(
    "options",
    [
        {"cron": "H 3 * * *"},
        {"cron": "0 3 * * *", "jitter": "10m"},
        {"cron": "0 3 * * *", "lint-ignore": "crowded"},
    ],
)
def test_no_crowd_is_found_where_runs_are_spread(board: Board, options: dict[str, Any]) -> None:
    assert found(board, "crowded", *(job(f"job-{n}", **options) for n in range(FEW))) == []


def test_few_jobs_are_no_crowd(board: Board) -> None:
    assert found(board, "crowded", *(job(f"job-{n}", cron="0 3 * * *") for n in range(FEW - 1))) == []


@pytest.mark.parametrize(
    ("options", "usual", "is_found"),
    [
        ({"every": "1m"}, 90, True),
        ({"cron": "*/5 * * * *"}, 400, True),
        ({"every": "1m"}, 59, False),
        ({"every": "1m", "overlap": "skip"}, 90, False),
        ({"cron": "0 3 * * *"}, 3600, False),
        ({}, 90, False),
    ],
)
def test_a_run_that_lasts_until_after_the_next_one(
    board: Board, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], usual: float, is_found: bool
) -> None:
    monkeypatch.setattr(facts, "read_usual", lambda commands, ids: {"it": usual})
    assert bool(found(board, "slow-run", job(**options))) is is_found


class Summaries:
    """Commands that answer JSUMMARY: a job that has run often, one that has not, and one that is unknown."""

    def stream(self, calls: Iterator[tuple[str, list[str]]], size: int) -> Iterator[list[str | None]]:
        for name, ids in calls:
            assert (name, ids) == ("JSUMMARY", ["often", "twice", "unknown"])
            yield [
                '{"id": "often", "runs": 9, "median": 75.5}',
                '{"id": "twice", "runs": 2, "median": 75.5}',
                None,
            ]

    def complete(self, call: object, reply: list[str | None]) -> list[str | None]:
        return reply


def test_durations_count_once_enough_runs_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, summaries = ["often", "twice", "unknown"], cast("Commands", Summaries())
    monkeypatch.setattr(facts, "known_commands", lambda: {"JSUMMARY": None})
    assert facts.read_usual(summaries, ids) == {"often": 75.5}
    monkeypatch.setattr(facts, "known_commands", dict)
    assert facts.read_usual(summaries, ids) == {}  # an engine without learned durations


@pytest.mark.skipif("JSUMMARY" not in commands(), reason="this engine learns no durations")
def test_durations_are_those_that_the_board_has_learned(board: Board) -> None:
    start = time.time()
    board.put("slow", "shell", "x", every=60, now=start)
    board.put("quick", "shell", "x", every=600, now=start)
    board.put("guarded", "shell", "x", every=60, overlap="skip", now=start)
    for now in range(int(start) + 1, int(start) + 3000, 600):
        board.tick(now=now)
        for task in board.pop("shell", count=10, lease=500, now=now):
            board.ack(task.token, now=now + 90)
    (finding,) = [finding for finding in board.lint() if finding.rule == "slow-run"]
    assert finding.sentence == "slow usually takes 1m30s, but the next run comes 1m later"


class Advisor:
    """A plugin that knows something about the runner console."""

    @hookimpl
    def jobs_lint(self, job: Job) -> Iterator[tuple[str, str]]:
        if job.payload == "broken":
            raise KeyError(job.payload)
        if job.runner == "console" and job.payload == "world":
            yield "greets the whole world", "name somebody"


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("world", ["it greets the whole world"]),
        ("Ada", []),
        ("broken", ["it makes the plugin 'advisor' raise KeyError in jobs_lint"]),
    ],
)
def test_plugins_add_their_own(board: Board, url: str, payload: str, says: list[str]) -> None:
    plugins = Plugins()
    plugins.add("advisor", Advisor())
    with Board(board.name, url, plugins=plugins) as advised:
        findings = found(advised, "plugin-advice", job(payload=payload))
        assert [finding.sentence for finding in findings] == says
        silent = job(payload=payload, lint_ignore="plugin-advice")
        assert found(advised, "plugin-advice", silent) == []


def test_every_rule_has_a_case() -> None:
    alerts = {rule.name for rule in about_alerts.RULES}  # see test_lint_alerts.py
    assert RULES.keys() - FOUND.keys() - alerts == {"crowded", "plugin-advice", "slow-run"}
    assert FOUND.keys() == MISSED.keys()


def test_rules_are_ignored_by_name(board: Board) -> None:
    assert board.lint([job()], ignore=["no-timeout"]) == []
    with pytest.raises(OptionError, match="there is no rule 'no-timeuot'"):
        board.lint([job()], ignore=["no-timeuot"])


def test_a_pattern_without_a_day_is_an_error_for_whoever_ignores_the_rule(board: Board) -> None:
    never = job(cron="0 0 30 2 *")
    with pytest.raises(OptionError, match="never runs"):
        board.lint([never], ignore=["never-runs"])
    with pytest.raises(OptionError, match="never runs"):
        board.lint([never | {"lint_ignore": ["never-runs"]}])


def test_nothing_is_changed(board: Board) -> None:
    board.put("it", "console", "x", every=5)
    before = board.show("it")
    board.lint([job(every=7), job("other")])
    board.lint()
    assert [*board.list()] == [before]


def test_a_job_that_the_board_rejects_is_an_error(board: Board) -> None:
    with pytest.raises(OptionError, match="timeout: expected a duration"):
        board.lint([job(timeout="soon")])
