"""Time zones: the tables in Redis match tzdata, and jobs follow changes."""

from __future__ import annotations

import bisect
import itertools
import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobs_core import Board, OptionError
from jobs_core.engine import zones
from jobs_core.worker.clock import Clock
from tests.helpers import Jobs, lines, refused, runner, working
from tests.lua.helpers import T
from tests.test_worker import done

END = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", sorted(zones.names()))
def test_a_zone_has_the_offsets_of_tzdata(name: str) -> None:
    """Around every change, and at random moments up to 2199."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        zone = ZoneInfo.from_file(file)
    changes = zones.changes(name)
    times = [time for time, _ in changes]
    chance = random.Random(name)
    near = [time + away for time in times[1:] for away in (-1, 0, 1)]
    for second in (*near, *(chance.randrange(END) for _ in range(100))):
        offset = changes[bisect.bisect_right(times, second) - 1][1]
        expected = datetime.fromtimestamp(second, zone).utcoffset()
        assert expected is not None and offset == expected.total_seconds(), second


def test_a_table_contains_only_changes() -> None:
    assert zones.changes("Asia/Kathmandu")[1:] == [(504901800, 20700)]
    assert len(zones.changes("UTC")) == 1
    brussels = zones.changes("Europe/Brussels")
    assert all(first[1] != second[1] for first, second in itertools.pairwise(brussels))
    assert datetime.fromtimestamp(brussels[-1][0], UTC).year >= 2199


def test_identical_zones_are_stored_once() -> None:
    tables = zones.tables()
    assert tables["Europe/Brussels"] == tables["Europe/Amsterdam"] == b"=CET"
    assert len(tables["CET"]) == 12 * len(zones.changes("Europe/Brussels"))
    assert sum(map(len, tables.values())) < 700_000


# On a board


def table(*changes: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">di", *change) for change in changes)


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Replace tzdata by invented data: `invented("2026a", offset)`."""

    def invent(version: str, offset: int) -> None:
        found = {
            "Made/Up": table((-(10**12), offset)),
            "Made/Twin": b"=Made/Up",
            "Made/Other": table((-(10**12), 60)),
        }
        monkeypatch.setattr(zones, "VERSION", version)
        monkeypatch.setattr(zones, "tables", lambda: found)
        monkeypatch.setattr(zones, "names", lambda: frozenset(found))

    return invent


def at(board: Board, id: str) -> str:
    return board.next(id)[0].strftime("%H:%M")


def test_jobs_follow_a_changed_zone(board: Board, invented: Any) -> None:
    invented("2026a", 3600)
    for number in range(250):
        board.put(f"job-{number}", "shell", "x", cron="30 12 * * *", zone="Made/Up")
    board.put("twin", "shell", "x", cron="30 12 * * *", zone="Made/Twin")
    board.put("other", "shell", "x", cron="30 12 * * *", zone="Made/Other")
    board.put("interval", "shell", "x", every="1d", start="2100-01-01")
    board.put("paused", "shell", "x", cron="30 12 * * *", zone="Made/Up")
    board.pause("paused")
    other = board.next("other")
    invented("2026b", 7200)
    assert board.refresh_zones() is True
    assert {at(board, f"job-{number}") for number in range(250)} == {"10:30"}
    assert (at(board, "twin"), at(board, "interval")) == ("10:30", "00:00")
    assert board.next("other") == other
    board.resume("paused")
    assert at(board, "paused") == "10:30"
    assert board.refresh_zones() is False


def test_an_interrupted_load_is_repeated(
    board: Board, invented: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    invented("2026a", 3600)
    board.put("a", "shell", "x", cron="30 12 * * *", zone="Made/Up")
    invented("2026b", 7200)
    call = board.commands.call

    def dying(name: str, *arguments: Any) -> Any:
        if arguments[:1] == ("refresh",):
            raise KeyboardInterrupt
        return call(name, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(board.commands, "call", dying)
        board.refresh_zones()
    assert at(board, "a") == "11:30"
    assert board.refresh_zones() is True
    assert at(board, "a") == "10:30"


def test_older_data_never_replaces_newer(board: Board, invented: Any) -> None:
    invented("2026b", 7200)
    zones.load(board.commands)
    invented("2026a", 3600)
    board.put("a", "shell", "x", cron="30 12 * * *", zone="Made/Up")
    assert at(board, "a") == "10:30"


@pytest.mark.parametrize("who", ["worker", "clock"])
def test_a_ticking_client_loads_new_data(board: Board, invented: Any, who: str, jobs: Jobs) -> None:
    invented("2026a", 3600)
    board.put("a", "shell", "x", cron="30 12 * * *", zone="Made/Up")
    invented("2026b", 7200)
    if who == "worker":
        with working(board, runner(done)):
            pass
    else:
        assert jobs("tick", "--once").exit_code == 0
    assert at(board, "a") == "10:30"


def test_a_worker_loads_no_zones_onto_a_board_without_any(board: Board) -> None:
    with working(board, runner(done)):
        pass
    assert not board.client.exists(f"{board.keys.tag}:zones")
    Clock([board.commands]).tick_all()


def test_a_clock_restores_lost_zones(board: Board) -> None:
    board.put("a", "test", "x", cron="* * * * * *", zone="Europe/Brussels")
    board.client.delete(f"{board.keys.tag}:zones")
    with working(board, runner(done)) as (_, log):
        log.wait_for("task.finished", 2)
    (trouble,) = log.of("trouble")
    assert "zone: the board has no time zones yet" in trouble.data["note"]


def test_init_loads_the_zones_for_other_clients(board: Board) -> None:
    board.init()
    reply = board.commands.call("JNEXT", "-", "cron", "30 2 * * *", "zone", "Europe/Brussels", "now", T)
    assert datetime.fromtimestamp(reply[0] / 1000, UTC).minute == 30


def test_an_unknown_zone_is_rejected(board: Board, jobs: Jobs) -> None:
    with pytest.raises(
        OptionError,
        match=r"^zone: there is no time zone 'Europe/Brusels' \(did you mean 'Europe/Brussels'\?\)$",
    ):
        board.next(cron="* * * * *", zone="Europe/Brusels")
    with pytest.raises(
        OptionError, match=r"^zone: expected a time zone such as Europe/Brussels or UTC, got 'Xyzzy'$"
    ):
        board.put("a", "shell", "x", cron="* * * * *", zone="Xyzzy")
    refused(
        jobs("put", "a", "console", "x", "--every", "5", "--zone", "Europe/Brussels"),
        "zone: applies only with cron",
    )


def test_redis_reports_that_zones_are_missing(board: Board) -> None:
    with pytest.raises(OptionError, match=r"^zone: the board has no time zones yet: run `jobs init`$"):
        board.commands.call("JNEXT", "-", "cron", "* * * * *", "zone", "Europe/Brussels")


# jobs next


def test_next_shows_the_zone_and_its_clock_changes(jobs: Jobs) -> None:
    options = ("--cron", "30 2 * * *", "--zone", "Europe/Brussels", "--json", "--count", "3")
    spring = lines(jobs("next", *options, "--from", "2027-03-27T00:00:00Z"))
    assert [run["iso"] for run in spring] == [
        "2027-03-27T02:30:00+01:00",
        "2027-03-28T03:00:00+02:00",
        "2027-03-29T02:30:00+02:00",
    ]
    assert [run.get("note") for run in spring] == [None, "clocks have just gone forward", None]
    assert {run["zone"] for run in spring} == {"Europe/Brussels"}
    autumn = lines(jobs("next", *options, "--from", "2027-10-30T12:00:00Z"))
    assert [run.get("note") for run in autumn] == ["occurs twice, this is the first", None, None]
    table = jobs("next", *options[:4], "--from", "2027-03-27T00:00:00Z").stdout
    assert "2027-03-28 03:00:00+02:00" in table and "clocks have just gone forward" in table


def test_next_shows_a_job_in_its_zone(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x", "--cron", "@daily", "--zone", "Asia/Kathmandu")
    (run,) = lines(jobs("next", "a", "--count", "1", "--json"))
    assert str(run["iso"]).endswith("T00:00:00+05:45")
    assert "cron @daily, Asia/Kathmandu" in jobs("list").stdout
