"""What a worker says of an outage, on behalf of its threads."""

from __future__ import annotations

import pytest

from jobs_core.engine import outage
from jobs_core.engine.outage import TAIL, Outage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, to set."""
    now = [100.0]
    monkeypatch.setattr(outage.time, "monotonic", lambda: now[0])
    return now


def test_a_thread_that_notices_late_is_no_second_outage(clock: list[float]) -> None:
    said: list[str] = []
    found = Outage("redis", lambda note: said.append("away"), said.append)
    found.begin("loop", OSError("gone"))
    clock[0] += 0.2
    found.end("loop")
    found.begin("clock", OSError("gone"))
    found.end("clock")
    assert said == ["away", "redis serves again, after 0.2 s"]


def test_an_outage_that_goes_on_is_said(clock: list[float]) -> None:
    said: list[str] = []
    found = Outage("redis", lambda note: said.append("away"), said.append)
    found.begin("loop", OSError("gone"))
    found.end("loop")
    found.begin("clock", OSError("gone"))
    clock[0] += TAIL
    found.begin("clock", OSError("gone"))
    found.end("clock")
    assert said == ["away", "redis serves again, after 0.0 s", "away", "redis serves again, after 2.0 s"]
