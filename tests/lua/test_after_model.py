"""after, on and join, on a board without and with partitions, compared with a model that keeps sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs_core import Board
from tests.lua.helpers import Lua
from tests.lua.partitioned import Partitioned

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

IDS = "abcde"

Step = tuple[Any, ...]


@dataclass
class Job:
    """The parents of a job, and those that have ended since its last run."""

    after: frozenset[str] = frozenset()
    on: str = "done"
    join: str = "all"
    paused: bool = False
    met: set[str] = field(default_factory=set)

    @property
    def options(self) -> dict[str, str]:
        if not self.after:
            return {}
        return {"after": ",".join(sorted(self.after)), "on": self.on, "join": self.join}


class Model:
    """Jobs, and the ids of those with waiting, running and dead tasks."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.waiting: list[str] = []
        self.running: list[str] = []
        self.dead: list[str] = []

    def put(self, id: str, after: frozenset[str], on: str, join: str) -> Job:
        old = self.jobs.get(id, Job())
        same = old.on == on or not old.after
        met = old.met & after if same else set()
        self.jobs[id] = Job(after, on, join, old.paused, met)
        return self.jobs[id]

    def after(self, id: str) -> frozenset[str]:
        return self.jobs[id].after if id in self.jobs else frozenset()

    def push(self, id: str) -> None:
        self.waiting.append(id)
        self.jobs[id].met.clear()

    def end(self, id: str, verb: str) -> None:
        if verb == "retry":
            self.waiting.insert(0, id)
            return
        if verb == "dead":
            self.dead.append(id)
        for name, job in sorted(self.jobs.items()):
            if id not in job.after or job.paused or job.on not in (verb, "end"):
                continue
            job.met.add(id)
            if job.join == "any" or job.met == job.after:
                self.waiting.append(name)
                job.met.clear()


def parents(draw: st.DrawFn, id: str) -> frozenset[str]:
    """Draw parents only from earlier jobs, so that there are no cycles. Parents may be missing."""
    before = IDS[: IDS.index(id)]
    return frozenset(draw(st.sets(st.sampled_from(before)))) if before else frozenset()


@st.composite
def puts(draw: st.DrawFn) -> Step:
    id = draw(st.sampled_from(IDS))
    on = draw(st.sampled_from(["done", "dead", "end"]))
    return "put", id, parents(draw, id), on, draw(st.sampled_from(["all", "any"]))


steps = st.lists(
    puts()
    | st.tuples(st.sampled_from(["push", "push", "pause", "resume", "remove"]), st.sampled_from(IDS))
    | st.tuples(st.just("end"), st.sampled_from(["done", "done", "dead", "cancelled", "retry"]))
    | st.just(("take",))
    | st.just(("revive",)),
    min_size=1,
    max_size=60,
)

SUCCESS_THEN_FAILURE: list[Step] = [
    ("put", "a", frozenset(), "done", "all"),
    ("put", "b", frozenset(), "done", "all"),
    ("put", "c", frozenset("ab"), "done", "all"),
    *[("push", "a"), ("take",), ("end", "done")],
    ("put", "c", frozenset("ab"), "dead", "all"),
    *[("push", "b"), ("take",), ("end", "dead")],
]


@pytest.fixture(params=[None, 4])
def parts(board: Board, request: pytest.FixtureRequest) -> Partitioned:
    """An empty board without partitions, and one with four."""
    return Partitioned(board, request.param)


@QUICK
@given(steps)
@example(SUCCESS_THEN_FAILURE)
def test_dependents_match_the_model(parts: Partitioned, steps: list[Step]) -> None:
    parts.reset()
    model = Model()
    tokens: list[str] = []
    for step, *words in steps:
        if step == "put":
            parts.whole.put(words[0], **model.put(*words).options)
        elif step == "take" and model.waiting:
            model.running.append(model.waiting.pop(0))
            tokens.append(parts.of(model.running[-1]).held(lease="1d")["token"])
        elif step == "end" and model.running:
            parts.whole.jack(tokens.pop(0), words[0])
            model.end(model.running.pop(0), words[0])
        elif step == "revive" and model.dead:
            revive(parts.of(model.dead[-1]), model.dead[-1])
            model.waiting.append(model.dead.pop())
        elif words and words[0] in model.jobs:
            act(parts.whole, model, step, words[0])
        parts.deliver(twice=True)
        for part in parts.parts:
            expected = [id for id in model.waiting if parts.of(id) is part]
            assert [task["job"] for task in part.tasks(state="queued")] == expected
        for id, job in model.jobs.items():
            check(parts, model, id, job)
    assert parts.whole.adds_up()


def check(parts: Partitioned, model: Model, id: str, job: Job) -> None:
    found = parts.when(id)
    assert set(found.get("met", ())) == job.met
    assert set(found.get("missing", ())) == job.after - model.jobs.keys()
    assert found.get("followed_by", []) == [name for name in IDS if id in model.after(name)]


def revive(lua: Lua, id: str) -> None:
    (ticket, *_) = [task["ticket"] for task in lua.tasks(state="dead") if task["job"] == id]
    lua.jdead("retry", ticket)


def act(lua: Lua, model: Model, step: str, id: str) -> None:
    if step == "push":
        lua.jpush(id)
        model.push(id)
    elif step == "remove":
        lua.jdel(id)
        del model.jobs[id]
    elif step == "pause":
        lua.jpause(id)
        model.jobs[id].paused = True
    elif step == "resume":
        lua.jresume(id)
        model.jobs[id].paused = False
