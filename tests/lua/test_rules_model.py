"""misfire, grace and overlap, compared with a model that keeps lists."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lua.helpers import MS, Lua, ms

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SKIP_GRACE, CATCH_UP = 60_000, 100


@dataclass
class Model:
    """One job; times are in ms after MS."""

    every: int
    misfire: str
    grace: int | None
    overlap: str
    due: int = 0
    waiting: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    queued: int = 0
    coalesced: int = 0
    skipped: int = 0

    def tick(self, now: int) -> None:
        due = list(range(self.due, now + 1, self.every))
        self.due += len(due) * self.every
        grace = SKIP_GRACE if self.grace is None and self.misfire == "skip" else self.grace
        rest = [time for time in due if grace is None or time >= now - grace]
        self.skipped += len(due) - len(rest)
        runs = rest[: CATCH_UP if self.misfire == "all" else 1]
        room = self.room() if runs else 0
        if runs and self.overlap == "replace":
            self.told += [time for time in self.running if time not in self.told]
        kept = runs[:room]
        self.waiting += kept
        self.queued += len(kept)
        if kept:
            self.coalesced += len(rest) - len(runs)
            self.skipped += len(runs) - len(kept)
        else:
            self.skipped += len(rest)

    def room(self) -> int:
        if self.overlap == "allow":
            return CATCH_UP
        if self.overlap == "skip":
            return 0 if self.waiting or self.running else 1
        return 0 if self.waiting else 1

    def take(self) -> int | None:
        if not self.waiting or (self.overlap in ("queue", "replace") and self.running):
            return None
        time = self.waiting.pop(0)
        self.running.append(time)
        return time


def options(model: Model) -> dict[str, Any]:
    given = {"every": f"{model.every}ms", "misfire": model.misfire, "overlap": model.overlap, "lease": "1d"}
    return given if model.grace is None else given | {"grace": f"{model.grace}ms"}


models = st.builds(
    Model,
    every=st.sampled_from([1000, 7000, 40_000]),
    misfire=st.sampled_from(["coalesce", "skip", "all"]),
    grace=st.sampled_from([None, 0, 5000, 100_000]),
    overlap=st.sampled_from(["allow", "skip", "queue", "replace"]),
)
steps = st.lists(st.integers(0, 150_000) | st.sampled_from(["take", "end", "retry"]), min_size=1, max_size=30)


@QUICK
@given(models, steps)
@example(Model(1000, "coalesce", None, "queue"), [2674, "take", 326, "take", "retry", 0, "take"])
def test_runs_and_skipped_occurrences_match_the_model(lua: Lua, model: Model, steps: list[int | str]) -> None:
    lua.reset()
    model = copy.deepcopy(model)  # the examples are shared by all servers
    lua.put(**options(model))
    now, tokens = 0, dict[int, str]()
    for step in steps:
        if isinstance(step, int):
            now += step
            model.tick(now)
            lua.tick(ms(MS + now))
        elif step == "take":
            expected = model.take()
            taken = lua.take(lease="1d", now=ms(MS + now))
            assert [task["id"] for task in taken] == ([] if expected is None else [f"a@{MS + expected}"])
            if expected is not None:
                tokens[expected] = taken[0]["token"]
        elif model.running:
            time = model.running.pop(0)
            again = step == "retry" and time not in model.told
            lua.jack(tokens.pop(time), "retry" if again else "done", now=ms(MS + now))
            if again:
                model.waiting.insert(0, time)
    stats = lua.stats()
    assert (stats["queued"], stats["coalesced"], stats["skipped"]) == (
        model.queued,
        model.coalesced,
        model.skipped,
    )
    cancelling = lua.client.smembers(f"{lua.keys.tag}:cancelling")
    assert cancelling == {tokens[time] for time in model.told if time in tokens}
    assert lua.adds_up()
