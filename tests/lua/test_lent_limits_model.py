"""Limits over four partitions, compared with a model. Messages are late, and delivered twice."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from jobs_core import Board, OptionError
from tests.lua.helpers import Lua
from tests.lua.partitions import COUNT, Partitions, later

QUEUES = ("x", "y")
CONCURRENCY, STARTS, PERIOD, PLACES = 3, 4, 60_000, 6
STARTS_OF_ALL = 7


class Model:
    """Workers, clients and clocks of a board of four partitions that do random things."""

    def __init__(self, parts: Partitions, seed: int) -> None:
        self.parts, self.random, self.moment = parts, random.Random(seed), 0
        self.running: dict[str, tuple[Lua, str]] = {}  # tokens, with partition and queue
        self.starts: list[tuple[int, str]] = []  # with the queue
        self.waiting: dict[str, int] = defaultdict(int)
        parts.limit("runner", "echo", concurrency=CONCURRENCY, rate=f"{STARTS_OF_ALL}/{PERIOD}ms")
        parts.limit("queue", "x", rate=f"{STARTS}/{PERIOD}ms")
        parts.limit("queue", "y", concurrency=2, **{"max-length": PLACES})

    @property
    def now(self) -> str:
        return later(self.moment)

    def push(self) -> None:
        part, queue = self.random.choice(self.parts.parts), self.random.choice(QUEUES)
        try:
            part.jpush("echo", "x", queue=queue, now=self.now)
        except OptionError:
            return
        self.waiting[queue] += 1
        assert self.waiting["y"] <= PLACES

    def take(self) -> int:
        part = self.random.choice(self.parts.parts)
        return self.take_from(part, self.random.choice([("x",), ("y",), QUEUES]))

    def take_from(self, part: Lua, queues: tuple[str, ...]) -> int:
        tasks = part.take(*queues, count=self.random.choice([1, 9]), lease="100d", now=self.now)
        for task in tasks:
            self.running[task["token"]] = part, task["queue"]
            self.waiting[task["queue"]] -= 1
            self.starts.append((self.moment, task["queue"]))
        assert len(self.running) <= CONCURRENCY
        assert sum(queue == "y" for _, queue in self.running.values()) <= 2
        latest = [queue for start, queue in self.starts if start > self.moment - PERIOD]
        assert len(latest) <= STARTS_OF_ALL
        assert latest.count("x") <= STARTS
        return len(tasks)

    def end(self) -> None:
        if self.running:
            token = self.random.choice([*self.running])
            part, _ = self.running.pop(token)
            part.jack(token, "done", now=self.now)

    def deliver(self) -> None:
        if pairs := self.parts.pairs():
            few = self.random.choice([1, 100])
            self.parts.deliver(*self.random.choice(pairs), most=few, forget=self.random.random() < 0.7)

    def tick(self) -> None:
        self.moment += self.random.choice([0, 300, 5000, 20_000])
        self.random.choice(self.parts.parts).tick(self.now)

    def run(self, steps: int) -> None:
        actions = [
            self.push,
            self.push,
            self.take,
            self.take,
            self.end,
            self.deliver,
            self.deliver,
            self.tick,
        ]
        for _ in range(steps):
            self.random.choice(actions)()

    def finish(self) -> None:
        """Let workers, clocks and messages go on. Everything ends, so nothing is stuck."""
        for _ in range(60):
            for part in self.parts:
                self.take_from(part, QUEUES)
            while self.running:
                self.end()
            if not sum(self.waiting.values()):
                return
            self.moment += self.random.choice([500, 20_000])
            self.parts.tick(self.now)
        raise AssertionError(dict(self.waiting))


@pytest.mark.parametrize("seed", range(6))
def test_limits_are_exact_and_nothing_is_stuck(lua: Lua, url: str, board: Board, seed: int) -> None:
    parts = Partitions(Board(f"{board.keys.board}-parts", url, validate=False))
    model = Model(parts, seed)
    model.run(150)
    model.finish()
    assert [part.count()["leased"] for part in parts] == [0] * COUNT
