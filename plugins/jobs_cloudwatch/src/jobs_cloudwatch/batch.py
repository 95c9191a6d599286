"""What CloudWatch takes in one request, and filling one.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HOUR = 3_600_000
"""Of milliseconds, as all times here are."""

BATCH_BYTES = 1_048_576
EVENT_OVERHEAD = 26
"""Bytes that CloudWatch counts for every event, beside its text in UTF-8."""

EVENT_BYTES = BATCH_BYTES - EVENT_OVERHEAD
"""An event may be as large as a batch since 2025; before, it was a quarter of that."""

BATCH_EVENTS = 10_000
BATCH_SPAN = 24 * HOUR
OLDEST = 14 * 24 * HOUR
NEWEST = 2 * HOUR


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it is sent: its time in epoch milliseconds, and JSON in UTF-8."""

    time: int
    text: bytes

    @property
    def size(self) -> int:
        """Bytes, as CloudWatch counts them."""
        return len(self.text) + EVENT_OVERHEAD


def next_batch(lines: Iterable[Line], now: int) -> tuple[list[Line], int]:
    """The batch that the first lines make, in the order of time, and how many lines it took.

    Those that it took and that are not in the batch are too old or too new for CloudWatch to have them.
    `now` is in epoch milliseconds.
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
