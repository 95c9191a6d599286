"""JALERT, JALERTS and JRETAIN on a board of several partitions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import Board, ConflictError, OptionError
from jobs_core.engine.partitions.places import Places, place_of
from tests.conftest import REMOVE
from tests.lua.helpers import Lua, T
from tests.lua.partitioned import Partitioned
from tests.lua.test_jalert import Facts, die, kinds, succeed


class Parts(Partitioned):
    """A board of four partitions, with a job in each."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.jobs = [self.name(place) for place in range(self.count)]

    @property
    def tag(self) -> str:
        """What the keys of the board begin with."""
        return f"{{{self.board.name}."

    def others(self, name: str) -> list[Lua]:
        """Return the partitions that are not the home of an alert."""
        return [part for part in self.parts if part is not self.of(name)]

    def alert(self, when: str, name: str = "a1", **options: Any) -> None:
        self.whole.jalert("put", name, "tell", "ops", "when", when, **options)

    def put_jobs(self, **options: Any) -> None:
        """Put a job in each partition."""
        for id in self.jobs:
            self.whole.put(id, **{"every": 3600, "start": T + 9e6} | options)

    def tick_through(self, begin: float, seconds: int, *, delivers: bool = True) -> None:
        """Tick every second, as a clock does, and deliver the messages."""
        for second in range(seconds + 1):
            for part in self.parts:
                part.tick(begin + second)
            if delivers:
                self.deliver()

    def told(self, now: float = T) -> list[Facts]:
        """Take the tasks of alerts of all partitions, report them done, and return their facts."""
        found = []
        for number, part in enumerate(self.parts):
            for task in part.take("tell", count=100, lease=30, now=now):
                part.jack(task["token"], "done", now=now)
                found.append(json.loads(task["options"])["alert"] | {"id": task["id"], "in": number})
        return found

    def rules(self) -> list[dict[str, Any]]:
        """The stored rules of each partition."""
        stored: list[Any] = [part.client.hgetall(f"{part.keys.tag}:alerts") for part in self.parts]
        return [{name: json.loads(text) for name, text in found.items()} for found in stored]

    def alerts(self, *arguments: Any) -> list[dict[str, Any] | None]:
        return [text and json.loads(text) for text in self.whole.jalerts(*arguments)]

    def open(self, *options: Any, name: str | None = None) -> list[dict[str, Any]]:
        cursor, found = "0", list[dict[str, Any]]()
        while True:
            words = () if name is None else (name,)
            cursor, page = self.whole.jalerts(*words, "-", "open", cursor, *options)
            found += map(json.loads, page)
            if cursor == "0":
                return found


@pytest.fixture
def parts(board: Board) -> Iterator[Parts]:
    found = Parts(board)
    yield found
    assert all(part.adds_up() for part in found.parts)
    board.client.eval(REMOVE, 0, f"{found.tag}*")


class TestPut:
    def test_all_partitions_know_the_alert_when_put_returns(self, parts: Parts) -> None:
        parts.alert("failed 2, silent 1h", **{"for": "team=x", "every": "4h"})
        first, *others = parts.rules()
        assert first["a1"]["etag"]
        assert all(found == first for found in others)
        assert all(part.client.exists(f"{part.keys.tag}:alerts:failed") for part in parts.parts)

    def test_one_change_is_recorded(self, parts: Parts) -> None:
        parts.alert("failed")
        parts.whole.jalert("remove", "a1")
        _, found = parts.whole.jchanges()
        assert [json.loads(text)["target"] for text in found] == ["alert:a1", "alert:a1"]

    @pytest.mark.parametrize("verb", ["put", "remove", "test"])
    def test_another_partition_names_the_right_one(self, parts: Parts, verb: str) -> None:
        words = ("tell", "x", "when", "dead") if verb == "put" else ()
        home = parts.of("a1").keys.tag
        for part in parts.others("a1"):
            says = f"^alert: the alert 'a1' belongs to the partition {home}: call that one$"
            part.refuses(OptionError, says, "JALERT", verb, "a1", *words)

    def test_an_etag_is_compared_where_the_alert_was_put(self, parts: Parts) -> None:
        parts.alert("failed")
        (before,) = parts.alerts("a1")
        assert before
        parts.alert("failed 2", **{"if-match": before["etag"]})
        with pytest.raises(ConflictError):
            parts.alert("failed 3", **{"if-match": before["etag"]})
        with pytest.raises(ConflictError):
            parts.whole.jalert("remove", "a1", "-", "if-match", before["etag"])

    def test_alerts_are_removed_everywhere(self, parts: Parts) -> None:
        names = [f"a{n}" for n in range(8)]
        for name in names:
            parts.alert("failed, unserved, silent 1h", name)
        assert parts.whole.jalert("remove", *names, "none", "-", "by", "ann") == 8
        assert parts.rules() == [{}] * 4
        parts.tick_through(T, 1)
        assert not [key for key in parts.board.client.keys(f"{parts.tag}*") if "alerts" in key]

    def test_messages_of_a_client_that_dies_are_delivered_by_clocks(self, parts: Parts) -> None:
        parts.of("a1").jalert("put", "a1", "tell", "ops", "when", "failed")
        assert sum("a1" in found for found in parts.rules()) == 1
        parts.deliver(twice=True)
        first, *others = parts.rules()
        assert first and all(found == first for found in others)


class TestRead:
    def test_payloads_come_from_where_alerts_were_put(self, parts: Parts) -> None:
        for n in range(6):
            parts.whole.jalert("put", f"a{n}", "tell", f"payload {n}", "when", "failed")
        found = parts.alerts()
        assert [(one["name"], one["payload"]) for one in found if one] == [
            (f"a{n}", f"payload {n}") for n in range(6)
        ]
        assert [one and one["payload"] for one in parts.alerts("a3", "none", "a1")] == [
            "payload 3",
            None,
            "payload 1",
        ]
        assert not any(one and "payload" in one for one in parts.alerts("-", "payload", "0"))

    def test_large_payloads_take_several_calls(self, parts: Parts) -> None:
        for n in range(40):
            parts.whole.jalert("put", f"a{n:02}", "tell", f"{n:02}" * 30000, "when", "failed")
        assert [one and one["payload"][:2] for one in parts.alerts()] == [f"{n:02}" for n in range(40)]

    def test_what_is_open_in_each_partition_is_added_up(self, parts: Parts) -> None:
        parts.put_jobs()
        parts.alert("failed")
        for id in parts.jobs:
            die(parts.of(id), id)
        parts.deliver()
        (found,) = parts.alerts("a1")
        assert found and (found["open"], found["told"]) == (4, T)
        assert sorted(one["job"] for one in parts.open()) == sorted(parts.jobs)
        assert [one["job"] for one in parts.open("job", parts.jobs[2], name="a1")] == [parts.jobs[2]]

    def test_the_alerts_for_a_job(self, parts: Parts) -> None:
        parts.put_jobs(label="team=x")
        parts.alert("failed", "labelled", **{"for": "team=x"})
        parts.alert("failed", "other", **{"for": "nothing"})
        die(parts.parts[1], parts.jobs[1])
        parts.deliver()
        for id in parts.jobs:
            (found,) = parts.alerts("-", "job", id)
            assert found and (found["name"], found["open"]) == ("labelled", 1)


class TestTelling:
    def test_a_job_of_each_partition_is_told_once(self, parts: Parts) -> None:
        parts.put_jobs()
        parts.alert("failed", recovery="yes")
        for part, id in zip(parts.parts, parts.jobs, strict=True):
            die(part, id)
            die(part, id)
        parts.deliver(twice=True)
        told = parts.told()
        assert sorted(one["job"] for one in told) == sorted(parts.jobs)
        assert {one["in"] for one in told} == {place_of("a1", 4)}
        assert {Places(4).of_task(one["id"]) for one in told} == {place_of("a1", 4)}
        for part, id in zip(parts.parts, parts.jobs, strict=True):
            succeed(part, id, now=T + 9)
        parts.deliver()
        assert kinds(parts.told(T + 9)) == [("failed", "over")] * 4

    def test_a_burst_counts_what_all_partitions_tell(self, parts: Parts) -> None:
        parts.alert("dead", burst=5)
        for part in parts.parts:
            for n in range(3):
                part.push(now=T + n)
                part.jack(part.held(now=T + n)["token"], "dead", now=T + n)
        parts.deliver()
        assert [one["kind"] for one in parts.told(T + 3)] == ["dead"] * 5
        parts.tick_through(T + 60, 3)
        (rest,) = parts.told(T + 63)
        assert (rest["kind"], rest["count"]) == ("burst", 3 * 4 - 5)

    def test_what_a_job_itself_asks_for_stays_in_its_partition(self, parts: Parts) -> None:
        parts.put_jobs(**{"on-failure": "tell x"})
        for part, id in zip(parts.parts, parts.jobs, strict=True):
            die(part, id)
        assert [(one["job"], one["in"]) for one in parts.told()] == [
            (id, n) for n, id in enumerate(parts.jobs)
        ]

    def test_a_silent_job_of_each_partition_is_told(self, parts: Parts) -> None:
        parts.put_jobs()
        parts.of("a1").jalert("put", "a1", "tell", "ops", "when", "silent 1h")
        parts.tick_through(T, 2)  # a clock delivers the messages
        parts.tick_through(T + 3590, 9)
        assert parts.told(T + 3599) == []
        parts.tick_through(T + 3600, 5)
        assert sorted(one["job"] for one in parts.told(T + 3605)) == sorted(parts.jobs)

    def test_an_alert_that_is_gone_tells_nothing_more(self, parts: Parts) -> None:
        parts.put_jobs()
        parts.alert("failed")
        for part, id in zip(parts.parts, parts.jobs, strict=True):
            die(part, id)
        parts.whole.jalert("remove", "a1")
        parts.deliver()
        assert [one["in"] for one in parts.told()] == [place_of("a1", 4)]


class TestUnserved:
    @pytest.fixture(autouse=True)
    def waiting(self, parts: Parts) -> None:
        """A task in each partition waits for a worker."""
        for part in parts.parts:
            part.push()

    def serve(self, parts: Parts, now: float) -> None:
        parts.whole.jregister("w1", "echo", "--", "queues", "echo", "state", "serving", "now", now)

    def test_a_queue_is_told_once_and_its_end(self, parts: Parts) -> None:
        parts.alert("unserved 1m", recovery="yes")
        parts.tick_through(T, 58)
        assert parts.told(T + 58) == []
        parts.tick_through(T + 59, 30)
        (facts,) = parts.told(T + 89)
        assert (facts["kind"], facts["queue"], facts["in"]) == ("unserved", "echo", place_of("a1", 4))
        assert [(one["alert"], one["queue"]) for one in parts.open()] == [("a1", "echo")]
        (found,) = parts.alerts()
        assert found and found["open"] == 1
        self.serve(parts, T + 90)
        parts.tick_through(T + 91, 12)
        assert kinds(parts.told(T + 103)) == [("unserved", "over")]
        assert parts.open() == []

    def test_it_goes_on_while_one_partition_has_tasks(self, parts: Parts) -> None:
        parts.alert("unserved 1m", recovery="yes", every="10m")
        parts.tick_through(T, 70)
        (facts,) = parts.told(T + 70)
        *some, last = parts.others("a1")
        for part in (*some, parts.of("a1")):
            part.jtrim("echo", 0)
        parts.tick_through(T + 71, 20)
        assert parts.told(T + 91) == []
        parts.tick_through(T + 658, 10)
        (again,) = parts.told(T + 668)
        assert (again["again"], again["since"], again["job"]) == (True, facts["since"], again["job"])
        last.jtrim("echo", 0)
        parts.tick_through(T + 669, 12)
        assert kinds(parts.told(T + 681)) == [("unserved", "over")]

    def test_messages_that_come_late_and_twice_are_told_once(self, parts: Parts) -> None:
        parts.alert("unserved 1m", recovery="yes")
        parts.of("a1").jtrim("echo", 0)
        parts.tick_through(T, 99, delivers=False)
        assert parts.told(T + 100) == []
        parts.deliver(twice=True)
        parts.tick_through(T + 100, 20)
        assert kinds(parts.told(T + 120)) == [("unserved", "firing")]

    def test_a_job_shows_what_its_partition_has_reported(self, parts: Parts) -> None:
        parts.put_jobs()
        parts.alert("unserved 1m")
        parts.tick_through(T, 70)
        for id in parts.jobs:
            assert [(one["alert"], one["queue"]) for one in parts.open("job", id)] == [("a1", "echo")]

    def test_nothing_is_left_when_nobody_asks(self, parts: Parts) -> None:
        parts.alert("unserved 1m")
        parts.tick_through(T, 70)
        parts.told(T + 70)
        parts.alert("failed")
        parts.tick_through(T + 71, 10)
        left = parts.board.client.keys(f"{parts.tag}*")
        assert not [key for key in left if "report" in key or "idle" in key or "alerting" in key]


class TestBehind:
    def test_an_outage_is_told_once(self, parts: Parts) -> None:
        parts.put_jobs(every=10, start=T)
        parts.alert("behind 1m", recovery="yes")
        parts.tick_through(T, 12)
        for second, part in enumerate(parts.parts):  # nodes come back one after the other
            for now in range(T + 600, T + 610 + 10 * second):
                if now >= T + 600 + 10 * second:
                    part.jtick(now=now)
                    parts.deliver()
        (facts,) = [one for one in parts.told(T + 640) if one["state"] == "firing"]
        assert (facts["why"], facts["upto"]) == ("idle", T + 600)
        parts.tick_through(T + 641, 12)
        assert [one for one in parts.told(T + 653) if one["state"] == "firing"] == []

    def test_one_partition_that_cannot_keep_up_is_told_and_its_end(self, parts: Parts) -> None:
        parts.alert("behind 10s", recovery="yes")
        slow = parts.others("a1")[0]
        for id in [f"x{n}" for n in range(99) if parts.of(f"x{n}") is slow]:
            slow.put(id, every=3600, start=T)
        for second in range(0, 21, 5):
            for part in parts.parts:
                part.tick(T + second, limit=1)
            parts.deliver()
        (facts,) = parts.told(T + 20)
        assert (facts["kind"], facts["why"], facts["state"]) == ("behind", "backlog", "firing")
        assert [one["kind"] for one in parts.open()] == ["behind"]
        parts.tick_through(T + 21, 15)
        assert kinds(parts.told(T + 36)) == [("behind", "over")]


class TestRetention:
    def settings(self, parts: Parts) -> list[Any]:
        return [part.client.hgetall(f"{part.keys.tag}:settings") for part in parts.parts]

    def test_bounds_hold_in_every_partition_when_the_call_returns(self, parts: Parts) -> None:
        parts.whole.jretain("runs", 5, "dead-age", "1h", "durable", 0, "by", "ann")
        assert self.settings(parts) == [{"runs": "5", "dead-age": "3600000", "durable": "0"}] * 4
        parts.whole.jretain("runs", "default", "dead-age", "off")
        assert self.settings(parts) == [{"dead-age": "off", "durable": "0"}] * 4
        _, found = parts.whole.jchanges()
        assert [json.loads(text)["what"] for text in found] == ["retain", "retain"]

    def test_another_partition_names_the_right_one(self, parts: Parts) -> None:
        says = f"^what a board keeps is set in its partition {parts.parts[0].keys.tag}: call that one$"
        for part in parts.parts[1:]:
            part.refuses(OptionError, says, "JRETAIN", "runs", "5")
            assert part.jretain() == parts.parts[0].jretain()


class TestLostMessages:
    """What a failover has lost is told anew."""

    def lose(self, parts: Parts, source: Lua) -> None:
        """Forget the messages of a partition, and send another one to each."""
        for target in source.joutbox()[::2]:
            source.client.delete(f"{source.keys.tag}:outbox:{target}")
        source.client.set(f"{source.keys.tag}:server", "another")
        source.tick(T + 900)

    def test_alerts_and_their_removal(self, parts: Parts) -> None:
        first, second, third = itertools.islice(
            (f"a{n}" for n in itertools.count() if place_of(f"a{n}", 4) == 2), 3
        )
        parts.alert("failed", first)
        parts.alert("failed", second)
        home = parts.of(first)
        home.jalert("put", first, "tell", "new", "when", "dead")
        home.jalert("remove", second)
        home.jalert("put", third, "tell", "ops", "when", "late 1m")
        self.lose(parts, home)
        parts.deliver()
        expected, *others = parts.rules()
        assert expected.keys() == {first, third}
        assert all(found == expected for found in others)

    def test_bounds(self, parts: Parts) -> None:
        parts.whole.jretain("runs", 5)
        parts.parts[0].jretain("runs", "default", "changes", 7)
        self.lose(parts, parts.parts[0])
        parts.deliver()
        bounds = [part.jretain() for part in parts.parts]
        assert all(found == bounds[0] for found in bounds)

    def test_an_unserved_queue_is_still_told_once_and_its_end(self, parts: Parts) -> None:
        parts.alert("unserved 1m", recovery="yes")
        one, other, _ = parts.others("a1")
        one.push()
        parts.tick_through(T, 70)
        assert kinds(parts.told(T + 70)) == [("unserved", "firing")]
        one.jtrim("echo", 0)
        other.push(now=T + 71)
        parts.tick_through(T + 71, 70, delivers=False)
        for part in (one, other):
            part.client.delete(f"{part.keys.tag}:outbox:{place_of('a1', 4)}")
            part.client.set(f"{part.keys.tag}:server", "another")
        parts.tick_through(T + 142, 20)
        assert parts.told(T + 162) == []
        other.jtrim("echo", 0)
        parts.tick_through(T + 163, 20)
        assert kinds(parts.told(T + 183)) == [("unserved", "over")]
