"""Random sequences of commands, compared with a simple model. The ledger always adds up."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobs_core import Board, StaleError
from tests.lua.helpers import MS, Lua, ms

QUEUES = ("echo", "slow")
PRIORITIES = (5, 0, -5)
LANES = {queue: [queue if rank == 0 else f"{queue}!{rank}" for rank in PRIORITIES] for queue in QUEUES}
IDS = st.sampled_from("abc")
LOSSES = 2
"""The number of losses of a task in the model."""


@dataclass(frozen=True)
class Task:
    id: str
    lane: str
    attempt: int = 1
    losses: int = 0
    at_most_once: bool = False
    past: tuple[str, ...] = ()
    """The ends of its attempts: failed or lost, with a ? if no policy has decided yet."""

    def again(self, status: str) -> Task:
        """Return a copy after an attempt with this end."""
        losses = self.losses + (status == "lost?")
        return replace(self, attempt=self.attempt + 1, losses=losses, past=(*self.past, status))

    def decided(self) -> Task:
        """Return a copy after a policy has decided."""
        return replace(self, past=tuple(status.rstrip("?") for status in self.past))

    def is_doubled(self) -> bool:
        return self.past[-1:] in (("lost?",), ("lost",))


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


@dataclass
class Lease:
    end: int
    task: Task
    accepted: bool = False
    cancelling: bool = False


class Ledger(RuleBasedStateMachine):
    lua: Lua

    def __init__(self) -> None:
        super().__init__()
        self.lua.reset()
        self.now = MS
        self.jobs: dict[str, Job] = {}
        self.lanes: dict[str, list[Task]] = {lane: [] for lanes in LANES.values() for lane in lanes}
        self.delayed: list[tuple[int, str, Task]] = []
        self.leased: dict[str, Lease] = {}
        self.dead: dict[str, Task] = {}
        self.old: list[str] = []
        self.unique: dict[str, tuple[int, str]] = {}
        self.stats: Counter[str] = Counter()
        self.ledgers: dict[str, Counter[str]] = {}

    def time(self) -> str:
        return ms(self.now)

    def tally(self, id: str, name: str, n: int = 1) -> None:
        """Add to a counter of the board, and of the job if it still exists."""
        self.stats[name] += n
        job = id.partition("@")[0]
        if job in self.jobs:
            self.ledgers.setdefault(job, Counter())[name] += n

    def waiting(self, queue: str) -> list[Task]:
        """Return the tasks of a queue in the order in which they leave it."""
        return [task for lane in LANES[queue] for task in self.lanes[lane]]

    def tasks(self) -> list[Task]:
        """Return every task that has not ended."""
        queued = [task for lane in self.lanes.values() for task in lane]
        return [*queued, *(t for _, _, t in self.delayed), *(lease.task for lease in self.leased.values())]

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
        start = old.start if old else self.now
        start = min(start, stop or start)  # a job that is put after its stop begins there
        job = Job(every, start, stop, repeat, queue, left=repeat)
        options = {"every": f"{every}ms", "queue": queue, "losses": LOSSES, "now": self.time()}
        options |= {"stop": ms(stop)} if stop else {}
        options |= {"repeat": repeat} if repeat else {}
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
        self.ledgers.pop(id, None)

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

    # Queueing tasks

    def pushed(self, task: Task, due: int) -> None:
        self.stats.update(("pushed", "due", "queued"))
        if due > self.now:
            self.delayed.append((due, f"{task.id}#0", task))
        else:
            self.lanes[task.lane].append(task)

    @rule(
        queue=st.sampled_from(QUEUES),
        rank=st.sampled_from([0, 0, 1, 2]),
        delay=st.sampled_from([0, 0, 3000]),
        at_most_once=st.sampled_from([False, False, True]),
    )
    def push(self, queue: str, rank: int, delay: int, at_most_once: bool) -> None:
        due = self.now + delay
        work = {"policy": "none"} if at_most_once else {"losses": LOSSES}
        id = self.lua.push(queue=queue, priority=PRIORITIES[rank], at=ms(due), now=self.time(), **work)
        self.pushed(Task(id, LANES[queue][rank], at_most_once=at_most_once), due)

    @rule(payload=st.sampled_from("pq"), length=st.sampled_from([1000, 6000]))
    def push_unique(self, payload: str, length: int) -> None:
        till, first = self.unique.get(payload, (0, ""))
        options = {"unique-for": f"{length}ms", "losses": LOSSES}
        id = self.lua.push(payload, now=self.time(), **options)
        if till > self.now:
            assert id == first
        else:
            self.unique[payload] = (self.now + length, id)
            self.pushed(Task(id, "echo"), self.now)

    @rule(id=IDS, delay=st.sampled_from([0, 0, 3000]))
    def push_job(self, id: str, delay: int) -> None:
        if job := self.jobs.get(id):
            due = self.now + delay
            self.pushed(Task(self.lua.jpush(id, at=ms(due), now=self.time()), job.queue), due)

    @rule(limit=st.sampled_from([1, 2, 500]))
    def tick(self, limit: int) -> None:
        moved = self.return_expired(limit) + self.queue_delayed(limit) + self.queue_due(limit)
        times = [lease.end for lease in self.leased.values()] + [due for due, _, _ in self.delayed]
        times += [job.next for job in self.jobs.values() if job.next is not None]
        self.lua.keep_ticking(self.now / 1000)
        assert self.lua.jtick(limit=limit, now=self.time()) == [moved, min(times, default=0), self.now]

    def return_expired(self, limit: int) -> int:
        expired = sorted((one.end, token) for token, one in self.leased.items() if one.end <= self.now)[
            -limit:
        ]
        for _, token in reversed(expired):
            lease = self.leased.pop(token)
            self.old.append(token)
            self.tally(lease.task.id, "failed" if lease.accepted else "lost")
            again = lease.task.again("failed?" if lease.accepted else "lost?")
            if lease.cancelling:
                self.tally(again.id, "cancelled")
            elif again.losses >= LOSSES:
                self.tally(again.id, "dead")
                self.dead[token] = lease.task
            else:
                self.lanes[again.lane].insert(0, again)
        return len(expired)

    def queue_delayed(self, limit: int) -> int:
        ready = sorted(entry[:2] for entry in self.delayed if entry[0] <= self.now)[:limit]
        for due, ticket in ready:
            (entry,) = (entry for entry in self.delayed if entry[:2] == (due, ticket))
            self.delayed.remove(entry)
            self.lanes[entry[2].lane].append(entry[2])
        return len(ready)

    def queue_due(self, limit: int) -> int:
        due = sorted((job.next, id) for id, job in self.jobs.items() if job.next and job.next <= self.now)
        for time, id in due[:limit]:
            job = self.jobs[id]
            self.lanes[job.queue].append(Task(f"{id}@{time}", job.queue))
            last = min(self.now, job.stop or self.now)
            self.stats["queued"] += 1
            passed = 0 if job.left == 1 else (last - time) // job.every
            self.tally(id, "coalesced", passed)
            self.stats["due"] += 1 + passed
            job.left = None if job.left is None else job.left - 1
            job.next = None if job.left == 0 else job.first(self.now + 1)
        return len(due[:limit])

    # Taking and ending tasks

    @rule(
        queues=st.permutations(QUEUES),
        count=st.integers(1, 3),
        lease=st.sampled_from([None, 4000, 4000, 9000]),
    )
    def pop(self, queues: list[str], count: int, lease: int | None) -> None:
        expected = [task for queue in queues for task in self.waiting(queue)][:count]
        options = {"lease": f"{lease}ms"} if lease else {}
        popped = self.lua.take(*queues, count=count, now=self.time(), **options)
        assert [(task["id"], task["attempt"]) for task in popped] == [(t.id, t.attempt) for t in expected]
        for task, found in zip(expected, popped, strict=True):
            self.lanes[task.lane].remove(task)
            assert found["token"] not in self.leased
            assert found["history"].count("\t") == max(0, len(task.past) - 1)
            assert tuple(entry.partition(" ")[0] for entry in found["history"].split("\t")) == (
                task.past or ("",)
            )
            if lease and not task.at_most_once:
                self.stats["leased"] += 1
                self.tally(task.id, "doubled", task.is_doubled())
                self.leased[found["token"]] = Lease(self.now + lease, task)
            else:
                self.tally(task.id, "unleased")

    @rule(data=st.data(), lease=st.sampled_from([1000, 6000]))
    def beat(self, data: st.DataObject, lease: int) -> None:
        tokens = data.draw(st.lists(st.sampled_from([*self.leased, *self.old, "nobody#1"]), max_size=3))
        assert self.lua.jbeat(f"{lease}ms", *tokens, "--", "now", self.time()) == [
            (token in self.leased) * (1 + self.is_cancelling(token)) for token in tokens
        ]
        for token in tokens:
            if token in self.leased:
                self.leased[token].end = max(self.leased[token].end, self.now + lease)

    def is_cancelling(self, token: str) -> bool:
        return token in self.leased and self.leased[token].cancelling

    @rule(
        data=st.data(),
        verb=st.sampled_from(["done", "done", "failed", "retry", "dead", "cancelled", "release"]),
    )
    def acknowledge(self, data: st.DataObject, verb: str) -> None:
        token = data.draw(st.sampled_from([*self.leased, *self.old, "nobody#1"]))
        delay = data.draw(st.sampled_from([0, 3000])) if verb in ("retry", "release") else 0
        if token not in self.leased:
            with pytest.raises(StaleError):
                self.lua.jack(token, verb, now=self.time())
            self.stats["stale"] += 1
            return
        lease = self.leased.pop(token)
        self.old.append(token)
        task = lease.task
        unstarted = bool(task.past) and verb in ("retry", "dead") and data.draw(st.booleans())
        options = {"delay": f"{delay}ms", "unstarted": int(unstarted)}
        assert self.lua.jack(token, verb, **options, now=self.time()) == task.id
        if lease.cancelling and verb in ("failed", "retry", "release"):
            verb = "cancelled"
        if verb == "release" or (unstarted and verb in ("retry", "dead")):
            self.tally(task.id, "doubled", -task.is_doubled())
        counters = {"done": "done", "retry": "retried", "failed": "failed"}
        if verb == "release":
            self.stats["released"] += 1
        else:
            self.tally(task.id, counters.get(verb, verb))
        if verb == "dead":
            self.dead[token] = task
        elif verb == "release":
            self.back(token, task, delay)
        elif verb in ("failed", "retry"):
            decided = task.decided()  # its worker had to decide about the previous attempts
            again = decided.again("failed?" if verb == "failed" else "failed")
            self.back(token, decided if unstarted else again, delay)

    def back(self, token: str, task: Task, delay: int) -> None:
        if delay:
            self.delayed.append((self.now + delay, token, task))
        else:
            self.lanes[task.lane].insert(0, task)

    @rule(data=st.data(), timeout=st.sampled_from([2000, 8000]))
    def accept(self, data: st.DataObject, timeout: int) -> None:
        token = data.draw(st.sampled_from([*self.leased, "nobody#1"]))
        if token not in self.leased:
            return
        self.lua.jack(token, "accepted", timeout=f"{timeout}ms", now=self.time())
        lease = self.leased[token]
        if lease.cancelling:
            del self.leased[token]
            self.tally(lease.task.id, "cancelled")
        else:
            lease.accepted, lease.end = True, self.now + timeout

    @rule(data=st.data(), progress=st.integers(0, 100))
    def update(self, data: st.DataObject, progress: int) -> None:
        if self.leased:
            token = data.draw(st.sampled_from([*self.leased]))
            self.lua.jack(token, "update", progress=progress, now=self.time())

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from([*(task.id for task in self.tasks()), "nobody@1"]))
        _, found = self.lua.jcancel(id)
        running = [one for one in self.leased.values() if one.task.id == id and not one.accepted]
        ended = [task for task in self.tasks() if task.id == id]
        assert sorted(found) == ["cancelled"] * (len(ended) - len(running)) + ["cancelling"] * len(running)
        self.tally(id, "cancelled", len(ended) - len(running))
        for lease in running:
            lease.cancelling = True
        for lane in self.lanes.values():
            lane[:] = [task for task in lane if task.id != id]
        self.delayed = [entry for entry in self.delayed if entry[2].id != id]
        self.leased = {t: one for t, one in self.leased.items() if one.task.id != id or not one.accepted}

    @rule(queue=st.sampled_from(QUEUES), keep=st.integers(0, 3), limit=st.sampled_from([1, 1000]))
    def trim(self, queue: str, keep: int, limit: int) -> None:
        excess = min(max(0, len(self.waiting(queue)) - keep), limit)
        assert self.lua.jtrim(queue, keep, limit=limit) == excess
        self.stats["trimmed"] += excess
        for lane in reversed(LANES[queue]):
            dropped = self.lanes[lane][:excess]
            excess -= len(dropped)
            for task in dropped:
                self.tally(task.id, "cancelled")
            del self.lanes[lane][: len(dropped)]

    @rule(data=st.data(), verb=st.sampled_from(["retry", "purge"]))
    def take_up_a_dead_letter(self, data: st.DataObject, verb: str) -> None:
        ticket = data.draw(st.sampled_from([*self.dead, "nobody#1"]))
        assert self.lua.jdead(verb, ticket) == (ticket in self.dead)
        task = self.dead.pop(ticket, None)
        if task and verb == "retry":
            self.tally(task.id, "revived")
            self.stats["dead"] -= 1
            if (ledger := self.ledgers.get(task.id.partition("@")[0])) and ledger["dead"]:
                ledger["dead"] -= 1  # the job may have been removed and created again since
            self.lanes[task.lane].append(replace(task, attempt=1, losses=0, past=()))
        elif task:
            self.stats["purged"] += 1

    # Invariants

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        client, keys = self.lua.client, self.lua.keys
        for lane, tasks in self.lanes.items():
            records = [record.split("\n") for record in client.lrange(keys.queue(lane), 0, -1)]
            found = [(record[1], record[3], int(record[0].rstrip("klnr"))) for record in records]
            assert found == [(task.id, task.lane, task.attempt) for task in tasks]
        scheduled = {id: job.next for id, job in self.jobs.items() if job.next}
        assert dict(client.zrange(keys.schedule, 0, -1, withscores=True)) == scheduled
        held = {token: lease.end for token, lease in self.leased.items()}
        assert dict(client.zrange(keys.leased, 0, -1, withscores=True)) == held
        assert set(client.zrange(keys.dead, 0, -1)) == set(self.dead)
        kept = set(client.hkeys(keys.task))
        assert kept == {*client.zrange(keys.delayed, 0, -1), *held, *self.dead}
        marked = {token for token, lease in self.leased.items() if lease.cancelling}
        assert client.smembers(f"{keys.tag}:cancelling") == marked

    @invariant()
    def the_counters_are_those_of_the_model(self) -> None:
        stats = {name: n for name, n in self.lua.stats().items() if n and name != "in_flight"}
        assert stats == +self.stats
        count = self.lua.count()
        assert [count[name] for name in ("jobs", "queued", "held", "delayed", "leased", "dead")] == [
            len(self.jobs),
            sum(map(len, self.lanes.values())),
            0,
            len(self.delayed),
            len(self.leased),
            len(self.dead),
        ]

    @invariant()
    def so_are_those_of_each_job(self) -> None:
        assert {id: self.lua.ledger(id) for id in self.jobs} == {
            id: +self.ledgers.get(id, Counter()) for id in self.jobs
        }

    @invariant()
    def the_ledger_adds_up(self) -> None:
        stats = self.lua.stats()
        assert stats["in_flight"] == len(self.tasks())
        assert stats["due"] == stats["queued"] + stats["coalesced"] + stats["skipped"]
        ended = sum(stats[name] for name in ("done", "dead", "cancelled", "unleased"))
        assert stats["queued"] == ended + stats["in_flight"]

    @invariant()
    def every_task_is_listed_where_it_is(self) -> None:
        cursor, listed = "0", []
        while True:
            cursor, page = self.lua.jtasks(cursor)
            listed += [json.loads(text) for text in page]
            if cursor == "0":
                break
        places = Counter((task["id"], task["state"]) for task in listed)
        expected = Counter((task.id, "queued") for lane in self.lanes.values() for task in lane)
        expected.update((task.id, "delayed") for _, _, task in self.delayed)
        expected.update(
            (one.task.id, "accepted" if one.accepted else "leased") for one in self.leased.values()
        )
        assert places == expected


@pytest.mark.timeout(480)  # hypothesis shrinks a failing example first
def test_the_board_and_the_model_agree_after_any_sequence_of_commands(lua: Lua) -> None:
    machine = type("Machine", (Ledger,), {"lua": lua})
    quick = settings(max_examples=60, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(machine, settings=quick)


def test_two_boards_keep_two_ledgers(lua: Lua, url: str) -> None:
    other = Board(f"{lua.board.name}-2", url, validate=False)
    lua.push()
    assert (lua.stats()["queued"], other.stats()["queued"]) == (1, 0)
    other.client.close()
