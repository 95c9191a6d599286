"""Batches stay within the limits of CloudWatch, whatever is written."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs_cloudwatch import batch, buffer
from jobs_cloudwatch.batch import HOUR, Line, next_batch
from jobs_cloudwatch.buffer import FULL, OUT_OF_TIME, Buffer
from jobs_cloudwatch.cloud import left_out
from jobs_cloudwatch.lines import as_line
from jobs_cloudwatch.sender import LONGEST_PAUSE, backoff

from jobs_core import Event

NOW = 1_763_900_005_000
DAY = 24 * HOUR

UNHURRIED = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

around = st.one_of(
    st.integers(NOW - 15 * DAY, NOW + 3 * HOUR),
    st.integers(NOW - 1000, NOW + 1000),
    st.sampled_from(
        [NOW - 14 * DAY - 1, NOW - 14 * DAY, NOW - 22 * HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR + 1]
    ),
)
sizes = st.one_of(st.integers(1, 200), st.integers(100_000, batch.EVENT_BYTES))
TEXT = b"x" * batch.EVENT_BYTES

written = st.lists(st.tuples(around, sizes), max_size=40)


def as_lines(written: list[tuple[int, int]]) -> list[Line]:
    """Make lines with these times and sizes. Hypothesis prints what it draws, so the lines are made here."""
    return [Line(time, TEXT[:size]) for time, size in written]


@UNHURRIED
@given(written)
def test_every_batch_is_valid_for_cloudwatch(written: list[tuple[int, int]]) -> None:
    lines = as_lines(written)
    left, sent = list(lines), []
    while left:
        found, taken = next_batch(left, NOW)
        assert taken > 0
        assert len(found) <= 10_000
        assert sum(len(line.text) + 26 for line in found) <= 1_048_576
        assert all(earlier.time <= later.time for earlier, later in pairwise(found))
        assert not found or found[-1].time - found[0].time <= DAY
        sent += found
        left = left[taken:]
    good = [line for line in lines if NOW - 14 * DAY <= line.time <= NOW + 2 * HOUR]
    assert sorted(map(id, sent)) == sorted(map(id, good)), "each of them once"


@UNHURRIED
@given(written)
def test_a_batch_is_filled_up_to_the_byte_limit(written: list[tuple[int, int]]) -> None:
    lines = as_lines(written)
    found, taken = next_batch(lines, NOW)
    if taken < len(lines):
        more = [*found, lines[taken]]
        times = [line.time for line in more]
        assert sum(line.size for line in more) > 1_048_576 or max(times) - min(times) > DAY


def test_a_batch_has_at_most_ten_thousand_events() -> None:
    lines = [Line(NOW, b"x")] * 10_001
    assert [(len(found), taken) for found, taken in [next_batch(lines, NOW)]] == [(10_000, 10_000)]


def test_events_of_one_millisecond_stay_in_order() -> None:
    lines = [Line(NOW + 1, b"c"), Line(NOW, b"a"), Line(NOW, b"b")]
    assert [line.text for line in next_batch(lines, NOW)[0]] == [b"a", b"b", b"c"]


texts = st.text(st.characters(), max_size=30)  # including lone surrogates


@UNHURRIED
@given(texts.filter(bool), st.sampled_from([30_000, 300_000]), texts)
def test_a_large_event_is_truncated_and_marked(long: str, times: int, short: str) -> None:
    data = {"line": long * times, "stream": short}
    line = as_line(Event("task.line", NOW / 1000, "host-1", data=data))
    assert 0 < len(line.text) <= batch.EVENT_BYTES
    record = json.loads(line.text)
    whole = long.encode("utf-8", "replace").decode() * times
    kept, cut = record["line"], record.get("cut", 0)
    assert record["stream"] == short.encode("utf-8", "replace").decode()
    assert (whole.startswith(kept), len(kept) + cut) == (True, len(whole))
    assert not cut or len(line.text) > batch.EVENT_BYTES // 6 - 1000, "more was cut than had to be"


@pytest.mark.parametrize("letter", ["x", "é", "\N{SNOWMAN}", "\N{PILE OF POO}"])
def test_truncation_removes_little_more_than_needed(letter: str) -> None:
    line = as_line(Event("task.line", NOW / 1000, "host-1", data={"line": letter * 2_000_000}))
    assert batch.EVENT_BYTES - 50 < len(line.text) <= batch.EVENT_BYTES


@pytest.mark.parametrize("value", ["x" * 800_000, ["x" * 2_000_000], {"a": "é" * 1_000_000}])
def test_any_large_field_is_truncated(value: Any) -> None:
    line = as_line(Event("trouble", NOW / 1000, "host-1", data={"note": value, "line": "y" * 2_000_000}))
    assert 0 < len(line.text) <= batch.EVENT_BYTES
    assert line.text.decode()


@UNHURRIED
@given(st.lists(sizes, max_size=60), st.integers(1, 20), st.integers(1_100_000, 3_000_000))
def test_a_full_buffer_drops_the_oldest_and_counts_them(lengths: list[int], events: int, size: int) -> None:
    full = Buffer(events, size)
    lines = [Line(NOW, TEXT[:length]) for length in lengths]
    for line in lines:
        full.put(line)
    kept: list[Line] = []
    while found := full.take(NOW):
        kept += found
        full.finish_batch()
    assert len(kept) <= events and sum(line.size for line in kept) <= size
    assert list(map(id, kept)) == list(map(id, lines[len(lines) - len(kept) :]))
    assert full.dropped()[FULL] == full.unsent() == len(lines) - len(kept)


def test_events_returned_to_a_full_buffer_are_dropped_first() -> None:
    full = Buffer(2)
    lines = [Line(NOW, bytes([65 + number])) for number in range(4)]
    full.put(lines[0])
    full.put(lines[1])
    assert full.take(NOW) == lines[:2]
    full.put(lines[2])
    assert full.unsent() == 3
    full.finish_batch(lines[:2])
    assert full.take(NOW) == lines[1:3]
    assert full.dropped() == {FULL: 1}


def test_events_out_of_the_accepted_time_range_are_dropped() -> None:
    found = Buffer(10)
    found.put(Line(NOW - 15 * DAY, b"x"))
    assert found.take(NOW) == []
    assert found.dropped() == {OUT_OF_TIME: 1}


def test_a_buffer_has_room_for_an_event_of_any_size() -> None:
    assert buffer.BUFFER_BYTES > 2 * batch.BATCH_BYTES


@pytest.mark.parametrize(
    ("rejected", "count"),
    [
        ({}, 0),
        ({"tooNewLogEventStartIndex": 7}, 3),
        ({"tooNewLogEventStartIndex": 0}, 10),
        ({"tooOldLogEventEndIndex": 3, "expiredLogEventEndIndex": 5}, 5),
        ({"tooOldLogEventEndIndex": 3, "tooNewLogEventStartIndex": 8}, 5),
        ({"expiredLogEventEndIndex": 99, "tooNewLogEventStartIndex": 0}, 10),
    ],
)
def test_rejected_events_are_counted(rejected: dict[str, int], count: int) -> None:
    assert left_out(rejected, 10) == count


def test_pauses_double_up_to_a_limit_with_jitter() -> None:
    longest = [backoff(failures, lambda: 1.0) for failures in range(1, 2000)]
    assert longest[1] == 2 * longest[0] and longest[-1] == max(longest)
    assert max(longest) <= LONGEST_PAUSE
    assert backoff(5, lambda: 0.0) == longest[4] / 2
