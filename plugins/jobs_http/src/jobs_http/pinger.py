"""Send pings on threads of their own, so that a monitor that does not answer holds up nothing."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jobs_core import Context, OptionError, Outcome, PayloadError, Task, WorkerInfo
from jobs_http.guard import Guard
from jobs_http.pings import Ping

THREADS = 8
"""Threads that send at most, so that some monitors that do not answer hold up no others."""

WAITING = 1000
"""Pings that wait at most. Others are left out."""

CONNECT, READ, TOTAL = 3.0, 5.0, 10.0
"""Seconds to connect, for each part of the answer, and for all of it."""

DELAYS = (1.0, 4.0)
"""Seconds before the second and the third try."""

CLOSING = 5.0
"""Seconds in which pings that wait are sent when a worker ends."""

AGAIN = frozenset(("connect", "timeout", "start", "408", "425", "429"))
"""Codes after which another try may succeed, beside those of servers: 5xx."""


class Pinger:
    """Sends pings. Those about the same are sent in order, one at a time.

    Args:
        worker: The worker, which is told once of a monitor that cannot be reached.
        guard: Returns which addresses may be called. Raises OptionError.
    """

    def __init__(self, worker: WorkerInfo, guard: Callable[[Mapping[str, Any]], Guard]) -> None:
        self._worker = worker
        self._guard = guard
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Ping]] = {}  # a thread works on what is about each of these, or will
        self._ready = queue.SimpleQueue[str | None]()
        self._threads: list[threading.Thread] = []
        self._failing: set[str] = set()
        self._closing = threading.Event()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or is being sent."""
        return not self._waiting

    def put(self, ping: Ping) -> None:
        """Send a ping as soon as possible. Never waits."""
        with self._lock:
            is_full = sum(map(len, self._waiting.values())) >= WAITING
            if not is_full and ping.about in self._waiting:
                self._waiting[ping.about].append(ping)
            elif not is_full:
                self._waiting[ping.about] = deque((ping,))
                self._ready.put(ping.about)
                self._start_thread()
        if is_full:
            self._report(ping, "too many pings wait")

    def close(self) -> None:
        """Send what waits, each ping once and all for a few seconds, and end."""
        self._closing.set()
        deadline = time.monotonic() + CLOSING
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start_thread(self) -> None:
        if len(self._threads) < THREADS:
            self._threads.append(threading.Thread(target=self._run, name="jobs-ping", daemon=True))
            self._threads[-1].start()

    def _run(self) -> None:
        from jobs_http import connect

        try:
            while (about := self._ready.get()) is not None:
                while (ping := self._next(about)) is not None:
                    self._send(ping)
        finally:
            connect.close()

    def _next(self, about: str) -> Ping | None:
        """Return the next ping about something, or None if nothing waits."""
        with self._lock:
            if not self._waiting[about]:
                del self._waiting[about]
                return None
            return self._waiting[about].popleft()

    def _send(self, ping: Ping) -> None:
        for delay in (*DELAYS, None):
            outcome = self._try(ping)
            if outcome.status == "done":
                self._failing.discard(ping.about)
                return
            is_final = delay is None or not (outcome.code in AGAIN or outcome.code.startswith("5"))
            if is_final or self._closing.wait(delay):
                break
        self._report(ping, outcome.note)

    def _try(self, ping: Ping) -> Outcome:
        from jobs_http.exchange import execute
        from jobs_http.request import read

        payload = {"url": ping.url, "timeout": [CONNECT, READ], "limit": 0, "callback": False}
        settings = self._worker.settings
        try:
            guard = self._guard(settings)
            request = read(payload | ({"body": ping.body} if ping.body else {}), settings)
            request = replace(request, secret=None)
            task = Task(ping.key, "ping", "http", "http", time.time(), 1, "")
            return execute(request, task, Context(self._worker.name, timeout=TOTAL), guard)
        except (OptionError, PayloadError) as error:
            return Outcome.refused(error)
        except Exception as error:  # the thread must go on
            return Outcome.failed(type(error).__name__, code="error")

    def _report(self, ping: Ping, note: str) -> None:
        """Say that a monitor cannot be reached, once until it can be."""
        if ping.about not in self._failing:
            self._failing.add(ping.about)
            self._worker.trouble(f"cannot ping {ping.about}: {note}")
