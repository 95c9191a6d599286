"""Limits of jobs, queues and runners, compared with a model: none is exceeded, and none blocks forever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.lua.helpers import MS, Lua, ms

QUEUES = ("x", "y")
RUNNERS = ("echo", "other")
LOSSES = 5
"""The default number of losses of a task."""


@dataclass
class Limit:
    """A limit, the tokens that count for it, and when the latest tasks under it have started."""

    concurrency: int | None = None
    n: int = 0
    period: int = 0
    running: set[str] = field(default_factory=set)
    starts: list[int] = field(default_factory=list)

    def options(self) -> dict[str, str]:
        concurrency = {"concurrency": str(self.concurrency)} if self.concurrency else {}
        return concurrency | ({"rate": f"{self.n}/{self.period}ms"} if self.n else {})

    def recent(self, now: int) -> int:
        return sum(start > now - self.period for start in self.starts)

    def is_full(self, now: int) -> bool:
        busy = self.concurrency is not None and len(self.running) >= self.concurrency
        return busy or (self.n > 0 and self.recent(now) >= self.n)

    def start(self, token: str, now: int) -> None:
        """Record a start, which the limit must have allowed."""
        assert not self.is_full(now)
        if self.concurrency and token:
            self.running.add(token)
        if self.n:
            self.starts.append(now)


@dataclass(frozen=True)
class Job:
    runner: str
    queue: str
    limit: Limit = field(default_factory=Limit)
    policy: str = "ack"
    priority: int = 0


@dataclass(frozen=True)
class Task:
    id: str
    queue: str
    runner: str
    job: str
    at_most_once: bool = False
    attempt: int = 1
    losses: int = 0

    def again(self, lost: int = 0) -> Task:
        return replace(self, attempt=self.attempt + 1, losses=self.losses + lost)


@dataclass
class Lease:
    task: Task
    end: int
    since: int
    accepted: bool = False
    cancelling: bool = False


LIMITS = st.builds(
    lambda concurrency, rate: Limit(concurrency, *rate),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([(0, 0), (0, 0), (1, 10_000), (3, 10_000)]),
)


class Fleet(RuleBasedStateMachine):
    lua: Lua

    def __init__(self) -> None:
        super().__init__()
        self.lua.reset()
        self.now = MS
        self.jobs = {
            "a": Job("echo", "x", Limit(2)),
            "b": Job("echo", "y", Limit(None, 2, 10_000), priority=3),
            "c": Job("other", "x", Limit(1, 3, 20_000)),
            "d": Job("other", "y", Limit(None, 3, 10_000), "none"),
            "e": Job("echo", "x"),
        }
        for id, job in self.jobs.items():
            options = {"queue": job.queue, "priority": job.priority, "policy": job.policy}
            self.lua.jset(id, job.runner, "x", **options, **job.limit.options())
        self.limits = {f"{kind}:{name}": Limit() for kind, name in self.kinds()}
        self.waiting: list[Task] = []
        self.delayed: list[tuple[int, Task]] = []
        self.leased: dict[str, Lease] = {}
        self.dead: dict[str, Task] = {}
        self.ended: Counter[str] = Counter()
        self.queued = 0

    @staticmethod
    def kinds() -> Iterator[tuple[str, str]]:
        yield from (("queue", name) for name in QUEUES)
        yield from (("runner", name) for name in RUNNERS)

    def limits_of(self, task: Task) -> list[Limit]:
        own = [self.jobs[task.job].limit] if task.job in self.jobs else []
        return [*own, self.limits[f"queue:{task.queue}"], self.limits[f"runner:{task.runner}"]]

    def time(self) -> str:
        return ms(self.now)

    # Commands of users

    @rule(kind=st.sampled_from([*kinds()]), limit=LIMITS)
    def set_limit(self, kind: tuple[str, str], limit: Limit) -> None:
        old = self.limits[":".join(kind)]
        under_way = {
            token: one for token, one in self.leased.items() if kind[1] == getattr(one.task, kind[0])
        }
        if limit.concurrency:
            limit.running = old.running if old.concurrency else set(under_way)
        if limit.n:
            recent = sorted(one.since for one in under_way.values() if one.since > self.now - limit.period)
            limit.starts = old.starts if old.n else recent
        self.limits[":".join(kind)] = limit
        self.lua.jlimit(*kind, **limit.options(), now=self.time())

    @rule(job=st.sampled_from("abcde"), count=st.integers(1, 4), delay=st.sampled_from([0, 0, 0, 3000]))
    def push_job(self, job: str, count: int, delay: int) -> None:
        found, due = self.jobs[job], self.now + delay
        for _ in range(count):
            id = self.lua.jpush(job, at=ms(due), now=self.time())
            self.pushed(Task(id, found.queue, found.runner, job, found.policy == "none"), due)

    @rule(
        queue=st.sampled_from(QUEUES),
        runner=st.sampled_from(RUNNERS),
        priority=st.sampled_from([0, 0, 3]),
        delay=st.sampled_from([0, 0, 3000]),
    )
    def push(self, queue: str, runner: str, priority: int, delay: int) -> None:
        due = self.now + delay
        id = self.lua.jpush(runner, "x", queue=queue, priority=priority, at=ms(due), now=self.time())
        self.pushed(Task(id, queue, runner, id.partition("@")[0]), due)

    def pushed(self, task: Task, due: int) -> None:
        self.queued += 1
        if due > self.now:
            self.delayed.append((due, task))
        else:
            self.waiting.append(task)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        tasks = [
            *self.waiting,
            *(task for _, task in self.delayed),
            *(one.task for one in self.leased.values()),
        ]
        if tasks:
            id = data.draw(st.sampled_from([task.id for task in tasks]))
            running = [one for one in self.leased.values() if one.task.id == id and not one.accepted]
            assert self.lua.jcancel(id) == ["0", ["cancelling" if running else "cancelled"]]
            for lease in running:
                lease.cancelling = True
            if not running:
                self.ended["cancelled"] += 1
                self.waiting = [task for task in self.waiting if task.id != id]
                self.delayed = [pair for pair in self.delayed if pair[1].id != id]
                for token in [token for token, one in self.leased.items() if one.task.id == id]:
                    self.take_back(token)

    @rule(queue=st.sampled_from(QUEUES), keep=st.integers(0, 3))
    def trim(self, queue: str, keep: int) -> None:
        dropped = self.lua.jtrim(queue, keep)
        left = {task["id"] for task in self.lua.tasks()}
        gone = [task for task in self.waiting if task.id not in left]
        assert len(gone) == dropped
        assert {task.queue for task in gone} <= {queue}
        self.waiting = [task for task in self.waiting if task.id in left]
        self.ended["cancelled"] += dropped

    @rule(data=st.data())
    def retry_a_dead_letter(self, data: st.DataObject) -> None:
        if self.dead:
            ticket = data.draw(st.sampled_from([*self.dead]))
            assert self.lua.jdead("retry", ticket) == 1
            self.waiting.append(replace(self.dead.pop(ticket), attempt=1, losses=0))

    # Commands of workers

    @rule(queues=st.sampled_from([("x",), ("y",), ("x", "y"), ("y", "x")]), count=st.sampled_from([1, 2, 9]))
    def pop(self, queues: tuple[str, ...], count: int) -> None:
        self.take(queues, count)

    def take(self, queues: tuple[str, ...] = QUEUES, count: int = 9) -> int:
        """Take tasks, which all their limits must allow. Returns the number."""
        known = {task.id: task for task in self.waiting}
        popped = self.lua.take(*queues, count=count, lease=8, now=self.time())
        assert len(popped) <= count
        for found in popped:
            task, token = known.pop(found["id"]), found["token"]
            assert (found["queue"] in queues, found["queue"], found["attempt"]) == (
                True,
                task.queue,
                task.attempt,
            )
            assert bool(token) != task.at_most_once
            for limit in self.limits_of(task):
                limit.start(token, self.now)
            if token:
                self.leased[token] = Lease(task, self.now + 8000, self.now)
            else:
                self.ended["unleased"] += 1
        self.waiting = [*known.values()]
        return len(popped)

    def take_back(self, token: str) -> Lease:
        lease = self.leased.pop(token)
        for limit in self.limits_of(lease.task):
            limit.running.discard(token)
        return lease

    @rule(
        data=st.data(),
        verb=st.sampled_from(["done", "done", "done", "failed", "retry", "dead", "release", "accepted"]),
        delay=st.sampled_from([0, 0, 3000]),
    )
    def report(self, data: st.DataObject, verb: str, delay: int) -> None:
        if self.leased:
            self.say(data.draw(st.sampled_from([*self.leased])), verb, delay)

    def say(self, token: str, verb: str, delay: int = 0) -> None:
        self.lua.jack(token, verb, delay=f"{delay}ms", timeout=5, now=self.time())
        lease = self.leased[token]
        if verb == "accepted" and not lease.cancelling:
            lease.accepted, lease.end, lease.since = True, self.now + 5000, self.now
            return
        task = self.take_back(token).task
        if lease.cancelling and verb not in ("done", "dead"):
            self.ended["cancelled"] += 1
        elif verb == "done":
            self.ended["done"] += 1
        elif verb == "dead":
            self.dead[token] = task
        else:
            again = task if verb == "release" else task.again()
            if delay and verb != "failed":
                self.delayed.append((self.now + delay, again))
            else:
                self.waiting.append(again)

    @rule(length=st.sampled_from([1, 1000, 3000, 8000, 10_000]))
    def time_passes(self, length: int) -> None:
        self.now += length
        self.tick()

    @rule()
    def tick(self) -> None:
        self.lua.tick(self.time())
        self.waiting += [task for due, task in self.delayed if due <= self.now]
        self.delayed = [pair for pair in self.delayed if pair[0] > self.now]
        for token in [token for token, lease in self.leased.items() if lease.end <= self.now]:
            lease = self.take_back(token)
            again = lease.task.again(lost=not lease.accepted)
            if lease.cancelling:
                self.ended["cancelled"] += 1
            elif again.losses >= LOSSES:
                self.dead[token] = lease.task
            else:
                self.waiting.append(again)

    @rule()
    def what_waits_when_nobody_gets_more_is_under_a_full_limit(self) -> None:
        idle, enough = 0, 3 + len(self.waiting)  # an admitted task may be held again by another limit
        while idle < enough:
            self.tick()
            idle = 0 if self.take() else idle + 1
        for task in self.waiting:
            assert any(limit.is_full(self.now) for limit in self.limits_of(task)), task

    # Invariants

    @invariant()
    def every_task_is_where_the_model_says(self) -> None:
        expected = Counter((task.id, task.attempt, "waiting") for task in self.waiting)
        expected.update((task.id, task.attempt, "delayed") for _, task in self.delayed)
        for lease in self.leased.values():
            expected[lease.task.id, lease.task.attempt, "accepted" if lease.accepted else "leased"] += 1
        states = {"queued": "waiting", "held": "waiting"}
        listed = [
            (task["id"], task["attempt"], states.get(task["state"], task["state"]))
            for task in self.lua.tasks()
        ]
        assert Counter(listed) == expected
        assert max(Counter(id for id, _, _ in listed).values(), default=1) == 1
        assert {task["ticket"] for task in self.lua.tasks(state="dead")} == set(self.dead)

    @invariant()
    def the_ledger_adds_up(self) -> None:
        stats, count = self.lua.stats(), self.lua.count()
        assert stats["queued"] == stats["due"] == self.queued
        ends = {name: stats[name] for name in ("done", "cancelled", "unleased")}
        assert ends == {name: self.ended[name] for name in ends}
        assert stats["dead"] == count["dead"] == len(self.dead)
        assert stats["in_flight"] == count["queued"] + count["held"] + count["delayed"] + count["leased"]
        assert self.queued == sum(ends.values()) + stats["dead"] + stats["in_flight"]

    @invariant()
    def as_many_count_for_a_limit_as_run(self) -> None:
        limits = self.limits | {f"job:{id}": job.limit for id, job in self.jobs.items()}
        for name, limit in limits.items():
            assert self.lua.client.smembers(f"{self.lua.keys.tag}:running:{name}") == limit.running
            assert len(limit.running) <= sum(not one.task.at_most_once for one in self.leased.values())

    def teardown(self) -> None:
        """Check that everything ends if workers continue and time passes."""
        for _ in range(200):
            for token in [*self.leased]:
                self.say(token, "done")
            if not self.waiting and not self.delayed:
                break
            self.now += 4000
            self.tick()
            self.take()
        stats, count = self.lua.stats(), self.lua.count()
        assert (stats["in_flight"], count["held"], self.lua.size("held")) == (0, 0, 0)


def test_limits_are_exact_after_any_sequence_of_commands(lua: Lua) -> None:
    machine = type("Machine", (Fleet,), {"lua": lua})
    quick = settings(max_examples=40, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(machine, settings=quick)
