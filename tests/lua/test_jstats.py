"""JSTATS: the ledger."""

from __future__ import annotations

from jobs_core import NotFoundError
from tests.lua.helpers import Lua, T

NAMES = (
    *("due", "queued", "coalesced", "skipped", "done", "dead", "cancelled", "unleased", "in_flight"),
    *("pushed", "leased", "retried", "failed", "lost", "doubled", "released", "revived", "purged"),
    *("trimmed", "stale", "waiting", "backfilled"),
)


def test_all_counters_of_an_empty_board_are_zero(lua: Lua) -> None:
    assert lua.stats() == dict.fromkeys(NAMES, 0)


def test_every_counter_counts_its_events(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.tick(T + 12)
    for _ in range(5):
        lua.push()
    token = lua.held()["token"]
    lua.jack(token, "release")
    lua.jack(lua.held()["token"], "retry")
    lua.jack(lua.held()["token"], "done")
    lua.jack(lua.held()["token"], "dead")
    lua.held(lease=5)
    lua.tick(T + 13)  # ends that lease
    lua.board.commands.batch([("JACK", [token, "done"])])
    lua.take()
    lua.jtrim("echo", 1)
    assert lua.stats() == dict.fromkeys(NAMES, 0) | {
        "due": 8,
        "queued": 6,
        "coalesced": 2,
        "pushed": 5,
        "leased": 5,
        "unleased": 1,
        "done": 1,
        "retried": 1,
        "lost": 1,
        "released": 1,
        "stale": 1,
        "dead": 1,
        "trimmed": 2,
        "cancelled": 2,
        "in_flight": 1,
    }


def test_a_job_has_a_ledger_of_its_own(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b", every=5)
    lua.tick(T + 12)
    for verb in ("retry", "done", "dead"):
        lua.jack(lua.held()["token"], verb)
    assert lua.stats()["coalesced"] == 4
    ledgers = [lua.jstats("job", job) for job in "ab"]
    found = [{name: n for name, n in zip(flat[::2], flat[1::2], strict=True) if n} for flat in ledgers]
    assert found == [
        {"coalesced": 2, "done": 1, "retried": 1},
        {"coalesced": 2, "dead": 1},
    ]


def test_the_ledger_of_a_job_is_removed_with_it(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.tick(T + 12)
    lua.jdel("a")
    lua.jack(lua.held()["token"], "done")
    assert lua.client.exists(f"{lua.keys.tag}:ledger") == 0
    lua.refuses(NotFoundError, "there is no job 'a'", "JSTATS", "job", "a")


def test_one_off_tasks_leave_no_ledger_behind(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "done")
    assert lua.client.exists(f"{lua.keys.tag}:ledger") == 0


def test_removing_jobs_keeps_the_boards_ledger(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    before = lua.stats()
    lua.jdel("a")
    assert lua.stats() == before


def test_what_was_skipped_is_counted_by_reason(lua: Lua) -> None:
    lua.put("late", every=10, misfire="skip", grace=5)
    lua.put("busy", every=20, overlap="skip")
    lua.put("full", queue="narrow", every=20)
    lua.jlimit("queue", "narrow", **{"max-length": 1})
    lua.tick(T)
    lua.tick(T + 28)
    found = lua.stats()
    by_reason = {name: n for name, n in found.items() if name.startswith("skipped:")}
    assert by_reason == {"skipped:late": 2, "skipped:overlap": 1, "skipped:full": 1}
    assert found["skipped"] == sum(by_reason.values())


def test_an_occurrence_that_waits_in_vain_is_counted_by_reason(lua: Lua) -> None:
    lua.put("parent")
    for job, changed in (("paused", None), ("changed", None), ("removed", None), ("parents", 5)):
        deadline = {"deadline": changed} if changed else {}
        lua.put(job, every=60, after="parent", **deadline)
    lua.tick(T)
    lua.jpause("paused")
    lua.put("changed", every=60)
    lua.jdel("removed")
    lua.tick(T + 5)
    found = lua.stats()
    reasons = ("paused", "changed", "removed", "parents")
    assert {reason: found.get(f"skipped:{reason}") for reason in reasons} == dict.fromkeys(reasons, 1)
    assert found["skipped"] == 4
