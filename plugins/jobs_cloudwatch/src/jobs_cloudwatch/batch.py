"""The limits of one request to CloudWatch, and batches within these limits.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HOUR = 3_600_000
"""An hour in milliseconds, the unit of all times in this module."""

BATCH_BYTES = 1_048_576
EVENT_OVERHEAD = 26
"""Bytes that CloudWatch counts for each event in addition to its text in UTF-8."""

EVENT_BYTES = BATCH_BYTES - EVENT_OVERHEAD
"""The maximum size of an event. Since 2025 it is that of a batch; before, it was a quarter of it."""

BATCH_EVENTS = 10_000
BATCH_SPAN = 24 * HOUR
OLDEST = 14 * 24 * HOUR
NEWEST = 2 * HOUR


@dataclass(frozen=True, slots=True)
class Line:
    """An event to send: its time in epoch milliseconds, and JSON in UTF-8."""

    time: int
    text: bytes

    @property
    def size(self) -> int:
        """The size in bytes, as CloudWatch counts it."""
        return len(self.text) + EVENT_OVERHEAD


def next_batch(lines: Iterable[Line], now: int) -> tuple[list[Line], int]:
    """Return a batch of the first lines, ordered by time, and how many lines it consumed.

    Consumed lines that are not in the batch are too old or too new for CloudWatch. `now` is in epoch
    milliseconds.
    """
    batch: list[Line] = []
    size = taken = 0
    earliest, latest = now + NEWEST, now - OLDEST
    for line in lines:
        if now - OLDEST <= line.time <= now + NEWEST:
            size += line.size
            earliest, latest = min(earliest, line.time), max(latest, line.time)
            if len(batch) == BATCH_EVENTS or size > BATCH_BYTES or latest - earliest > BATCH_SPAN:
                break
            batch.append(line)
        taken += 1
    return sorted(batch, key=lambda line: line.time), taken
