"""Jobs that run after jobs of other partitions: links, endings, cycles, and messages that are lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import Board
from jobs_core.engine.partitions import cycles
from jobs_core.errors import OptionError
from tests.lua.helpers import MS, T
from tests.lua.partitioned import Partitioned


@pytest.fixture
def parts(board: Board) -> Partitioned:
    """An empty board of four partitions."""
    return Partitioned(board)


@pytest.fixture
def parent(parts: Partitioned) -> str:
    """A job in the first partition."""
    id = parts.name(0, "parent")
    parts.whole.put(id)
    return id


def child(parts: Partitioned, after: str, place: int = 1, prefix: str = "child", **options: Any) -> str:
    """Put a job in a partition."""
    id = parts.name(place, prefix)
    parts.whole.put(id, after=after, queue="children", **options)
    return id


def runs(parts: Partitioned, place: int = 1) -> list[str]:
    return parts.parts[place].ids("children")


def known(parts: Partitioned, parent: str) -> str | None:
    """Return the partitions of which the one of a parent knows that they have jobs after it."""
    part = parts.of(parent)
    found: Any = part.client.hget(f"{part.keys.tag}:after-in", parent)
    return None if found is None else str(found)


def settle(parts: Partitioned) -> None:
    """Deliver messages, and tick, until nothing is left to do."""
    parts.deliver()
    while any(part.jtick()[1] or part.joutbox() for part in parts.parts):
        parts.deliver()


class Failover:
    """What a partition has now. `fail` takes it back to that, and so loses what is written meanwhile."""

    def __init__(self, parts: Partitioned, place: int) -> None:
        self.part = parts.parts[place]
        self.values = self.part.everything()

    def fail(self) -> None:
        client = self.part.client
        client.delete(*self.part.everything())
        for key, value in self.values.items():
            client.restore(key, 0, value)
        client.set(f"{self.part.keys.tag}:server", "another")


# Running


def test_a_job_runs_after_one_of_another_partition(parts: Partitioned, parent: str) -> None:
    id = child(parts, parent)
    parts.run(parent, code="7", now=T + 5)
    assert runs(parts) == []
    parts.deliver()
    (task,) = parts.parts[1].take("children")
    assert (task["id"], task["due"]) == (f"{id}@{MS + 5000}-f1", MS + 5000)
    (ended,) = json.loads(task["options"])["parents"]
    assert (ended["job"], ended["outcome"], ended["code"]) == (parent, "done", "7")
    assert parts.whole.adds_up()


@pytest.mark.parametrize("verb", ["done", "dead", "cancelled"])
@pytest.mark.parametrize("on", ["done", "dead", "end"])
def test_on_selects_the_ending(parts: Partitioned, parent: str, on: str, verb: str) -> None:
    child(parts, parent, on=on)
    parts.run(parent, verb)
    parts.deliver()
    assert bool(runs(parts)) == (on in (verb, "end"))


def test_a_job_waits_for_parents_of_all_partitions(parts: Partitioned) -> None:
    parents = [parts.name(place, "parent") for place in range(4)]
    for id in parents:
        parts.whole.put(id)
    child(parts, ",".join(parents))
    for id in parents:
        assert runs(parts) == []
        parts.run(id)
        parts.deliver()
    assert len(runs(parts)) == 1


def test_each_partition_gets_one_message_for_all_of_its_jobs(parts: Partitioned, parent: str) -> None:
    for place in (0, 1, 3):
        for number in range(5):
            child(parts, parent, place, f"child{number}.")
    parts.run(parent)
    assert len(runs(parts, 0)) == 5
    assert [len(parts.messages(0, place)) for place in (1, 2, 3)] == [1, 0, 1]
    parts.deliver()
    assert [len(runs(parts, place)) for place in (1, 2, 3)] == [5, 0, 5]


def test_a_run_that_waits_for_its_parents_starts(parts: Partitioned, parent: str) -> None:
    id = child(parts, parent, at=T + 60, deadline="1h")
    parts.parts[1].tick(T + 60)
    assert parts.when(id)["waiting"]["task"] == f"{id}@{MS + 60_000}"
    parts.run(parent, now=T + 90)
    parts.deliver()
    assert runs(parts) == [f"{id}@{MS + 60_000}"]


def test_a_deadline_comes_without_the_other_partition(parts: Partitioned, parent: str) -> None:
    options: dict[str, Any] = {"at": T + 60, "deadline": 60, "at-deadline": "run"}
    id = child(parts, parent, **options)
    parts.parts[1].tick(T + 60)
    parts.parts[1].tick(T + 120)
    assert runs(parts) == [f"{id}@{MS + 60_000}"]


def test_a_tick_delivers_too(parts: Partitioned, parent: str) -> None:
    child(parts, parent)
    parts.run(parent)
    assert parts.parts[0].jtick()[3:] == ["1"]
    assert "wake" in parts.parts[0].wakes()
    parts.deliver()
    assert parts.parts[0].jtick()[3:] == []


# Messages


def test_messages_that_are_delivered_twice_count_once(parts: Partitioned, parent: str) -> None:
    child(parts, parent)
    for _ in range(2):
        parts.run(parent)
        parts.carry(0, 1)
        parts.carry(0, 1)  # whoever delivered them could not tell the first partition
    parts.deliver(twice=True)
    assert len(runs(parts)) == 2
    assert parts.messages(0, 1) == []


def test_a_delivery_that_stops_half_way_goes_on(parts: Partitioned, parent: str) -> None:
    child(parts, parent)
    for _ in range(4):
        parts.run(parent)
    messages = parts.messages(0, 1)
    parts.parts[1].jinbox(0, *messages[:3])
    upto = parts.parts[1].jinbox(0, *messages[:2])  # a slow client comes later
    parts.parts[0].joutbox(1, upto=upto)
    assert len(runs(parts)) == 3
    parts.deliver()
    assert len(runs(parts)) == 1


def test_many_jobs_start_over_several_scripts(parts: Partitioned, parent: str) -> None:
    ids = [id for id in (f"c{number:04d}" for number in range(1000)) if parts.of(id) is parts.parts[1]]
    for id in ids:
        parts.parts[1].put(id, after=parent, queue="children")
    parts.deliver()
    parts.run(parent)
    parts.deliver()
    started = [len(runs(parts))]
    while parts.parts[1].jtick()[1]:
        started.append(len(runs(parts)))
    started.append(len(runs(parts)))
    assert sum(started) == len(ids) > 200
    assert max(started) <= 100


def test_many_endings_are_told_over_several_scripts(parts: Partitioned) -> None:
    parents = [id for id in (f"p{number:03d}" for number in range(300)) if parts.of(id) is parts.parts[0]]
    for id in parents:
        parts.whole.put(id)
        parts.whole.jpush(id)
    for place in (0, 1, 2, 3):
        for number, id in enumerate(parents):
            child(parts, id, place, f"c{number}.")
    tokens = [task["token"] for task in parts.parts[0].take(count=500, lease=30)]
    parts.parts[0].jmack(*(word for token in tokens for word in (4, token, "done", "now", T)))
    sent = sum(len(parts.messages(0, place)) for place in (1, 2, 3))
    assert len(parents) / 2 < sent + len(runs(parts, 0)) <= 100
    while parts.parts[0].jtick()[1]:
        parts.deliver()
    parts.deliver()
    found = [{task.partition("@")[0] for task in runs(parts, place)} for place in (1, 2, 3)]
    assert [len(ids) for ids in found] == 3 * [len(parents)]


def test_joutbox_lists_partitions_and_the_latest_messages(parts: Partitioned, parent: str) -> None:
    for place in (1, 3):
        child(parts, parent, place)
    parts.run(parent)
    listed = parts.parts[0].joutbox()
    assert listed[::2] == ["1", "3"]
    assert parts.carry(0, 3) == listed[3]
    parts.deliver()
    assert parts.parts[0].joutbox() == []


def test_a_board_without_partitions_has_no_messages(board: Board) -> None:
    ordinary = Partitioned(board, None)
    assert ordinary.whole.joutbox() == []
    ordinary.whole.refuses(OptionError, "^partition: expected a board with partitions", "JOUTBOX", 1)
    ordinary.whole.refuses(OptionError, "^partition: expected a board with partitions", "JINBOX", 1, "x")


@pytest.mark.parametrize("message", ["x", b"\x93\xa11\xa10\xa5other", b"\x93\xa1x\xa10\xa4link"])
def test_what_is_no_message_is_rejected(parts: Partitioned, message: Any) -> None:
    parts.parts[1].refuses(OptionError, "^message: expected what JOUTBOX returned", "JINBOX", 0, message)


# Links


def test_a_put_returns_once_the_parents_know(parts: Partitioned, parent: str) -> None:
    child(parts, parent)
    assert known(parts, parent) == "1"
    parts.whole.jmset("set", 5, parts.name(2), "echo", "x", "after", parent)
    assert known(parts, parent) == "1,2"
    parts.whole.put(parts.name(3))
    parts.whole.jedit(parts.name(3), after=parent)
    assert known(parts, parent) == "1,2,3"
    assert [parts.outgoing(place) for place in range(4)] == [[], [], [], []]


def test_a_partition_is_told_of_the_first_job_and_of_the_last(parts: Partitioned, parent: str) -> None:
    first, second = child(parts, parent), child(parts, parent, prefix="other")
    parts.whole.jdel(first)
    parts.deliver()
    assert known(parts, parent) == "1"
    parts.whole.put(second, after=parts.name(2, "parent"))
    parts.deliver()
    assert known(parts, parent) is None
    assert known(parts, parts.name(2, "parent")) == "1"


def test_a_missing_parent_is_waited_for(parts: Partitioned) -> None:
    parent = parts.name(0, "parent")
    id = child(parts, parent)
    assert parts.when(id)["missing"] == [parent]
    parts.whole.put(parent)
    assert "missing" not in parts.when(id)
    parts.run(parent)
    parts.deliver()
    assert len(runs(parts)) == 1


def test_jwhen_knows_jobs_of_all_partitions(parts: Partitioned, parent: str) -> None:
    ids = [
        child(parts, f"gone,{parent}", place, f"c{number:02d}.") for number in range(40) for place in range(4)
    ]
    assert parts.when(parent) == {"id": parent, "followed_by": sorted(ids)[:100]}
    assert parts.when(ids[1])["missing"] == ["gone"]
    assert parts.whole.jwhen("nobody", ids[0])[0] is None


def test_a_partition_says_what_it_knows(parts: Partitioned, parent: str) -> None:
    id = child(parts, f"{parent},gone")
    assert json.loads(parts.parts[0].jwhen(parent)[0]) == {"id": parent, "followed_in": [1]}
    assert [json.loads(text) for text in parts.parts[1].jwhen(id, parent, "-", "only", "links")] == [
        {"id": id, "exists": True, "after": [parent, "gone"]},
        {"id": parent, "followed_by": [id]},
    ]
    parts.parts[1].refuses(OptionError, "^only: expected links, got 'last'", "JWHEN", id, "-", "only", "last")


# Cycles


def test_a_cycle_over_partitions_is_refused_and_named(parts: Partitioned, parent: str) -> None:
    second = child(parts, parent, 1)
    third = child(parts, f"x,{second}", 2)
    says = f"^after: expected no cycle, got {parent} after {third} after {second} after {parent}$"
    for name, *words in (("JSET", "echo", "x", "after"), ("JEDIT", "after")):
        parts.whole.refuses(OptionError, says, name, parent, *words, f"y,{third}")
    both = 5, parent, "echo", "x", "after", third, 3, parts.name(3), "echo", "x"
    refused, due = parts.whole.jmset("set", *both)
    assert isinstance(refused, OptionError)
    assert due == 0
    assert "after" not in parts.of(parent).job(parent)


def test_jobs_of_one_call_must_not_wait_for_each_other(parts: Partitioned) -> None:
    a, b = parts.name(0, "a"), parts.name(1, "b")
    words = 5, a, "echo", "x", "after", b, 5, b, "echo", "x", "after", a
    due, refused = parts.whole.jmset("set", *words)
    assert due == 0
    assert str(refused) == f"after: expected no cycle, got {b} after {a} after {b}"
    assert parts.of(b).jget(b) == [None]


def test_a_diamond_is_not_a_cycle(parts: Partitioned, parent: str) -> None:
    both = [child(parts, parent, place) for place in (1, 2)]
    child(parts, ",".join(both), 3)
    parts.whole.put(parent, after="z")
    assert parts.when(parent)["after"] == ["z"]


def test_an_overlong_chain_is_rejected(parts: Partitioned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "MOST_SEARCHED", 20)
    parts.whole.put("j0")
    for number in range(1, 25):
        parts.whole.put(f"j{number}", after=f"j{number - 1}")
    parts.whole.put("waits", after="first")
    with pytest.raises(
        OptionError, match=r"^after: expected a chain of at most 5000 jobs, got a longer one$"
    ):
        parts.whole.put("first", after="j24")
    parts.whole.put("last", after="j24")  # nothing waits for it


# Messages that are lost


def test_a_parents_partition_that_has_lost_links_gets_them_again(parts: Partitioned, parent: str) -> None:
    failover = Failover(parts, 0)
    child(parts, parent)
    failover.fail()
    assert known(parts, parent) is None
    settle(parts)
    assert known(parts, parent) == "1"
    parts.run(parent)
    parts.deliver()
    assert len(runs(parts)) == 1


def test_the_next_message_shows_a_gap(parts: Partitioned, parent: str) -> None:
    failover = Failover(parts, 0)
    child(parts, parent)
    failover.fail()
    parts.parts[0].client.delete(f"{parts.parts[0].keys.tag}:server")
    child(parts, parts.name(0, "other"), 1, "other")
    settle(parts)
    assert known(parts, parent) == "1"


def test_a_childs_partition_that_has_lost_messages_sends_them_again(parts: Partitioned, parent: str) -> None:
    id = child(parts, parent)
    failover = Failover(parts, 1)
    parts.whole.jdel(id)
    parts.deliver()
    assert known(parts, parent) is None
    failover.fail()
    settle(parts)
    assert parts.when(parent)["followed_by"] == [id]
    parts.run(parent)
    parts.deliver()
    assert len(runs(parts)) == 1


def test_a_failover_that_lost_nothing_tells_nothing_again(parts: Partitioned, parent: str) -> None:
    child(parts, parent)
    for place in range(4):
        Failover(parts, place).fail()
        parts.parts[place].jtick()
        assert len(parts.outgoing(place)) == 3
    parts.run(parent)  # while messages are under way
    parts.deliver()
    assert [part.size("relink") for part in parts.parts] == [0, 0, 0, 0]
    assert len(runs(parts)) == 1


def test_many_links_are_told_over_several_ticks(parts: Partitioned) -> None:
    failover = Failover(parts, 0)
    ids = [id for id in (f"c{number:04d}" for number in range(1200)) if parts.of(id) is parts.parts[1]]
    parents = [f"p{number}.{64 * 'x'}" for number in range(len(ids))]  # too long for a compact hash
    for id, parent in zip(ids, parents, strict=True):
        parts.parts[1].put(id, after=parent)
    parts.deliver()
    failover.fail()
    parts.parts[0].jtick()
    parts.deliver()
    ticks = 1
    while parts.parts[1].jtick()[1]:
        ticks += 1
    parts.deliver()
    assert ticks > 3
    for parent in parents:
        assert known(parts, parent) == "1" or parts.of(parent) is not parts.parts[0]


def test_a_partition_that_is_told_for_nothing_says_so(parts: Partitioned, parent: str) -> None:
    id = child(parts, parent)
    failover = Failover(parts, 0)
    parts.whole.jdel(id)
    parts.deliver()
    failover.fail()
    settle(parts)
    assert known(parts, parent) == "1"
    parts.run(parent)
    parts.deliver()
    assert known(parts, parent) is None
    assert runs(parts) == []
