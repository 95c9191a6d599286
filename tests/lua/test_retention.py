"""What bounds a board: dead letters, jobs that have ended, the history in bytes, queues; and JRETAIN."""

from __future__ import annotations

import pytest

from jobs_core import OptionError
from jobs_core.bounds import RETENTION, RetentionOptions
from tests.lua.helpers import MS, Lua, T


def die(lua: Lua, now: int = T) -> str:
    """Push a task and give it up. Returns its id."""
    id = lua.push(now=now)
    lua.jack(lua.held(now=now)["token"], "dead", now=now)
    return id


def dead(lua: Lua) -> list[str]:
    return [task["id"] for task in lua.tasks(state="dead")]


def test_the_defaults_are_those_of_the_clients(lua: Lua) -> None:
    flat = lua.jretain()
    found = {name: str(bound) for name, bound in zip(flat[::2], flat[1::2], strict=True)}
    assert found == {name: bound.default for name, bound in RETENTION.items()}
    assert {name.replace("_", "-") for name in RetentionOptions.__annotations__} == set(RETENTION)


def test_a_bound_is_set_lifted_and_restored(lua: Lua) -> None:
    assert lua.board.retain(dead_letters=5, dead_age="1h")["dead-age"] == 3600
    assert lua.board.retention()["dead-letters"] == 5
    assert lua.board.retain(dead_letters="off")["dead-letters"] is None
    assert lua.board.retain(dead_letters="default") == lua.board.retention()
    assert lua.board.retention()["dead-letters"] == 10_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["dead-letters", "-1"], "dead-letters: expected a whole number"),
        (["dead-age", "old"], "dead-age: expected a duration"),
        (["dead-letters", 1, "letters", 5], "letters: unknown option"),
        (["dead-letters", 1, "dead-age", "x"], "dead-age: expected a duration"),
        (["runs", 1001], "runs: expected at most 1000"),
    ],
)
def test_a_bad_bound_changes_nothing(lua: Lua, words: list[object], says: str) -> None:
    lua.refuses(OptionError, says, "JRETAIN", *words)


class TestDeadLetters:
    def test_the_newest_stay(self, lua: Lua) -> None:
        lua.jretain("dead-letters", 2)
        ids = [die(lua, T + second) for second in range(4)]
        assert sorted(dead(lua)) == sorted(ids[2:])
        assert (lua.stats()["dead"], lua.stats()["purged"]) == (4, 2)
        assert lua.adds_up()
        assert lua.client.hlen(lua.keys.task) == 2

    def test_ticks_purge_what_a_lower_bound_leaves(self, lua: Lua) -> None:
        ids = [die(lua, T + second) for second in range(5)]
        lua.jretain("dead-letters", 1)
        lua.tick()
        assert dead(lua) == ids[4:]

    def test_ticks_purge_those_that_are_too_old(self, lua: Lua) -> None:
        lua.jretain("dead-age", "1h")
        first, second = die(lua), die(lua, T + 1800)
        lua.tick(T + 3599)
        assert set(dead(lua)) == {first, second}
        lua.tick(T + 3600)
        assert dead(lua) == [second]
        assert next(lua.board.history())["note"] == "too old"
        assert lua.adds_up()


class TestEndedJobs:
    def end(self, lua: Lua, id: str = "a") -> None:
        lua.put(id, at=T)
        lua.tick()

    def test_they_stay_by_default(self, lua: Lua) -> None:
        self.end(lua)
        lua.tick(T + 1e8)
        assert lua.job()["state"] == "ended"

    def test_they_are_removed_after_a_while(self, lua: Lua) -> None:
        lua.jretain("expire-ended", "1d")
        self.end(lua)
        lua.put("child", after="a")
        lua.tick(T + 86399)
        assert lua.job()["state"] == "ended"
        lua.tick(T + 86400)
        assert lua.jget("a") == [None]
        assert lua.job("child")["state"] == "waiting"
        assert lua.adds_up()

    def test_a_job_that_was_put_again_stays(self, lua: Lua) -> None:
        lua.jretain("expire-ended", "1d")
        self.end(lua)
        lua.put("a", every="1d", start=T + 86410)
        lua.tick(T + 86400)
        assert lua.job()["state"] == "scheduled"
        assert lua.size("ended") == 0

    def test_a_job_whose_runs_after_others_are_used_up_is_removed(self, lua: Lua) -> None:
        lua.jretain("expire-ended", "1h")
        lua.put("parent")
        lua.put("child", after="parent", repeat=1)
        lua.jpush("parent")
        lua.jack(lua.held()["token"], "done", now=T)
        assert lua.job("child")["state"] == "ended"
        lua.tick(T + 3600)
        assert lua.jget("child") == [None]


class TestHistory:
    def test_large_entries_push_out_the_oldest(self, lua: Lua) -> None:
        lua.jretain("history-bytes", 10_000)
        data = '{"x":"' + "y" * 3000 + '"}'
        for _ in range(8):
            lua.push()
            lua.jack(lua.held()["token"], "done", "data", data)
        assert [len(entry["data"]["x"]) for entry in lua.board.history()] == [3000] * 3
        assert int(lua.client.hget(lua.keys.stats, "history_large")) <= 10_000
        assert lua.size("history:large") == 3

    def test_small_entries_do_not_count(self, lua: Lua) -> None:
        lua.jretain("history-bytes", 0)
        for _ in range(5):
            lua.push()
            lua.jack(lua.held()["token"], "done", "note", "x" * 500)
        assert lua.client.xlen(lua.keys.history) == 5

    def test_large_entries_that_were_trimmed_are_forgotten(self, lua: Lua) -> None:
        data = '{"x":"' + "y" * 3000 + '"}'
        for _ in range(3):
            lua.push()
            lua.jack(lua.held()["token"], "done", "data", data)
        lua.client.xtrim(lua.keys.history, maxlen=1, approximate=False)
        lua.push()
        lua.jack(lua.held()["token"], "done", "data", data)
        assert lua.size("history:large") == 2
        assert lua.client.xlen(lua.keys.history) == 2


class TestMaxLength:
    @pytest.fixture
    def short(self, lua: Lua) -> Lua:
        """A board whose queue `echo` takes 2 tasks."""
        lua.jlimit("queue", "echo", "max-length", 2)
        return lua

    def test_a_push_beyond_it_is_refused(self, short: Lua) -> None:
        short.push()
        short.push(priority=5)
        says = "queue: the queue 'echo' is full: it takes at most 2 tasks"
        short.refuses(OptionError, says, "JPUSH", "echo", "x", "now", T)
        short.push(queue="other")
        short.take()
        short.push()
        assert short.adds_up()

    def test_due_runs_beyond_it_are_skipped_and_say_so(self, short: Lua) -> None:
        for id in "abc":
            short.put(id, every=60)
        assert short.tick() == 2
        assert (short.stats()["due"], short.stats()["queued"], short.stats()["skipped"]) == (3, 2, 1)
        assert sum(short.ledger(id).get("skipped", 0) for id in "abc") == 1
        assert next(short.board.history())["note"] == "full"
        assert short.adds_up()
        short.ids()
        assert short.tick(T + 60) == 2

    def test_a_skipped_run_does_not_count_as_open(self, short: Lua) -> None:
        short.push()
        short.push()
        short.put(every=60, overlap="skip")
        short.tick()
        short.ids()
        assert short.tick(T + 60) == 1

    def test_runs_after_others_are_skipped_likewise(self, short: Lua) -> None:
        short.put("parent", queue="other")
        short.put("child", after="parent")
        for _ in range(3):
            short.jpush("parent")
            short.jack(short.take("other", lease=30)[0]["token"], "done")
        assert short.ledger("child") == {"skipped": 1}
        assert short.count()["queue:echo"] == 2
        assert short.adds_up()

    def test_tasks_that_a_limit_holds_count(self, short: Lua) -> None:
        short.put(rate="1/1h")
        for _ in range(2):
            short.jpush("a")
        assert len(short.take(count=5)) == 1  # the other one is held now
        short.jpush("a")
        short.refuses(OptionError, "is full", "JPUSH", "a", "now", T)

    def test_a_retry_always_returns(self, short: Lua) -> None:
        short.push()
        task = short.held()
        short.push()
        short.push()
        short.jack(task["token"], "retry")
        assert short.count()["queued"] == 3

    def test_it_is_listed_and_lifted(self, short: Lua) -> None:
        (found,) = short.board.limits()
        none = {"concurrency": None, "rate": None}
        assert found == {"kind": "queue", "name": "echo", "max_length": 2} | none
        short.board.limit("queue", "echo", concurrency=5)
        assert [limit["max_length"] for limit in short.board.limits()] == [None]


def test_workers_and_runners_have_bounds_of_their_own(lua: Lua) -> None:
    lua.jretain("workers", "1m", "runners", "off")
    lua.call("JREGISTER", "old", "a", "--", "now", T)
    lua.call("JREGISTER", "new", "b", "--", "now", T + 61)
    assert lua.client.hkeys(lua.keys.workers) == ["new"]
    lua.call("JREGISTER", "new", "c", "--", "now", f"{(MS + 10**11) / 1000:.0f}")
    assert set(lua.client.hkeys(lua.keys.runners)) == {"a", "b", "c"}
