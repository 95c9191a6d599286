"""Unreadable records are set aside, counted and kept, and everything else continues."""

from __future__ import annotations

import random

import pytest

from jobs_core import Context, FaultError, Outcome, StaleError, Task
from tests.helpers import runner, wait_until, working
from tests.lua.helpers import MS, Lua, T

GARBAGE = ["1\na@1\n\nx", "", "garbage", "\x00\x01", "1\nno-due\n\nx\nx\n\n", "3\n\n\n\n"]


def bad(lua: Lua) -> list[tuple[str, str]]:
    """Return the location and the text of each bad record."""
    entries = lua.client.xrange(f"{lua.keys.tag}:bad")
    return [(fields["place"], fields["record"]) for _, fields in entries]


def counted(lua: Lua) -> int:
    return int(lua.client.hget(lua.keys.stats, "bad") or 0)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_tasks_before_and_behind_garbage_on_a_queue_are_taken(lua: Lua, garbage: str) -> None:
    first, second = lua.push("a"), lua.push("b")
    lua.client.rpush(lua.keys.queue("echo"), garbage)
    third = lua.push("c")
    assert [task["id"] for task in lua.take(count=10, lease=30)] == [first, second, third]
    assert (bad(lua), counted(lua)) == ([("queue", garbage)], 1)
    assert lua.adds_up()


def test_garbage_alone_ends_with_an_empty_queue(lua: Lua) -> None:
    lua.client.rpush(lua.keys.queue("echo"), *["x"] * 30)
    assert lua.take(count=10) == []
    assert (lua.client.llen(lua.keys.queue("echo")), counted(lua)) == (0, 30)


def test_the_list_of_bad_records_is_bounded(lua: Lua) -> None:
    for _ in range(30):
        lua.client.rpush(lua.keys.queue("echo"), *["x" * 5000] * 100)
        lua.take(count=500)
    assert lua.client.xlen(f"{lua.keys.tag}:bad") < 1200
    assert {len(text) for _, text in bad(lua)} == {1024}
    assert counted(lua) == 3000


@pytest.mark.parametrize("garbage", ["garbage", "\x01", "\x00\xc1", "\x02\x93", "\x01\xa4echo", "\x09abc"])
def test_an_unreadable_job_does_not_affect_other_jobs(lua: Lua, garbage: str) -> None:
    for id in ("a", "b", "c"):
        lua.put(id, every=5)
    lua.client.hset(lua.keys.job, "b", garbage.encode("latin-1"))
    assert lua.tick(T) == 2
    assert lua.tick(T + 5) == 2
    assert lua.ids() == [f"a@{MS}", f"c@{MS}", f"a@{MS + 5000}", f"c@{MS + 5000}"]
    assert (counted(lua), lua.client.zscore(lua.keys.schedule, "b")) == (1, None)
    assert lua.jget("b") == [None]
    assert lua.jwhen("b") == [None]
    with pytest.raises(FaultError, match=r"^the job 'b' cannot be read: put it again"):
        lua.jpause("b")
    assert lua.put("b", every=5) == MS
    assert lua.job("b")["every"] == 5


def test_a_job_that_cannot_be_read_can_be_removed(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.client.hset(lua.keys.job, "a", "garbage")
    assert lua.jdel("a") == 1
    assert lua.tick(T + 9) == 0


@pytest.mark.parametrize("stored", [None, "garbage", "leased x y z\n1\n"])
def test_a_lease_without_a_task_expires_once_and_others_normally(lua: Lua, stored: str | None) -> None:
    tokens = [lua.push() and lua.held(lease=5)["token"] for _ in range(3)]
    if stored is None:
        lua.client.hdel(lua.keys.task, tokens[1])
    else:
        lua.client.hset(lua.keys.task, tokens[1], stored)
    assert lua.tick(T + 6) == 3
    assert (lua.count()["queued"], lua.count()["leased"], counted(lua)) == (2, 0, 1)


@pytest.mark.parametrize("verb", ["done", "failed", "retry", "dead", "release", "accepted", "update"])
def test_a_report_on_a_task_that_cannot_be_read_is_stale(lua: Lua, verb: str) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.client.hset(lua.keys.task, token, "garbage")
    with pytest.raises(StaleError):
        lua.jack(token, verb)
    assert (lua.count()["leased"], counted(lua)) == (0, 1)


def test_an_unreadable_delayed_task_does_not_block_others(lua: Lua) -> None:
    first, second = lua.push(at=T + 1), lua.push(at=T + 2)
    lua.client.hset(lua.keys.task, f"{first}#0", "garbage")
    assert lua.tick(T + 3) == 1
    assert (lua.ids(), counted(lua), lua.count()["delayed"]) == ([second], 1, 0)


def test_an_unreadable_dead_letter_is_set_aside_when_retried(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.jack(token, "dead")
    lua.client.hset(lua.keys.task, token, "garbage")
    assert lua.jdead("retry", token) == 0
    assert (lua.count()["dead"], bad(lua)) == (0, [("dead", "garbage")])


def test_garbage_among_tasks_that_a_limit_holds_is_set_aside(lua: Lua) -> None:
    lua.put("a", at=T, concurrency=1)
    for number in range(3):
        lua.jpush("a", now=T + number)
    token = lua.take(count=3, lease=30)[0]["token"]
    lua.client.lpush(f"{lua.keys.tag}:held:job:a", "garbage")
    lua.jack(token, "done")
    assert len(lua.take(count=3, lease=30)) == 1
    assert bad(lua) == [("held", "garbage")]


def test_lists_and_cancelling_skip_unreadable_records(lua: Lua) -> None:
    lua.client.rpush(lua.keys.queue("echo"), "garbage")
    task = lua.push()
    assert [found["id"] for found in lua.tasks()] == [task]
    assert lua.jcancel(task) == ["0", ["cancelled"]]
    assert lua.jtrim("echo", 0) == 1
    assert bad(lua) == [("queue", "garbage")]


UNREADABLE = {
    "options": ("", "", "{bad"),
    "options that are no object": ("", "", "[1]"),
    "a lease": ("l", "", '{"lease":"x"}'),
    "a lease that the flags promise": ("l", "", "{bad"),
    "a limit": ("r", "", '{"rate":"often"}'),
    "output to keep": ("k", "", '{"keep":[]}'),
    "a history": ("", "junk", ""),
    "the end of a history": ("", "lost 1 w lost \tjunk", ""),
}


def record(flags: str, history: str, options: str) -> str:
    return "\n".join(("1" + flags, f"a@{MS}", history, "echo", "echo", options, "x"))


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_record_with_a_field_that_cannot_be_read_harms_no_other(lua: Lua, what: str) -> None:
    garbage = record(*UNREADABLE[what])
    pushed = [lua.push("a")]
    lua.client.rpush(lua.keys.queue("echo"), garbage)
    pushed.append(lua.push("b"))
    assert [task["id"] for task in lua.tasks()] == pushed
    ran: list[str] = []

    def run(task: Task, context: Context) -> Outcome:
        ran.append(task.id)
        return Outcome.done()

    with working(lua.board, runner(run, "echo"), tick=False):
        wait_until(lambda: lua.stats()["done"] == 2 and counted(lua) == 1)
    assert ran == pushed
    assert bad(lua)[0][1].endswith(garbage)
    assert (lua.count()["queued"], lua.count()["leased"]) == (0, 0)


def test_a_job_whose_options_cannot_be_read_harms_no_other(lua: Lua) -> None:
    for id in ("a", "b"):
        lua.put(id, timeout=5)
    packed = lua.client.hget(lua.keys.job, "b").replace('{"timeout":5}', '{"timeout":')
    lua.client.hset(lua.keys.job, "b", packed.encode(errors="surrogateescape"))
    assert [job["id"] for job in lua.board.list()] == ["a"]
    with pytest.raises(FaultError, match=r"^the job 'b' cannot be read: put it again"):
        lua.jpush("b")
    lua.put("b", timeout=6)
    assert lua.job("b")["timeout"] == 6


JOBS: list[dict[str, object]] = [
    {"every": 5},
    {"every": 60, "repeat": 5, "priority": 3},
    {"every": 3600, "attempts": 3, "overlap": "skip"},
    {"every": 60, "decay": 2, "step": 3600},
    {"every": "R/2023-11-14T08:00:00Z/P1M"},
    {"cron": "0 3 * * *"},
    {"cron": "5 * * * MON", "zone": "Europe/Brussels"},
    {"cron": "*/5 * * * *", "jitter": 5, "misfire": "all"},
    {"at": T + 5},
    {"after": "good"},
]


def damaged(packed: bytes, chance: random.Random) -> bytes:
    """Return the same bytes with a few changed, added or removed."""
    found = bytearray(packed)
    for _ in range(chance.choice([1, 1, 2, 4])):
        place, gone, added = chance.randrange(len(found)), chance.choice([0, 1, 1]), chance.choice([0, 1, 1])
        found[place : place + gone] = chance.randbytes(added)
    return bytes(found)


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_to_a_job_stops_the_others(lua: Lua, seed: int) -> None:
    chance = random.Random(seed)
    lua.board.init()  # with time zones
    lua.put("good", every=1)
    for number in range(100):
        lua.put("bad", **chance.choice(JOBS))
        packed = lua.client.hget(lua.keys.job, "bad").encode(errors="surrogateescape")
        lua.client.hset(lua.keys.job, "bad", damaged(packed, chance))
        lua.client.zadd(lua.keys.schedule, {"bad": chance.choice([1000, MS])})
        lua.tick(T + number)
        assert f"good@{MS + 1000 * number}" in lua.ids(), packed
        assert "good" in [job["id"] for job in lua.board.list(sort="next")]
        lua.jdel("bad")


@pytest.mark.parametrize("score", ["1e18", "inf", "-1e18", "-inf"])
def test_an_invalid_score_stops_no_list_and_no_tick(lua: Lua, score: str) -> None:
    lua.put("good", every=1)
    lua.put("bad", every=1)
    lua.client.zadd(lua.keys.schedule, {"bad": score})
    assert {job["id"] for job in lua.board.list()} == {"good", "bad"}
    assert lua.board.next("bad")[0].year in (1, 9999)
    assert lua.tick(T) == 1
    assert (counted(lua), len(lua.board.next("bad"))) == ((1, 0) if score.startswith("-") else (0, 1))


@pytest.mark.parametrize("key", ["task", "leased"])
@pytest.mark.parametrize("raw", [0, 1])
def test_tasks_that_cannot_be_leased_stay_on_the_queue(lua: Lua, key: str, raw: int) -> None:
    lua.put("unleased", policy="none")
    lua.put("limited", concurrency=5)
    pushed = [str(lua.jpush(id)) for id in ("unleased", "limited")] + [lua.push() for _ in range(3)]
    name = f"{lua.keys.tag}:{key}"
    lua.client.set(name, "x")
    with pytest.raises(FaultError):
        lua.jpop(1, "echo", "count", 4, "lease", 30, "raw", raw)
    lua.client.delete(name)
    assert lua.client.exists(f"{lua.keys.tag}:running:job:limited") == 0
    assert [task["id"] for task in lua.take(count=9, lease=30)] == pushed
    assert lua.adds_up()
