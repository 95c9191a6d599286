"""Jobs with both a time and parents, compared with a model of what waits, runs and is skipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lua.helpers import Lua, T
from tests.lua.test_after import end

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

EVERY = 100
"""The interval of the job, in seconds."""


@dataclass
class Model:
    """A job `c`, every 100 seconds from T on, after a and b. Times are in seconds."""

    on: str
    join: str
    deadline: int | None
    runs_late: bool
    left: int | None
    due: int | None = T
    waiting: int | None = None
    until: int = 0
    met: dict[str, int] = field(default_factory=dict)
    paused: bool = False
    ran: list[int] = field(default_factory=list)
    skipped: int = 0
    coalesced: int = 0

    @property
    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = {"every": EVERY, "start": T, "after": "a,b", "on": self.on, "join": self.join}
        found |= {"deadline": self.deadline} if self.deadline is not None else {}
        found |= {"repeat": self.left} if self.left is not None else {}
        return found | ({"at-deadline": "run"} if self.runs_late else {})

    def is_complete(self) -> bool:
        return len(self.met) >= (1 if self.join == "any" else 2)

    def run(self, due: int) -> None:
        self.ran.append(due)
        self.met, self.waiting = {}, None
        if self.left is not None:
            self.left -= 1
            self.due = self.due if self.left else None

    def stop_waiting(self) -> None:
        assert self.waiting is not None
        due = self.waiting
        if self.runs_late:
            self.run(due)
        else:
            self.skipped += 1
            self.met = {id: time for id, time in self.met.items() if time > due}
            self.waiting = None

    def tick(self, now: int) -> None:
        if self.waiting is not None and self.until <= now:
            self.stop_waiting()
        if self.paused or self.due is None or self.due > now:
            return
        first, passed = self.due, (now - self.due) // EVERY
        self.due = first + (passed + 1) * EVERY
        if self.is_complete():
            self.run(first)
        else:
            self.waiting = first
            self.until = self.due if self.deadline is None else min(self.due, first + self.deadline)
            if self.until <= now:
                self.stop_waiting()
        self.coalesced += passed if self.due is not None else 0

    def end(self, id: str, verb: str, now: int) -> None:
        if self.paused or self.left == 0 or self.on not in (verb, "end"):
            return
        self.met[id] = now
        if self.waiting is not None and self.is_complete():
            self.run(self.waiting)

    def pause(self) -> None:
        if not self.paused:
            self.skipped += self.waiting is not None
            self.paused, self.waiting, self.met = True, None, {}

    def resume(self, now: int) -> None:
        if self.paused and self.due is not None and self.due < now:
            self.due = now - (now - T) % EVERY + (EVERY if (now - T) % EVERY else 0)
        self.paused = False


models = st.builds(
    Model,
    on=st.sampled_from(["done", "dead", "end"]),
    join=st.sampled_from(["all", "any"]),
    deadline=st.sampled_from([None, 0, 30, 70, 100, 250]),
    runs_late=st.booleans(),
    left=st.sampled_from([None, None, 1, 3]),
)
steps = st.lists(
    st.tuples(st.just("tick"), st.sampled_from([0, 10, 30, 50, 100, 230]))
    | st.tuples(st.sampled_from(["done", "dead"]), st.sampled_from("ab"))
    | st.tuples(st.sampled_from(["pause", "resume", "put"]), st.just(0)),
    max_size=40,
)


@QUICK
@given(models, steps)
def test_what_waits_runs_and_is_skipped_matches_the_model(
    lua: Lua, model: Model, steps: list[tuple[str, Any]]
) -> None:
    lua.reset()
    for id in "ab":
        lua.put(id)
    options = model.options
    lua.jset("c", "child", "x", queue="children", **options, now=T - 50)
    now, ran = T - 50, []
    for step, detail in steps:
        if step == "tick":
            now += detail
            lua.tick(now)
            model.tick(now)
        elif step == "pause":
            lua.jpause("c")
            model.pause()
        elif step == "resume":
            lua.jresume("c", now=now)
            model.resume(now)
        elif step == "put":
            lua.jset("c", "child", "other", queue="children", **options, now=now)
        else:
            end(lua, detail, step, now=now)
            model.end(detail, step, now)
        ran += [int(task["due"]) // 1000 for task in lua.take("children", count=99)]
        ledger = lua.ledger("c")
        assert ran == model.ran
        assert (ledger.get("skipped", 0), ledger.get("coalesced", 0)) == (model.skipped, model.coalesced)
        assert lua.stats()["waiting"] == (model.waiting is not None)
        assert lua.adds_up()
