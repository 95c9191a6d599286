"""A cron job in a zone with clock changes, ticked through a year."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs_core import Board
from jobs_core.engine import zones
from tests.lua.helpers import Lua, ms


def test_a_year_of_every_seventh_minute_where_clocks_change(board: Board) -> None:
    """Each occurrence runs once, in order, ticked at its exact time."""
    lua = Lua(board)
    zones.load(board.commands)
    begin, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2027, 2028))
    lua.put(cron="*/7 * * * *", zone="Europe/Brussels", now=begin)
    due = [begin * 1000 + minute * 60_000 for minute in range(1, 525_600) if minute % 60 % 7 == 0]
    ticks = (("JTICK", ["now", ms(time)]) for time in due)
    replies = list(board.commands.stream(ticks))
    assert [moved for moved, _, _ in replies] == [1] * len(due)
    assert [following for _, following, _ in replies[:-1]] == due[1:]
    assert lua.ids() == [f"a@{time}" for time in due]
    assert lua.ledger() == {"unleased": len(due)}
    assert end * 1000 > due[-1]
