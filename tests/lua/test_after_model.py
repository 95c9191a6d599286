"""after, on and join, compared with a model that keeps sets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lua.helpers import Lua

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

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


@QUICK
@given(steps)
@example(SUCCESS_THEN_FAILURE)
def test_dependents_match_the_model(lua: Lua, steps: list[Step]) -> None:
    lua.reset()
    model = Model()
    tokens: list[str] = []
    for step, *words in steps:
        if step == "put":
            lua.put(words[0], **model.put(*words).options)
        elif step == "take" and model.waiting:
            model.running.append(model.waiting.pop(0))
            tokens.append(lua.held(lease="1d")["token"])
        elif step == "end" and model.running:
            lua.jack(tokens.pop(0), words[0])
            model.end(model.running.pop(0), words[0])
        elif step == "revive" and model.dead:
            (ticket, *_) = [
                task["ticket"] for task in lua.tasks(state="dead") if task["job"] == model.dead[-1]
            ]
            lua.jdead("retry", ticket)
            model.waiting.append(model.dead.pop())
        elif words and words[0] in model.jobs:
            act(lua, model, step, words[0])
        assert [task["job"] for task in lua.tasks(state="queued")] == model.waiting
        for id, job in model.jobs.items():
            assert set(json.loads(lua.jwhen(id)[0]).get("met", ())) == job.met
    assert lua.adds_up()


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
