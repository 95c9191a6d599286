"""Any sequence of commands, beside a plain model of what is where: both agree, and the ledger adds up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobs_core import Board, OptionError, StaleError
from tests.lua.helpers import MS, Lua, ms

QUEUES = ("echo", "slow")
IDS = st.sampled_from("abc")


@dataclass(frozen=True)
class Task:
    id: str
    queue: str
    attempt: int = 1


@dataclass
class Job:
    every: int
    start: int
    stop: int | None
    repeat: int | None
    queue: str
    left: int | None = None
    paused: bool = False
    next: int | None = None

    def first(self, time: int) -> int | None:
        """The first occurrence at or after a time."""
        steps = max(0, -((self.start - time) // self.every))
        found = self.start + steps * self.every
        return found if self.stop is None or found <= self.stop else None

    def schedule(self) -> tuple[Any, ...]:
        return self.every, self.start, self.stop, self.repeat


class Ledger(RuleBasedStateMachine):
    lua: Lua

    def __init__(self) -> None:
        super().__init__()
        self.lua.reset()
        self.now = MS
        self.jobs: dict[str, Job] = {}
        self.queues: dict[str, list[Task]] = {queue: [] for queue in QUEUES}
        self.delayed: list[tuple[int, str, Task]] = []
        self.leased: dict[str, tuple[int, Task]] = {}
        self.dead: set[str] = set()
        self.old: list[str] = []
        self.stats: Counter[str] = Counter()

    def time(self) -> str:
        return ms(self.now)

    @rule(length=st.sampled_from([1, 500, 2000, 5000, 12_000]))
    def time_passes(self, length: int) -> None:
        self.now += length

    # Jobs

    @rule(
        id=IDS,
        every=st.sampled_from([1500, 2000, 7000]),
        stop=st.sampled_from([None, MS + 20_000]),
        repeat=st.sampled_from([None, 1, 3]),
        queue=st.sampled_from(QUEUES),
    )
    def put(self, id: str, every: int, stop: int | None, repeat: int | None, queue: str) -> None:
        old = self.jobs.get(id)
        job = Job(every, old.start if old else self.now, stop, repeat, queue, left=repeat)
        options = {"every": f"{every}ms", "queue": queue, "now": self.time()}
        options |= {"stop": ms(stop)} if stop else {}
        options |= {"repeat": repeat} if repeat else {}
        if stop and stop < job.start:
            with pytest.raises(OptionError, match="stop is before start"):
                self.lua.put(id, **options)
            return
        if old and old.schedule() == job.schedule():
            job = replace(job, left=old.left, next=old.next)
        else:
            job.next = job.first(self.now + 1 if old else self.now)
        job.paused = bool(old and old.paused)
        if job.paused or job.left == 0:
            job.next = None
        self.jobs[id] = job
        assert self.lua.put(id, **options) == (job.next or 0)

    @rule(id=IDS)
    def remove(self, id: str) -> None:
        assert self.lua.jdel(id) == (self.jobs.pop(id, None) is not None)

    @rule(id=IDS)
    def pause(self, id: str) -> None:
        if job := self.jobs.get(id):
            assert self.lua.jpause(id) == (not job.paused)
            job.paused, job.next = True, None

    @rule(id=IDS)
    def resume(self, id: str) -> None:
        if job := self.jobs.get(id):
            answer = self.lua.jresume(id, now=self.time()) or None
            if job.paused:
                possible = {job.first(self.now), job.first(self.now + 1)} if job.left != 0 else {None}
                assert answer in possible
                job.paused, job.next = False, answer
            assert answer == job.next

    # Tasks

    def pushed(self, id: str, queue: str, due: int) -> None:
        self.stats.update(("pushed", "due", "queued"))
        if due > self.now:
            self.delayed.append((due, id, Task(id, queue)))
        else:
            self.queues[queue].append(Task(id, queue))

    @rule(queue=st.sampled_from(QUEUES), delay=st.sampled_from([0, 0, 3000]))
    def push(self, queue: str, delay: int) -> None:
        due = self.now + delay
        self.pushed(self.lua.push(queue=queue, at=ms(due), now=self.time()), queue, due)

    @rule(id=IDS, delay=st.sampled_from([0, 0, 3000]))
    def push_job(self, id: str, delay: int) -> None:
        if job := self.jobs.get(id):
            due = self.now + delay
            self.pushed(self.lua.jpush(id, at=ms(due), now=self.time()), job.queue, due)

    @rule(limit=st.sampled_from([1, 2, 500]))
    def tick(self, limit: int) -> None:
        moved = self.return_lapsed(limit) + self.queue_delayed(limit) + self.queue_due(limit)
        times = [end for end, _ in self.leased.values()] + [due for due, _, _ in self.delayed]
        times += [job.next for job in self.jobs.values() if job.next is not None]
        assert self.lua.jtick(limit=limit, now=self.time()) == [moved, min(times, default=0), self.now]

    def return_lapsed(self, limit: int) -> int:
        lapsed = sorted((end, token) for token, (end, _) in self.leased.items() if end <= self.now)[:limit]
        for _, token in reversed(lapsed):
            _, task = self.leased.pop(token)
            self.queues[task.queue].insert(0, replace(task, attempt=task.attempt + 1))
            self.old.append(token)
        self.stats["lost"] += len(lapsed)
        return len(lapsed)

    def queue_delayed(self, limit: int) -> int:
        ready = sorted(entry[:2] for entry in self.delayed if entry[0] <= self.now)[:limit]
        for due, ticket in ready:
            (entry,) = (entry for entry in self.delayed if entry[:2] == (due, ticket))
            self.delayed.remove(entry)
            self.queues[entry[2].queue].append(entry[2])
        return len(ready)

    def queue_due(self, limit: int) -> int:
        due = sorted((job.next, id) for id, job in self.jobs.items() if job.next and job.next <= self.now)
        for time, id in due[:limit]:
            job = self.jobs[id]
            self.queues[job.queue].append(Task(f"{id}@{time}", job.queue))
            last = min(self.now, job.stop or self.now)
            self.stats["queued"] += 1
            self.stats["coalesced"] += (last - time) // job.every
            self.stats["due"] += 1 + (last - time) // job.every
            job.left = None if job.left is None else job.left - 1
            job.next = None if job.left == 0 else job.first(self.now + 1)
        return len(due[:limit])

    @rule(
        queues=st.permutations(QUEUES),
        count=st.integers(1, 3),
        lease=st.sampled_from([None, 4000, 4000, 9000]),
    )
    def pop(self, queues: list[str], count: int, lease: int | None) -> None:
        expected = [task for queue in queues for task in self.queues[queue]][:count]
        options = {"lease": f"{lease}ms"} if lease else {}
        popped = self.lua.take(*queues, count=count, now=self.time(), **options)
        assert [Task(task["id"], task["queue"], task["attempt"]) for task in popped] == expected
        self.stats["leased" if lease else "unleased"] += len(popped)
        for task, found in zip(expected, popped, strict=True):
            self.queues[task.queue].remove(task)
            assert found["token"] not in self.leased
            if lease:
                self.leased[found["token"]] = (self.now + lease, task)

    @rule(data=st.data(), lease=st.sampled_from([1000, 6000]))
    def beat(self, data: st.DataObject, lease: int) -> None:
        tokens = data.draw(st.lists(st.sampled_from([*self.leased, *self.old, "nobody#1"]), max_size=3))
        assert self.lua.jbeat(f"{lease}ms", *tokens, "--", "now", self.time()) == [
            int(token in self.leased) for token in tokens
        ]
        for token in tokens:
            if token in self.leased:
                self.leased[token] = (self.now + lease, self.leased[token][1])

    @rule(data=st.data(), verb=st.sampled_from(["done", "done", "retry", "dead", "release"]))
    def acknowledge(self, data: st.DataObject, verb: str) -> None:
        token = data.draw(st.sampled_from([*self.leased, *self.old, "nobody#1"]))
        if token not in self.leased:
            with pytest.raises(StaleError):
                self.lua.jack(token, verb, now=self.time())
            self.stats["stale"] += 1
            return
        _, task = self.leased.pop(token)
        self.old.append(token)
        again = replace(task, attempt=task.attempt + 1)
        delay = data.draw(st.sampled_from([0, 3000])) if verb == "retry" else 0
        assert self.lua.jack(token, verb, delay=f"{delay}ms", now=self.time()) == task.id
        counter = {"done": "succeeded", "retry": "retried", "release": "released"}.get(verb, verb)
        self.stats[counter] += 1
        if verb == "dead":
            self.dead.add(token)
        elif delay:
            self.delayed.append((self.now + delay, token, again))
        elif verb != "done":
            self.queues[task.queue].insert(0, again if verb == "retry" else task)

    @rule(queue=st.sampled_from(QUEUES), keep=st.integers(0, 3), limit=st.sampled_from([1, 1000]))
    def trim(self, queue: str, keep: int, limit: int) -> None:
        excess = min(max(0, len(self.queues[queue]) - keep), limit)
        assert self.lua.jtrim(queue, keep, limit=limit) == excess
        del self.queues[queue][:excess]
        self.stats["trimmed"] += excess

    # What always holds

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        client, keys = self.lua.client, self.lua.keys
        for queue, tasks in self.queues.items():
            records = [record.split("\n") for record in client.lrange(keys.queue(queue), 0, -1)]
            assert [Task(found[0], found[2], int(found[1])) for found in records] == tasks
        scheduled = {id: job.next for id, job in self.jobs.items() if job.next}
        assert dict(client.zrange(keys.schedule, 0, -1, withscores=True)) == scheduled
        held = {token: end for token, (end, _) in self.leased.items()}
        assert dict(client.zrange(keys.leased, 0, -1, withscores=True)) == held
        assert set(client.zrange(keys.dead, 0, -1)) == self.dead
        kept = set(client.hkeys(keys.task))
        assert kept == {*client.zrange(keys.delayed, 0, -1), *held, *self.dead}

    @invariant()
    def the_counters_are_those_of_the_model(self) -> None:
        assert {name: n for name, n in self.lua.stats().items() if n} == +self.stats
        count = self.lua.count()
        assert [count[name] for name in ("jobs", "queued", "delayed", "leased", "dead")] == [
            len(self.jobs),
            sum(map(len, self.queues.values())),
            len(self.delayed),
            len(self.leased),
            len(self.dead),
        ]

    @invariant()
    def the_ledger_adds_up(self) -> None:
        stats, count = self.lua.stats(), self.lua.count()
        assert stats["due"] == stats["queued"] + stats["coalesced"]
        ended = sum(stats[name] for name in ("succeeded", "dead", "trimmed", "unleased"))
        assert stats["queued"] == ended + count["queued"] + count["delayed"] + count["leased"]


def test_the_board_and_the_model_agree_after_any_sequence_of_commands(lua: Lua) -> None:
    machine = type("Machine", (Ledger,), {"lua": lua})
    quick = settings(max_examples=60, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(machine, settings=quick)


def test_two_boards_keep_two_ledgers(lua: Lua, url: str) -> None:
    other = Board(f"{lua.board.name}-2", url, validate=False)
    lua.push()
    assert (lua.stats()["queued"], other.stats()["queued"]) == (1, 0)
    other.client.close()
