"""Limits of queues and runners over several partitions: they are exact, and no slot is left unused."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jobs_core import Board, OptionError
from tests.lua.helpers import Lua, T, Task
from tests.lua.partitions import COUNT, Partitions, later

RUNNER = "runner:echo"


@pytest.fixture
def parts(lua: Lua, url: str, board: Board) -> Partitions:
    """A board of four partitions."""
    whole = Board(f"{board.keys.board}-parts", url, validate=False)
    return Partitions(whole)


def push(part: Lua, count: int = 1, now: float | str = T, **options: object) -> list[str]:
    return [str(part.jpush("echo", "x", now=now, **options)) for _ in range(count)]


def take(part: Lua, count: int = 99, now: float | str = T) -> list[Task]:
    return part.take(count=count, lease="100d", now=now)


def end(part: Lua, tasks: list[Task]) -> None:
    for task in tasks:
        part.jack(task["token"], "done")


def take_all(parts: Partitions, now: float | str = T, rounds: int = 2) -> dict[int, list[Task]]:
    """Let workers of all partitions take what the limits let them."""
    found: dict[int, list[Task]] = {number: [] for number in range(COUNT)}
    for _ in range(rounds):
        for number, part in enumerate(parts):
            found[number] += take(part, now=now)
        parts.settle(now)
    return found


def test_a_limit_is_set_at_its_home_and_known_everywhere(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=2, rate="5/1m")
    for part in parts:
        assert part.client.hgetall(part.keys.limits) == {RUNNER: "2 5 60000"}
    parts.limit("queue", "mail", **{"max-length": 7})
    for part in parts:
        assert part.client.hgetall(part.keys.lengths) == {"mail": "7"}
    parts.limit("queue", "mail")
    parts.limit("runner", "echo")
    for part in parts:
        assert not part.client.exists(part.keys.limits, part.keys.lengths, f"{part.keys.tag}:shares")


def test_another_partition_than_its_home_rejects_it(parts: Partitions) -> None:
    home = parts.home(RUNNER).keys.tag
    for part in parts.others(RUNNER):
        part.refuses(
            OptionError,
            f"limit: the limit 'runner:echo' belongs to the partition {home}: set it there",
            *("JLIMIT", "runner", "echo", "concurrency", 1),
        )


@pytest.mark.parametrize("most", [1, 3, 10])
def test_never_more_run_than_the_limit_and_as_many_as_it_allows(parts: Partitions, most: int) -> None:
    parts.limit("runner", "echo", concurrency=most)
    for part in parts:
        push(part, 6)
    left = 6 * COUNT
    while left:
        found = take_all(parts)
        running = sum(map(len, found.values()))
        assert running == min(most, left)
        left -= running
        for number, part in enumerate(parts):
            end(part, found[number])
        parts.settle()
    assert all(part.stats()["in_flight"] == 0 for part in parts)


def test_a_limit_of_one_is_taken_in_turn(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=1)
    for part in parts:
        push(part, 3)
    order = []
    for _ in range(3 * COUNT):
        ((number, tasks),) = [(number, tasks) for number, tasks in take_all(parts).items() if tasks]
        order.append(number)
        end(parts.parts[number], tasks)
        parts.settle()
    assert all(sorted(order[at : at + COUNT]) == [*range(COUNT)] for at in range(0, len(order), COUNT)), order


def test_unused_slots_move_to_where_tasks_wait(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=8)
    first, second, *_ = parts.others(RUNNER)
    push(first, 8)
    found = [task for tasks in take_all(parts).values() for task in tasks]
    assert len(found) == 8
    end(first, found)
    push(second, 9)
    assert sum(map(len, take_all(parts).values())) == 8


def test_a_busy_board_sends_no_messages(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=8)
    for part in parts:
        push(part, 12)
    running = take_all(parts)
    for number, part in enumerate(parts):
        end(part, running[number])
    running = take_all(parts)
    assert [len(tasks) for tasks in running.values()] == [2, 2, 2, 2]
    for number, part in enumerate(parts):
        end(part, running[number])
        assert len(take(part)) == 2
    assert parts.pairs() == []


def test_tasks_that_run_when_a_limit_is_set_count(parts: Partitions) -> None:
    for part in parts:
        push(part, 3)
    running = {number: take(part, 2) for number, part in enumerate(parts)}
    parts.limit("runner", "echo", concurrency=9)
    assert sum(map(len, take_all(parts).values())) == 1
    for number, part in enumerate(parts):
        end(part, running[number])
    assert sum(map(len, take_all(parts).values())) == 3


def test_until_all_have_said_what_runs_nothing_is_lent(parts: Partitions) -> None:
    for part in parts:
        push(part, 2)
    home = parts.home(RUNNER)
    home.jlimit("runner", "echo", concurrency=5)
    assert take(home) == []
    parts.settle()
    assert sum(map(len, take_all(parts).values())) == 5


def test_a_limit_may_be_lowered_raised_and_removed(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=8)
    for part in parts:
        push(part, 6)
    found = take_all(parts)
    parts.limit("runner", "echo", concurrency=3)
    assert sum(map(len, take_all(parts).values())) == 0
    for number, part in enumerate(parts):
        end(part, found[number])
    parts.settle()
    assert sum(map(len, take_all(parts).values())) == 3
    parts.limit("runner", "echo", concurrency=6)
    assert sum(map(len, take_all(parts).values())) == 3
    parts.limit("runner", "echo")
    assert sum(map(len, take_all(parts).values())) == 6 * COUNT - 8 - 6


def test_a_slot_for_tasks_that_nobody_takes_goes_to_others(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=1)
    first, second, *_ = parts.others(RUNNER)
    push(first, 2)
    push(second, 2)
    assert take(first) == []
    parts.settle()  # the first is lent the slot, and its worker goes away
    assert take(second) == []
    parts.settle()
    assert take(second) == []
    parts.tick(later(500))
    parts.tick(later(2000))
    assert len(take(second, now=later(2000))) == 1


@pytest.mark.parametrize(("n", "period"), [(1, 60_000), (4, 60_000)])
def test_a_rate_is_exact_in_every_period(parts: Partitions, n: int, period: int) -> None:
    parts.limit("runner", "echo", rate=f"{n}/{period}ms")
    for part in parts:
        push(part, 30)
    starts: list[int] = []
    for moment in range(0, 4 * period, period // 5):
        parts.tick(later(moment))
        found = take_all(parts, now=later(moment))
        starts += [moment] * sum(map(len, found.values()))
    for moment in starts:
        assert sum(moment <= start < moment + period for start in starts) <= n
    assert len(starts) >= n * 2


def test_starts_that_are_not_used_in_time_go_back(parts: Partitions) -> None:
    parts.limit("runner", "echo", rate="2/1m")
    first, second, *_ = parts.others(RUNNER)
    push(first, 2)
    assert take(first) == []
    parts.settle()
    push(second, 2)
    assert take(second, now=later(1500)) == []
    assert take(first, now=later(1500)) == []
    for moment in (1500, 2600, 3700, 4800):
        parts.tick(later(moment))
        if found := take(second, now=later(moment)):
            break
    assert found


def test_a_limit_of_both_kinds(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=1, rate="1/1m")
    for part in parts:
        push(part, 2)
    starts: list[int] = []
    for moment in range(0, 600_000, 20_000):
        parts.tick(later(moment))
        for number, tasks in take_all(parts, now=later(moment), rounds=3).items():
            starts += [moment] * len(tasks)
            end(parts.parts[number], tasks)
    assert len(starts) >= 6
    assert all(after - before >= 60_000 for before, after in pairwise(starts))


def test_a_task_under_two_limits_that_two_partitions_have(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=1)
    parts.limit("queue", "echo", concurrency=1)
    for part in parts:
        push(part, 3)
    done = 0
    for moment in range(0, 20_000, 500):
        for part in parts:
            tasks = take(part, now=later(moment))
            done += len(tasks)
            end(part, tasks)
        parts.tick(later(moment))
    assert done == 3 * COUNT


def test_as_many_tasks_wait_as_a_queue_takes(parts: Partitions) -> None:
    parts.limit("queue", "echo", **{"max-length": 10})
    queued = 0
    for _ in range(5):
        for part in parts:
            try:
                queued += len(push(part))
            except OptionError as error:
                assert "it takes at most 10 tasks" in str(error)
                parts.settle()
    assert queued == 10
    for part in parts:
        end(part, take(part, 1))
    parts.settle()
    for _ in range(4):
        for part in parts:
            try:
                queued += len(push(part))
            except OptionError:
                parts.settle()
    assert sum(part.count()["queued"] for part in parts) == 10


def test_what_is_lent_is_agreed_anew_after_lost_messages(parts: Partitions) -> None:
    parts.limit("runner", "echo", concurrency=4)
    for part in parts:
        push(part, 3)
    found = take_all(parts)
    for number, part in enumerate(parts):
        end(part, found[number])
    for part in parts:  # a failover loses them
        part.client.delete(*part.client.keys(f"{part.keys.tag}:outbox*"), f"{part.keys.tag}:outgoing")
    for part in parts:
        for other in range(COUNT):
            if parts.parts[other] is not part:
                part.client.hset(f"{part.keys.tag}:outbox", other, 0)
    parts.limit("runner", "echo", concurrency=4)
    assert sum(map(len, take_all(parts).values())) == 4


def test_a_due_run_waits_until_the_home_has_answered(parts: Partitions) -> None:
    parts.limit("queue", "echo", **{"max-length": 2})
    home = parts.home("queue:echo")
    push(home)  # the home takes all places
    first = parts.others("queue:echo")[0]
    ids = [id for id in map(str, range(200)) if parts.home(id) is first][:3]
    for id in ids:
        first.jset(id, "echo", "x", every=1000, start=T)
    first.tick()
    assert first.count()["queued"] == 0
    parts.settle()
    first.tick(later(10))
    assert first.count()["queued"] == 1
    parts.settle(later(10))
    first.tick(later(20))
    first.tick(later(1500))
    assert first.client.hget(f"{first.keys.tag}:stats", "skipped:full") == "2"


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_limit_of_slots_and_starts_lets_all_tasks_run(parts: Partitions, most: int) -> None:
    parts.limit("runner", "echo", concurrency=most, rate="5/1s")
    for part in parts:
        push(part, 7)
    running: list[tuple[Lua, Task]] = []
    starts: list[int] = []
    for moment in range(0, 20_000, 100):
        now = later(moment)
        for number, tasks in take_all(parts, now, rounds=3).items():
            running += [(parts.parts[number], task) for task in tasks]
            starts += [moment for _ in tasks]
        assert len(running) <= most
        assert sum(start > moment - 1000 for start in starts) <= 5
        if running and moment % 300 == 0:
            part, task = running.pop(0)
            part.jack(task["token"], "done", now=now)
        parts.settle(now)
        parts.tick(now)
    assert len(starts) == 7 * COUNT
