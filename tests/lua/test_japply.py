"""JSTAGE and JAPPLY: apply a board file atomically."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core.errors import AgainError, JobsError, OptionError, StaleError
from tests.lua.helpers import MS, Lua, T

FILE = "board.yml"


def words(id: str, payload: str = "x", **options: Any) -> list[Any]:
    pairs = [part for pair in options.items() for part in pair]
    return [3 + len(pairs), id, "echo", payload, *pairs]


def staged(lua: Lua, stage: str, *jobs: list[Any], mode: str = "put", owner: str = FILE) -> list[Any]:
    return list(lua.jstage(stage, owner, mode, *(word for job in jobs for word in job)))


def roll(lua: Lua) -> None:
    while lua.japply("roll"):
        pass


def apply(lua: Lua, *jobs: list[Any], owner: str = FILE, mode: str = "put") -> None:
    """Stage valid jobs, commit, and roll forward."""
    stage = lua.japply("begin", "now", T)
    assert not [reply for reply in staged(lua, stage, *jobs, mode=mode, owner=owner) if _failed(reply)]
    for id in (job[1] for job in jobs if "after" in job):
        lua.japply("check", stage, id)
    lua.japply("commit", stage, owner)
    roll(lua)


def _failed(reply: Any) -> bool:
    return isinstance(reply, Exception)


def test_a_staged_job_is_not_on_the_board(lua: Lua) -> None:
    stage = lua.japply("begin")
    ((before, after),) = staged(lua, stage, words("a", every=5))
    assert before is None
    assert json.loads(after)["every"] == 5
    assert lua.count()["jobs"] == 0
    assert lua.tick(T + 99) == 0


def test_a_commit_puts_jobs_as_jset_would(lua: Lua) -> None:
    apply(lua, words("a", every=5, timeout=60), words("b", at="+1h"))
    lua.put("c", every=5, timeout=60)
    assert lua.job("a") == lua.job("c") | {"id": "a"}
    assert lua.jnext("a") == [MS]
    assert lua.jnext("b") == [MS + 3_600_000]


def test_staging_returns_the_changes(lua: Lua) -> None:
    apply(lua, words("a", every=5), words("b", "old"))
    stage = lua.japply("begin")
    same, changed, new = staged(lua, stage, words("a", every=5), words("b", "new", timeout=9), words("c"))
    assert same == 0
    assert [json.loads(text) for text in changed] == [
        {"id": "b", "runner": "echo", "payload": "old"},
        {"id": "b", "runner": "echo", "payload": "new", "timeout": 9},
    ]
    assert new[0] is None


@pytest.mark.parametrize(
    "options",
    [
        {"every": 5},
        {"every": 5, "repeat": 3, "start": T - 100, "stop": T + 1000},
        {"every": 5, "decay": 2, "step": 60, "overlap": "skip", "misfire": "all", "jitter": 2},
        {"cron": "0 3 * * MON-FRI", "priority": 3, "queue": "slow"},
        {"after": "x,y", "on": "dead", "join": "any"},
        {"at": T + 60, "policy": "retry", "attempts": 5, "backoff": "1s,10s", "retry-on": "503,5*"},
        {"every": "R/2026-01-31T00:00:00Z/P1M"},
        {"every": 5, "paused": 1},
    ],
)
def test_an_unchanged_job_stays_as_it_is(lua: Lua, options: dict[str, Any]) -> None:
    apply(lua, words("a", **options))
    before = lua.client.dump(lua.keys.job), lua.client.dump(lua.keys.schedule)
    stage = lua.japply("begin")
    assert staged(lua, stage, words("a", **options)) == [0]
    lua.refuses(StaleError, "the stage no longer exists or is empty", "JAPPLY", "commit", stage, FILE)
    assert (lua.client.dump(lua.keys.job), lua.client.dump(lua.keys.schedule)) == before


def test_an_update_keeps_run_times_and_runs_left(lua: Lua) -> None:
    apply(lua, words("a", every=5, repeat=10))
    lua.tick(T)
    lua.tick(T + 5)
    apply(lua, words("a", "other", every=5, repeat=10))
    assert lua.jnext("a") == [MS + 10_000]
    assert (lua.job()["left"], lua.job()["payload"]) == (8, "other")


def test_pruning_removes_only_the_owners_jobs(lua: Lua) -> None:
    apply(lua, words("a", every=5), words("b", every=5))
    lua.put("mine", every=5)
    apply(lua, words("theirs"), owner="other.yml")
    stage = lua.japply("begin")
    replies = staged(lua, stage, [1, "a"], [1, "mine"], [1, "theirs"], [1, "nobody"], mode="remove")
    assert json.loads(replies[0][0])["id"] == "a"
    assert replies[0][1] is None
    assert [type(reply).__name__ for reply in replies[1:]] == ["NotFoundError"] * 3
    lua.japply("commit", stage, FILE)
    roll(lua)
    assert [text is not None for text in lua.jget("a", "b", "mine", "theirs")] == [False, True, True, True]
    lua.tick(T)
    assert sorted(lua.ids()) == [f"b@{MS}", f"mine@{MS}"]


def test_jobs_that_others_put_are_not_touched(lua: Lua) -> None:
    lua.put("mine")
    apply(lua, words("theirs"), owner="other.yml")
    stage = lua.japply("begin")
    mine, theirs = staged(lua, stage, words("mine", "new"), words("theirs", "new"))
    assert "the job 'mine' belongs to no board file: adopt it" in str(mine)
    assert "the job 'theirs' belongs to the board file 'other.yml'" in str(theirs)
    lua.refuses(StaleError, "the stage no longer exists or is empty", "JAPPLY", "commit", stage, FILE)


def test_adopted_jobs_belong_to_the_new_owner(lua: Lua) -> None:
    lua.put("mine")
    apply(lua, words("mine"), mode="adopt")
    stage = lua.japply("begin")
    assert staged(lua, stage, words("mine")) == [0]
    assert not _failed(staged(lua, stage, [1, "mine"], mode="remove")[0])


def test_a_job_removed_by_hand_has_no_owner(lua: Lua) -> None:
    apply(lua, words("a"))
    lua.jdel("a")
    lua.put("a")
    stage = lua.japply("begin")
    assert "belongs to no board file" in str(staged(lua, stage, words("a"))[0])


def test_many_jobs_are_rolled_forward_a_hundred_per_call(lua: Lua) -> None:
    stage = lua.japply("begin")
    for first in range(0, 250, 50):
        staged(lua, stage, *(words(f"j{n}", every=5) for n in range(first, first + 50)))
    assert lua.japply("commit", stage, FILE) == 250
    assert lua.japply("roll") == 150
    assert lua.japply("roll") == 50
    assert lua.japply("roll") == 0
    assert lua.japply("roll") == 0
    assert lua.count()["jobs"] == lua.count()["scheduled"] == 250


def half_rolled(lua: Lua) -> None:
    """A board with a commit of 250 jobs, of which 100 are rolled forward."""
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, *(words(f"j{n}", every=5) for n in range(250)))
    lua.japply("commit", stage, FILE)
    lua.japply("roll")


def test_a_tick_rolls_a_commit_forward_before_anything_is_due(lua: Lua) -> None:
    half_rolled(lua)
    (refused,) = lua.board.commands.batch([("JTICK", ["now", T + 60])])
    assert isinstance(refused, AgainError)
    assert lua.tick(T + 60) == 250


@pytest.mark.parametrize(
    "call",
    [
        ("JGET", "j0"),
        ("JNEXT", "j0"),
        ("JPAUSE", "j0"),
        ("JRESUME", "j0"),
        ("JPUSH", "j0"),
        ("JCOUNT",),
        ("JWHEN", "j0"),
        ("JSETNX", "new", "echo", "x"),
        ("JSET", "new", "echo", "x"),
        ("JMSET", "set", 3, "new", "echo", "x"),
        ("JDEL", "j249"),
        ("JAPPLY", "begin"),
        ("JAPPLY", "commit", "1-0", FILE),
        ("JSTAGE", "1-0", FILE, "put", 3, "a", "echo", "x"),
    ],
    ids=lambda call: " ".join(map(str, call[:2])),
)
def test_nobody_sees_half_a_board(lua: Lua, call: tuple[Any, ...]) -> None:
    half_rolled(lua)
    (reply,) = lua.board.commands.batch([(call[0], call[1:])])
    assert isinstance(reply, AgainError)


def test_a_client_rolls_forward_and_retries_automatically(lua: Lua) -> None:
    half_rolled(lua)
    assert lua.count()["jobs"] == 250


def test_later_manual_changes_take_precedence(lua: Lua) -> None:
    half_rolled(lua)
    lua.put("j249", "by hand")
    assert lua.jdel("j248", "j0") == 2
    assert lua.job("j249")["payload"] == "by hand"
    assert lua.jget("j248", "j0") == [None, None]
    assert lua.count()["jobs"] == 248


def test_a_cycle_with_a_commit_in_progress_is_found(lua: Lua) -> None:
    lua.put("b")
    lua.put("a", after="b")
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, words("a"), words("b", after="a"), mode="adopt")
    lua.japply("check", stage, "b")
    lua.japply("commit", stage, FILE)
    with pytest.raises(OptionError, match="after: expected no cycle, got a after b after a"):
        lua.put("a", "other", after="b")


def test_tasks_that_end_during_a_commit_start_dependents_of_the_new_board(lua: Lua) -> None:
    lua.put("p", queue="parents")
    lua.put("old", after="p")
    lua.jpush("p")
    (task,) = lua.take("parents", lease=30)
    stage = lua.japply("begin", "now", T)
    staged(
        lua, stage, words("old"), words("new", after="p"), *(words(f"j{n}") for n in range(150)), mode="adopt"
    )
    lua.japply("check", stage, "new")
    lua.japply("commit", stage, FILE)
    lua.japply("roll")
    lua.jack(task["token"], "done", now=T)
    assert lua.ids() == []
    lua.tick(T)
    assert [id.partition("@")[0] for id in lua.ids()] == ["new"]
    assert lua.adds_up()


def test_a_stage_is_out_of_date_once_another_was_committed(lua: Lua) -> None:
    early = lua.japply("begin")
    staged(lua, early, words("a"))
    apply(lua, words("b"), owner="other.yml")
    lua.refuses(StaleError, "the board has changed since", "JAPPLY", "commit", early, FILE)
    assert lua.count()["jobs"] == 1


@pytest.mark.parametrize(
    ("call", "is_stale"),
    [
        (("JSET", "a", "echo", "by hand"), True),
        (("JMSET", "set", 3, "a", "echo", "by hand"), True),
        (("JDEL", "a"), True),
        (("JSET", "x", "echo", "x", "after", "y"), True),
        (("JSET", "x", "echo", "x", "every", "5"), False),
        (("JDEL", "y"), False),
    ],
    ids=lambda call: " ".join(map(str, call[:4])) if isinstance(call, tuple) else None,
)
def test_a_stage_is_out_of_date_once_a_job_of_it_was_changed_by_hand(
    lua: Lua, call: tuple[Any, ...], is_stale: bool
) -> None:
    lua.put("y")
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, words("a"))
    lua.call(*call)
    if is_stale:
        lua.refuses(StaleError, "the board has changed since", "JAPPLY", "commit", stage, FILE)
    else:
        assert lua.japply("commit", stage, FILE) == 1


def test_a_stage_that_has_expired_in_part_is_not_committed(lua: Lua) -> None:
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, words("a"), words("b"))
    lua.client.delete(f"{lua.keys.tag}:stage:{stage}")
    staged(lua, stage, words("c"))
    lua.refuses(StaleError, "the stage no longer exists", "JAPPLY", "commit", stage, FILE)
    lua.client.delete(f"{lua.keys.tag}:stage:{stage}:jobs")
    lua.refuses(StaleError, "the stage no longer exists", "JSTAGE", stage, FILE, "put", 3, "c", "echo", "x")
    lua.refuses(StaleError, "the stage no longer exists", "JAPPLY", "check", stage, "c")


def test_a_stage_is_kept_as_long_as_jobs_are_compared_with_it(lua: Lua) -> None:
    apply(lua, words("a"))
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, words("b"))
    for part in ("", ":jobs"):
        lua.client.expire(f"{lua.keys.tag}:stage:{stage}{part}", 9)
    assert staged(lua, stage, words("a")) == [0]
    assert all(lua.client.ttl(f"{lua.keys.tag}:stage:{stage}{part}") > 9 for part in ("", ":jobs"))


def test_jobs_are_put_as_of_when_the_stage_was_begun(lua: Lua) -> None:
    """So jobs that were valid when staged are valid when rolled forward."""
    stage = lua.japply("begin", "now", T)  # long ago
    staged(lua, stage, words("a", every=60, stop="+1s"), words("b", at="+1h"), words("c", every=60))
    lua.japply("commit", stage, FILE)
    roll(lua)
    assert lua.job("a")["stop"] == T + 1
    assert lua.job("b")["at"] == T + 3600
    assert lua.job("c")["next"] == lua.job("c")["start"] == T
    assert not [entry for entry in lua.board.history() if entry["what"] == "refused"]


def test_jobs_that_run_after_others_are_checked_before_a_commit(lua: Lua) -> None:
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, words("a", after="b"), words("b"))
    lua.refuses(
        OptionError, "the stage has unchecked jobs: call JAPPLY check", "JAPPLY", "commit", stage, FILE
    )
    lua.japply("check", stage, "a")
    assert lua.japply("commit", stage, FILE) == 2


def test_a_call_compares_at_most_a_mebibyte_of_old_payloads(lua: Lua) -> None:
    apply(lua, *(words(id, 600_000 * "x") for id in "abc"))
    stage = lua.japply("begin", "now", T)
    for mode, jobs in (("put", [words(id) for id in "abc"]), ("remove", [[1, id] for id in "abc"])):
        first, second, third = staged(lua, stage, *jobs, mode=mode)
        assert not _failed(first) and not _failed(second)
        assert isinstance(third, AgainError)


def test_a_dropped_stage_leaves_no_keys(lua: Lua) -> None:
    lua.japply("begin")
    before = set(lua.everything())
    stage = lua.japply("begin")
    staged(lua, stage, words("a"))
    assert set(lua.everything()) > before
    lua.japply("drop", stage)
    assert set(lua.everything()) == before


def test_an_uncommitted_stage_expires(lua: Lua) -> None:
    before = set(lua.everything())
    stage = lua.japply("begin")
    staged(lua, stage, words("a"))
    left = {name for name in set(lua.everything()) - before if name != lua.keys.stats}
    assert len(left) == 3
    assert all(0 < lua.client.ttl(name) <= 3600 for name in left)


def test_a_committed_stage_does_not_expire(lua: Lua) -> None:
    stage = lua.japply("begin")
    staged(lua, stage, words("a"))
    lua.japply("commit", stage, FILE)
    assert all(lua.client.ttl(name) == -1 for name in lua.everything())
    roll(lua)
    assert not [name for name in lua.everything() if "rolling" in name or "stage:" in name]


def test_a_cycle_within_a_stage_is_found(lua: Lua) -> None:
    stage = lua.japply("begin")
    staged(lua, stage, words("a", after="b"), words("b", after="c"), words("c", after="a"))
    for id, cycle in (("a", "a after b after c after a"), ("b", "b after c after a after b")):
        lua.refuses(OptionError, f"after: expected no cycle, got {cycle}$", "JAPPLY", "check", stage, id)


def test_a_cycle_with_the_board_is_found(lua: Lua) -> None:
    lua.put("c", after="a")
    stage = lua.japply("begin")
    staged(lua, stage, words("a", after="b"), words("b", after="c"))
    lua.refuses(
        OptionError, "after: expected no cycle, got b after c after a after b", "JAPPLY", "check", stage, "b"
    )


def test_reversing_an_order_is_not_a_cycle(lua: Lua) -> None:
    apply(lua, words("a"), words("b", after="a"))
    stage = lua.japply("begin")
    staged(lua, stage, words("a", after="b"), words("b"))
    lua.japply("check", stage, "a")
    lua.japply("commit", stage, FILE)
    roll(lua)
    assert lua.job("a")["after"] == ["b"]
    assert "after" not in lua.job("b")


def test_a_cycle_created_between_check_and_commit_is_rejected(lua: Lua) -> None:
    stage = lua.japply("begin")
    staged(lua, stage, words("a", after="b"))
    lua.japply("check", stage, "a")
    lua.put("b", after="a")
    lua.refuses(StaleError, "the board has changed since", "JAPPLY", "commit", stage, FILE)


def test_a_job_that_can_no_longer_be_put_is_reported(lua: Lua) -> None:
    stage = lua.japply("begin")
    staged(lua, stage, words("a", "x" * 100), words("b"))
    lua.japply("commit", stage, FILE)
    lua.client.hset(lua.keys.settings, "payload_limit", 50)
    roll(lua)
    assert lua.count()["jobs"] == 1
    (entry,) = [entry for entry in lua.board.history() if entry["what"] == "refused"]
    assert entry["job"] == "a"
    assert entry["note"].startswith("payload: expected at most 50 bytes, got 100")


@pytest.mark.parametrize(
    ("kind", "says", "arguments"),
    [
        (OptionError, "JSTAGE expects a stage", ["1-0", FILE, "set"]),
        (OptionError, "stage: expected what JAPPLY begin returned, such as 1-0, got 'x'", ["x", FILE, "put"]),
        (OptionError, "owner: expected 1 to 1024 bytes", ["1-0", "", "put"]),
        (
            OptionError,
            "words: expected at most 1, the number of arguments that follow, got",
            ["1-0", FILE, "put", 5, "a"],
        ),
    ],
)
def test_jstage_rejects_invalid_arguments(
    lua: Lua, kind: type[JobsError], says: str, arguments: list[Any]
) -> None:
    lua.japply("begin")
    lua.refuses(kind, says, "JSTAGE", *arguments)


@pytest.mark.parametrize(
    ("says", "arguments"),
    [
        (
            "JAPPLY expects begin, check, close, commit, drop, parents, pending, prepare, .*, got",
            [],
        ),
        (
            "JAPPLY expects begin, check, close, commit, drop, parents, pending, prepare, .*, got",
            ["put"],
        ),
        ("stage: expected what JAPPLY begin returned, such as 1-0, got ''", ["commit"]),
        ("stage: expected what JAPPLY begin returned, such as 1-0, got '1'", ["check", "1", "a"]),
        ("owner: expected 1 to 1024 bytes", ["commit", "1-0", ""]),
        ("owner: expected 1 to 1024 bytes", ["commit", "1-0"]),
    ],
)
def test_japply_rejects_invalid_arguments(lua: Lua, says: str, arguments: list[Any]) -> None:
    lua.refuses(OptionError, says, "JAPPLY", *arguments)


def test_a_rejected_job_does_not_affect_the_others(lua: Lua) -> None:
    stage = lua.japply("begin")
    first, second, third = staged(lua, stage, words("a"), words("b", every="soon"), words("c"))
    assert (first[0], third[0]) == (None, None)
    assert "every: expected a duration" in str(second)
