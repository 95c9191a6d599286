"""Calendars of the next runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobs_web.calendars import RUNS, _fold, board_calendar, job_calendar

from jobs_core import Board

from .conftest import Served

NOW = datetime.now(UTC)


def unfolded(text: str) -> list[str]:
    """Return the content lines of a calendar, after checking how they are folded."""
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    return text.replace("\r\n ", "").split("\r\n")


def events(text: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for line in unfolded(text):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            found[-1][name] = value
    return found


def test_a_calendar_has_the_next_runs(board: Board) -> None:
    board.put(
        "report", "console", "x", every="1d", start="+1h", description="The daily; report,\nwith \\ and ü" * 9
    )
    board.put("later", "console", "x", at="+60d")
    board.put("paused", "console", "x", every="1h")
    board.pause("paused")
    found = events(board_calendar(board, NOW))
    runs = [run for run in board.next("report", count=RUNS) if run <= NOW + timedelta(days=30)]
    assert [event["DTSTART"] for event in found] == [f"{run:%Y%m%dT%H%M%SZ}" for run in runs]
    assert [event["UID"] for event in found] == [f"report@{round(run.timestamp() * 1000)}" for run in runs]
    assert found[0]["SUMMARY"] == "report"
    assert found[0]["DESCRIPTION"].startswith("The daily\\; report\\,\\nwith \\\\ and ü")
    assert found[0]["DESCRIPTION"].endswith("console\\, every 1d")
    assert "DURATION" not in found[0]


def test_an_event_takes_as_long_as_runs_take(board: Board) -> None:
    board.put("report", "console", "x", every="1d", policy="ack", start="+1h")
    for now in (1_700_000_000, 1_700_001_000, 1_700_002_000):
        board.commands.call("JPUSH", "report", "now", now)
        (held,) = board.pop("console", lease=600, now=now)
        board.ack(str(held.token), now=now + 90)
    assert {event["DURATION"] for event in events(job_calendar(board, "report", NOW))} == {"PT90S"}


def test_a_busy_job_does_not_fill_the_calendar(board: Board) -> None:
    board.put("busy", "console", "x", every=1)
    assert len(events(board_calendar(board, NOW))) == RUNS


def test_a_calendar_without_runs_has_a_component(board: Board) -> None:
    found = unfolded(board_calendar(board, NOW))
    assert events("\r\n".join(found)) == []
    begin, end = found.index("BEGIN:VTIMEZONE"), found.index("END:VTIMEZONE")
    assert found[begin + 1] == "TZID:UTC"
    assert found[begin + 2] == "BEGIN:STANDARD" and found[end - 1] == "END:STANDARD"


def test_calendars_are_served(board: Board, served: Served) -> None:
    board.put("a/b;c", "console", "x", every="1d", start="+1h")
    everything = served.client.get("/calendar.ics")
    assert everything.headers["content-type"] == "text/calendar; charset=utf-8"
    one = served.client.get("/job.ics", params={"id": "a/b;c"})
    assert len(events(one.text)) == len(events(everything.text)) > 25
    assert events(one.text)[0]["UID"].startswith("a/b\\;c@")
    assert served.client.get("/job.ics", params={"id": "nobody"}).status_code == 404
    assert served.client.get("/job.ics").status_code == 400


def test_lines_are_folded_between_characters() -> None:
    assert list(_fold("é" * 80)) == ["é" * 37, " " + "é" * 37, " " + "é" * 6]
