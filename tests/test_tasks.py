"""Tasks on their way: JPOP, JBEAT, JACK, lapsed leases, JTRIM, and the ledger. All times are injected."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from jobs_core import Board, OptionError, StaleError, Task
from jobs_core.commands import Commands

T = 1_700_000_000
VERBS = ("done", "retry", "dead", "release")


def push(board: Board, payload: str = "x", **options: Any) -> str:
    return board.push("console", payload, now=T, **options)


def take(board: Board, count: int = 1, lease: float | None = 30, now: float = T) -> list[Task]:
    return list(board.pop("console", count=count, lease=lease, now=now))


def test_tasks_leave_a_queue_in_the_order_they_came(board: Board) -> None:
    for i in range(5):
        push(board, str(i))
    assert [task.raw for task in take(board, 3) + take(board, 9)] == ["0", "1", "2", "3", "4"]
    assert take(board) == []


def test_queues_are_served_in_the_order_they_are_named(board: Board) -> None:
    for queue in ("one", "two", "one"):
        push(board, queue=queue)
    found = board.pop("two", "one", "none", count=9)
    assert [task.queue for task in found] == ["two", "one", "one"]
    assert {task.runner for task in found} == {"console"}


def test_a_task_carries_what_its_worker_needs(board: Board) -> None:
    options = {"timeout": "1m", "attempts": 3, "policy": "retry", "queue": "q"}
    board.put("a", "console", '{"k": [1, "é"]}', every=5, now=T, **options)
    board.tick(now=T)
    (task,) = board.pop("q", lease=30, now=T)
    assert (task.id, task.job, task.runner, task.queue) == (f"a@{T}000", "a", "console", "q")
    assert (task.due, task.attempt) == (T, 1)
    assert task.options == {"timeout": 60, "attempts": 3, "policy": "retry"}
    assert task.payload == {"k": [1, "é"]}
    assert task.token.startswith(f"a@{T}000#")


@pytest.mark.parametrize(
    "payload",
    ["", "\n1\n", "a\nb\n\nc", "%d %s @ # \0 end", "é\U0001f600", '{"a": {}, "b": []}', "{not json"],
)
def test_payloads_arrive_as_they_were_put(board: Board, payload: str) -> None:
    board.put("a", "console", payload, every=5, now=T)
    board.tick(now=T)
    push(board, payload)
    tasks = take(board, 2)
    assert [task.raw for task in tasks] == [payload, payload]
    board.ack(tasks[0].token, "retry")
    assert take(board)[0].raw == payload
    assert board.show("a")["payload"] == payload


@pytest.mark.parametrize("id", ["a@b@123", "%d", "a.b-c_d:e/f", "é", "[x]*", "x" * 256])
def test_ids_may_be_peculiar(board: Board, id: str) -> None:
    board.put(id, "console", "x", every=5, now=T)
    board.tick(now=T)
    (task,) = take(board)
    assert (task.job, task.id) == (id, f"{id}@{T}000")
    board.ack(task.token, "retry")
    (again,) = take(board)
    assert (again.id, again.attempt) == (task.id, 2)
    board.ack(again.token)
    assert board.stats()["succeeded"] == 1


def test_without_a_lease_a_task_is_delivered_at_most_once(board: Board) -> None:
    push(board)
    assert take(board, lease=None)[0].token == ""
    assert board.count()["leased"] == 0
    assert board.stats()["unleased"] == 1


def test_a_lease_that_lapses_gives_the_task_to_another(board: Board) -> None:
    push(board, "first")
    push(board, "second")
    (held,) = take(board, lease=30)
    assert board.tick(now=T + 29.999).moved == 0
    assert board.tick(now=T + 30).moved == 1
    (again,) = take(board, now=T + 31)  # in front of the second
    assert (again.id, again.attempt, again.raw) == (held.id, 2, "first")
    assert board.stats()["lost"] == 1


def test_a_stale_worker_cannot_overwrite_a_newer_attempt(board: Board) -> None:
    push(board)
    (stale,) = take(board)
    board.tick(now=T + 31)
    (newer,) = take(board, now=T + 31)
    for verb in ("done", "dead", "retry", "release"):
        with pytest.raises(StaleError, match="does not hold"):
            board.ack(stale.token, verb)
    assert board.beat(30, stale.token) == [False]
    assert board.ack(newer.token) == newer.id
    with pytest.raises(StaleError):
        board.ack(newer.token)
    stats = board.stats()
    assert (stats["succeeded"], stats["stale"], stats["dead"]) == (1, 5, 0)


def test_beats_extend_leases(board: Board, commands: Commands) -> None:
    push(board)
    push(board)
    beaten, silent = take(board, 2, lease=30)
    assert commands.call("JBEAT", 30, beaten.token, "nobody#1", "--", "now", T + 20) == [1, 0]
    assert board.tick(now=T + 40).moved == 1
    assert take(board, now=T + 40)[0].id == silent.id
    assert board.ack(beaten.token) == beaten.id


def test_a_job_may_say_how_long_its_lease_is(board: Board) -> None:
    push(board, lease="5s")
    take(board, lease=30)
    assert board.tick(now=T + 5).moved == 1


def test_a_retry_is_another_attempt_after_its_delay(board: Board) -> None:
    push(board)
    (first,) = take(board)
    board.ack(first.token, "retry", delay=10, now=T)
    assert (take(board), board.count()["delayed"], board.tick(now=T + 9).moved) == ([], 1, 0)
    board.tick(now=T + 10)
    (second,) = take(board)
    assert (second.id, second.attempt) == (first.id, 2)
    assert board.stats()["retried"] == 1


def test_a_released_task_keeps_its_attempt_and_its_place(board: Board) -> None:
    push(board, "first")
    push(board, "second")
    (first,) = take(board)
    board.ack(first.token, "release")
    (again,) = take(board)
    assert (again.id, again.attempt) == (first.id, 1)
    assert board.stats()["released"] == 1


def test_a_job_put_anew_may_have_two_tasks_of_one_id_and_neither_harms_the_other(board: Board) -> None:
    for _ in range(2):
        board.put("a", "console", "x", at=T, now=T)
        board.tick(now=T)
        board.remove("a")
    first, second = take(board, 2)
    assert first.id == second.id
    board.ack(first.token)
    assert board.tick(now=T + 31).moved == 1
    (again,) = take(board, now=T + 31)
    board.ack(again.token)
    assert board.stats()["succeeded"] == 2
    assert board.client.hlen(board.keys.task) == 0


def test_a_dead_letter_keeps_the_task(board: Board) -> None:
    push(board, "precious")
    (task,) = take(board)
    board.ack(task.token, "dead", note="why", code="7")
    assert board.count()["dead"] == 1
    assert str(board.client.hget(board.keys.task, task.token)).endswith("precious")


def test_the_history_says_what_became_of_each_attempt(board: Board) -> None:
    push(board)
    (first,) = take(board)
    board.ack(first.token, "retry", note="not yet", code="3")
    (second,) = take(board)
    board.ack(second.token, "done", data=json.dumps({"exit": 0}))
    entries = [fields for _, fields in board.client.xrange(board.keys.history)]
    assert entries == [
        {"task": first.id, "attempt": "1", "what": "retry", "note": "not yet", "code": "3"},
        {"task": first.id, "attempt": "2", "what": "done", "data": '{"exit": 0}'},
    ]


def test_an_ended_task_leaves_nothing_behind(board: Board) -> None:
    push(board)
    board.ack(take(board)[0].token)
    left = {key.partition(":")[2] for key in board.client.keys(f"{board.keys.tag}:*")}
    assert left <= {"commands", "stats", "history", "queues", "wake:console", "wake"}


def test_trim_keeps_the_newest(board: Board, commands: Commands) -> None:
    for i in range(10):
        push(board, str(i))
    assert commands.call("JTRIM", "console", 4, "limit", 5) == 5
    assert commands.call("JTRIM", "console", 4) == 1
    assert commands.call("JTRIM", "console", 4) == 0
    assert [task.raw for task in take(board, 9)] == ["6", "7", "8", "9"]
    assert board.stats()["trimmed"] == 6


def test_many_large_tasks_are_taken_a_few_at_a_time(board: Board) -> None:
    for _ in range(10):
        push(board, "x" * 1_000_000)
    counts = []
    while not counts or counts[-1]:
        counts.append(len(take(board, 10)))
    assert sum(counts) == 10
    assert counts[0] < 10


def test_who_served_a_runner_is_known(board: Board) -> None:
    board.register("host-1", ["shell", "http"])
    assert board.client.hget(board.keys.runners, "http").endswith(" host-1")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("JPOP", [], "numqueues"),
        ("JPOP", [2, "console"], "numqueues"),
        ("JPOP", [1, "console", "count", 0], "count"),
        ("JPOP", [1, "console", "lease", "x"], "lease"),
        ("JPOP", [1, "console", "n", 1], "no option 'n'"),
        ("JACK", ["a@1#1", "well"], "not one of done, retry, dead, release"),
        ("JACK", ["a@1#1"], "not one of"),
        ("JBEAT", ["x", "a@1#1"], "lease"),
        ("JTRIM", ["console"], "keep"),
        ("JTICK", ["limit", "many"], "limit"),
        ("JTICK", ["limit"], "no value"),
        ("JTICK", ["limit", 1, "limit", 2], "twice"),
        ("JPUSH", [], "needs a job id"),
        ("JPUSH", ["console", "x", "every", 5], "no option 'every'"),
    ],
)
def test_bad_arguments_are_refused(commands: Commands, name: str, arguments: list[Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        commands.call(name, *arguments)


def test_a_refused_pop_takes_nothing(board: Board, commands: Commands) -> None:
    push(board)
    for bad in (["lease", "x"], ["count", "x"], ["now", "x"], ["lease", "30", "now"]):
        with pytest.raises(OptionError):
            commands.call("JPOP", 1, "console", *bad)
    assert board.count()["queued"] == 1


class Ledger(RuleBasedStateMachine):
    """Any sequence of commands: tasks are where the model says, and the ledger adds up."""

    url = ""
    tokens: Bundle[str] = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.board = Board("ledger", self.url, validate=False)
        self.board.client.delete(*self.board.client.keys("{ledger}:*") or ["none"])
        self.now = float(T)
        self.valid: dict[str, float] = {}

    def teardown(self) -> None:
        self.board.client.close()

    @rule(seconds=st.sampled_from([0.0, 1, 3, 12, 40]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(id=st.sampled_from("abc"), every=st.integers(1, 9), repeat=st.none() | st.integers(1, 3))
    def put(self, id: str, every: int, repeat: int | None) -> None:
        self.board.put(id, "console", "x", every=every, repeat=repeat, now=self.now)

    @rule(id=st.sampled_from("abc"))
    def remove(self, id: str) -> None:
        self.board.remove(id)

    @rule(delay=st.sampled_from([None, "+5"]))
    def push(self, delay: str | None) -> None:
        self.board.push("console", "x", at=delay, now=self.now)

    @rule(limit=st.integers(1, 5))
    def tick(self, limit: int) -> None:
        lapsed = sorted(end for end in self.valid.values() if end <= self.now)[:limit]
        before = self.board.stats()["lost"]
        self.board.tick(limit, now=self.now)
        assert self.board.stats()["lost"] - before == len(lapsed)
        held = set(self.board.client.zrange(self.board.keys.leased, 0, -1))
        self.valid = {token: end for token, end in self.valid.items() if token in held}

    @rule(target=tokens, count=st.integers(1, 3))
    def pop(self, count: int) -> Any:
        tasks = self.board.pop("console", count=count, lease=10, now=self.now)
        for task in tasks:
            self.valid[task.token] = self.now + 10
        return tasks[0].token if tasks else "none#0"

    @rule(count=st.integers(1, 2))
    def pop_at_most_once(self, count: int) -> None:
        self.board.pop("console", count=count)

    @rule(
        token=tokens,
        verb=st.sampled_from(["done", "retry", "dead", "release"]),
        delay=st.sampled_from([0, 4]),
    )
    def ack(self, token: str, verb: Any, delay: int) -> None:
        options = {"delay": delay} if verb == "retry" else {}
        if token in self.valid:
            del self.valid[token]
            assert self.board.ack(token, verb, now=self.now, **options) == token.rpartition("#")[0]
        else:
            with pytest.raises(StaleError):
                self.board.ack(token, verb, now=self.now, **options)

    @rule(keep=st.integers(0, 3))
    def trim(self, keep: int) -> None:
        self.board.trim("console", keep)

    @invariant()
    def the_ledger_adds_up(self) -> None:
        stats, count = self.board.stats(), self.board.count()
        assert stats["due"] == stats["queued"] + stats["coalesced"]
        ended = sum(stats[name] for name in ("succeeded", "dead", "trimmed", "unleased"))
        assert stats["queued"] == ended + count["queued"] + count["delayed"] + count["leased"]
        assert count["leased"] == len(self.valid)
        kept = self.board.client.hlen(self.board.keys.task)
        assert kept == count["leased"] + count["delayed"] + count["dead"]


def test_the_ledger_adds_up_after_any_sequence_of_commands(url: str) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Machine", (Ledger,), {"url": url})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
