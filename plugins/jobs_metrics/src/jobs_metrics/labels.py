"""Labels with a bounded number of values: each is a time series, and names come from outside."""

from __future__ import annotations

import threading

OTHER = "other"
"""The label of everything beyond the bound."""

PAIRS = 100
"""Pairs of a runner and a queue that a worker tells apart."""

QUEUES = 100
"""Queues of a board that have metrics of their own."""

JOBS = 1000
"""Jobs that have metrics of their own, if these are asked for."""


class Bounded:
    """The first values that are seen keep their names, and the others share `other`. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def labels(self, *values: str) -> tuple[str, ...]:
        """Return the labels of these values.

        >>> pairs = Bounded(1)
        >>> pairs.labels("shell", "nightly"), pairs.labels("http", "http")
        (('shell', 'nightly'), ('other', 'other'))
        """
        if values in self._known:
            return values
        with self._lock:
            if len(self._known) >= self._most:
                return (OTHER,) * len(values)
            self._known.add(values)
            return values
