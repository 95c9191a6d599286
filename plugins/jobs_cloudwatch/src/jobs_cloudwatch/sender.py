"""The thread that sends events and retries while CloudWatch is unreachable."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs_cloudwatch.batch import Line
from jobs_cloudwatch.buffer import OUT_OF_TIME, Buffer
from jobs_cloudwatch.errors import Rejected, Unavailable
from jobs_cloudwatch.lines import as_line
from jobs_cloudwatch.options import Options
from jobs_core import Event

if TYPE_CHECKING:
    from jobs_cloudwatch.cloud import Cloud

CLOSING = 5.0
"""Seconds to send the remaining events when the worker stops."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""The first and the longest delay between retries, in seconds. The delay doubles each time."""

MAX_REJECTIONS = 50
"""How often a batch is split to find rejected events. After that, each part gets one attempt."""

REJECTED = "were rejected by CloudWatch"


class Sender:
    """Sends events in batches, on its own thread. Errors are reported once and never raised."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._buffer = Buffer(options.buffer)
        self._closing = threading.Event()
        self._stopped = threading.Event()
        self._failures = 0
        self._reported = False
        self._reason = ""
        self._thread = threading.Thread(target=self._run, name="jobs-cloudwatch", daemon=True)

    def start(self) -> None:
        """Start to send."""
        self._thread.start()

    def write(self, event: Event) -> None:
        """Buffer an event. Thread-safe."""
        self._buffer.put(as_line(event))

    def close(self) -> None:
        """Send the remaining events, for at most 5 seconds, and report how many are lost."""
        self._buffer.close()
        self._closing.set()
        self._thread.join(CLOSING)
        self._stopped.set()
        if lost := self._buffer.unsent():
            reason = f": {self._reason}" if self._reason else f" in {CLOSING:g} s"
            say(f"could not send {lost} event{'s' * (lost != 1)} before the worker stopped{reason}")

    def _run(self) -> None:
        cloud = None
        pause = self._options.every
        while not self._stopped.is_set() and self._buffer.wait(pause):
            try:
                cloud = cloud or self._open()
                self._send(cloud)
            except Unavailable as error:
                self._handle_failure(error)
            except Exception as error:  # a dead thread would go unnoticed
                self._handle_failure(Unavailable(f"unexpected error {type(error).__name__}"))
            else:
                self._handle_success()
            pause = 0 if self._failures else self._options.every
        if cloud is not None:
            cloud.close()

    def _open(self) -> Cloud:
        from jobs_cloudwatch.cloud import Cloud

        return Cloud(self._options, self._say)

    def _send(self, cloud: Cloud) -> None:
        """Send one batch, then report lost events. Raises Unavailable."""
        batch = self._buffer.take(int(time.time() * 1000))
        self._deliver(cloud, batch)
        if dropped := self._buffer.dropped():
            self._report_dropped(cloud, dropped)

    def _deliver(self, cloud: Cloud, batch: list[Line]) -> None:
        """Send a batch. If it is rejected, split it to find the invalid events."""
        pieces = [batch] if batch else []
        rejections = 0
        try:
            while pieces:
                piece = pieces[-1]
                try:
                    self._buffer.drop(cloud.put(piece), OUT_OF_TIME)
                    pieces.pop()
                except Rejected:
                    rejections += 1
                    pieces.pop()
                    if len(piece) == 1 or rejections > MAX_REJECTIONS:
                        self._buffer.drop(len(piece), REJECTED)
                    else:
                        middle = len(piece) // 2
                        pieces += [piece[middle:], piece[:middle]]
        finally:
            self._buffer.finish_batch(line for piece in reversed(pieces) for line in piece)

    def _report_dropped(self, cloud: Cloud, dropped: Counter[str]) -> None:
        """Log how many events are lost. Raises Unavailable."""
        data = {"note": summary(dropped)}
        line = as_line(Event("trouble", time.time(), self._options.worker, data=data))
        with suppress(Rejected):
            if not cloud.put([line]):
                self._buffer.mark_reported(dropped)

    def _handle_failure(self, error: Unavailable) -> None:
        """Report an error once, unless it may pass by itself, and wait before the next attempt."""
        self._failures += 1
        self._reason = str(error)
        if not self._reported and (self._failures > 1 or not error.transient):
            self._reported = True
            self._say(f"cannot send events and buffers the last {self._options.buffer:,}: {error}")
        if self._closing.is_set() and not error.transient:
            self._stopped.set()
        else:
            self._pause()

    def _pause(self) -> None:
        """Wait before the next attempt, only briefly while the worker stops."""
        if self._closing.is_set():
            self._stopped.wait(backoff(1))
        else:
            self._closing.wait(backoff(self._failures))

    def _handle_success(self) -> None:
        self._failures = 0
        self._reason = ""
        if self._reported:
            self._reported = False
            self._say("sends events again")

    def _say(self, words: str) -> None:
        if not self._stopped.is_set():  # a stopped worker prints nothing
            say(words)


def backoff(failures: int, chance: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait after a number of failures in a row, with jitter.

    >>> backoff(3, lambda: 1.0)
    2.0
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 30))
    return longest * (1 + chance()) / 2


def summary(dropped: Counter[str]) -> str:
    """Return how many events are lost and why.

    >>> summary(Counter({"did not fit in the buffer": 3}))
    'dropped 3 events: 3 did not fit in the buffer'
    """
    total = dropped.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
    return f"dropped {total} event{'s' * (total != 1)}: {reasons}"


def say(words: str) -> None:
    """Print one line to standard error, if it is open."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"the logger 'cloudwatch' {words}", file=sys.stderr, flush=True)
