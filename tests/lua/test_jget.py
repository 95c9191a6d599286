"""JGET: read jobs as JSON."""

from __future__ import annotations

import json

import pytest

from tests.lua.helpers import Lua, T


def test_it_shows_the_options_a_job_was_put_with(lua: Lua) -> None:
    options = {"every": 5, "start": T + 1, "stop": T + 99, "repeat": 7, "decay": 1.5, "step": 60}
    work = {"queue": "slow", "timeout": 1.5, "lease": 30, "policy": "retry", "attempts": 2, "backoff": 4}
    lua.put(**options, **work)
    job = lua.job()
    assert job.pop("etag")
    assert job == {
        "id": "a",
        "runner": "echo",
        "payload": "x",
        "next": T + 1,
        "left": 7,
        "state": "scheduled",
        **options,
        **work,
    }


def test_a_job_without_options_shows_none(lua: Lua) -> None:
    lua.put()
    job = lua.job()
    assert job.pop("etag")
    assert job == {"id": "a", "runner": "echo", "payload": "x", "state": "manual"}


def test_units_and_duration_are_shown_as_every_and_stop(lua: Lua) -> None:
    lua.put(minutes=2, duration=600)
    job = lua.job()
    assert (job["every"], job["stop"]) == (120, T + 600)
    assert {"minutes", "duration"}.isdisjoint(job)


def test_times_keep_their_milliseconds(lua: Lua) -> None:
    lua.put(at=f"{T}.123")
    assert (lua.job()["at"], lua.job()["next"]) == (T + 0.123, T + 0.123)


def test_what_it_shows_puts_the_same_job_again(lua: Lua) -> None:
    lua.put(every=5, stop=T + 99, repeat=7, decay=1.5, step=60, timeout=1.5, attempts=2, queue="slow")
    lua.tick(T)
    job = lua.job()
    lua.jdel("a")
    no_options = ("id", "runner", "payload", "state", "etag")
    options = {name: value for name, value in job.items() if name not in no_options}
    lua.jset(job["id"], job["runner"], job["payload"], **options, now=T + 3)
    assert lua.job() == job


def test_a_job_is_scheduled_paused_ended_or_manual(lua: Lua) -> None:
    lua.put("scheduled", every=5)
    lua.put("paused", every=5)
    lua.jpause("paused")
    lua.put("ended", every=5, repeat=1)
    lua.put("manual")
    lua.tick(T)
    for id in ("scheduled", "paused", "ended", "manual"):
        assert lua.job(id)["state"] == id
        assert ("next" in lua.job(id)) == (id == "scheduled")


def test_a_missing_job_is_null(lua: Lua) -> None:
    lua.put("b")
    found = lua.jget("a", "b", "c")
    assert [text and json.loads(text)["id"] for text in found] == [None, "b", None]


def test_a_json_payload_stays_text(lua: Lua) -> None:
    payload = '{"big":9007199254740993,"none":{},"list":[]}'
    lua.put("a", payload)
    assert lua.job()["payload"] == payload


@pytest.mark.parametrize("option", [("years",), ("every", 5, "decay")])
def test_no_option_makes_a_board_unreadable(lua: Lua, option: tuple[str, ...]) -> None:
    lua.client.delete(lua.keys.job)
    lua.board.commands.batch([("JSET", ("a", "echo", "x", *option, "9" * 400, "now", T))])
    lua.jget("a")


def replied(lua: Lua, name: str, *arguments: str) -> int:
    """Return how many items one call replies with. `lua.jget` would call again for the rest."""
    (reply,) = lua.board.commands.batch([(name, arguments)])
    assert all(isinstance(text, str) for text in reply)
    return len(reply)


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [(1, 150, 400), (50_000, 5, 40), (1 << 20, 1, 1)],
    ids=["small", "50 kB", "1 MiB"],
)
def test_a_reply_ends_early_so_that_no_call_takes_long(lua: Lua, size: int, least: int, most: int) -> None:
    lua.put("a", "x" * size, every=5)
    ids = ["a"] * 1000
    assert least <= replied(lua, "JGET", *ids) <= most
    assert len(lua.jget(*ids[:60])) == 60


def test_a_reply_ends_earlier_for_jobs_with_many_options(lua: Lua) -> None:
    labels = ",".join(f"name-{n}=value-{n}" for n in range(16))
    lua.put(
        "a", every=5, label=labels, description="x" * 1000, **{"retry-on": "5*,timeout", "policy": "retry"}
    )
    assert 20 <= replied(lua, "JGET", *["a"] * 500) <= 100


def test_missing_jobs_cost_as_much_as_small_ones(lua: Lua) -> None:
    (reply,) = lua.board.commands.batch([("JGET", ["none"] * 1000)])
    assert reply == [None] * len(reply) and 150 <= len(reply) <= 400
    assert lua.jget(*["none"] * 1000) == [None] * 1000


def test_a_summary_ends_early_if_jobs_have_many_runs(lua: Lua) -> None:
    lua.put("a", history=100)
    for _ in range(100):
        lua.jpush("a")
        lua.jack(lua.held()["token"], "done")
    ids = ["a"] * 300
    assert 1 <= replied(lua, "JSUMMARY", *ids) <= 20
    assert 50 <= replied(lua, "JSUMMARY", *ids, "-", "only", "last") < 300
    assert len(set(lua.jsummary(*ids))) == 1 and len(lua.jsummary(*ids)) == 300
    assert len(lua.jsummary(*ids, "-", "only", "last")) == 300
