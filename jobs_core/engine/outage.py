"""Tell when Redis is away for a while, and what may be sent again when it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field

from redis import exceptions as rx

from jobs_core.engine.redis_errors import is_read_only
from jobs_core.errors import DeniedError, JobsError, ServerError, UnconfirmedError

RETRY_FOR = 5.0
"""Seconds for which a client tries again before it gives up."""

RETRY_PAUSE = 0.2
"""Seconds between two tries."""


_ELSEWHERE = (
    *(rx.BusyLoadingError, rx.MasterDownError, rx.ReadOnlyError),
    *(rx.AskError, rx.ClusterDownError, rx.TryAgainError),
)


def refused_for_now(error: object) -> bool:
    """Return whether Redis did nothing, because it is a replica or loads its data, or the board is elsewhere.

    After a failover the address of Redis may lead to another server, so try again on new connections.
    """
    if isinstance(error, rx.MovedError):  # by a client without a route: see routing.py
        return False
    if isinstance(error, _ELSEWHERE):
        return True
    return isinstance(error, rx.ResponseError) and is_read_only(error)


def is_connection_lost(error: object) -> bool:
    """Return whether the connection broke, or nothing was heard in time. Redis may have run the command."""
    if isinstance(error, rx.AuthenticationError | rx.AuthorizationError):
        return False
    return isinstance(error, rx.ConnectionError | rx.TimeoutError | OSError)


def is_unreachable(error: BaseException) -> bool:
    """Return whether an error, of redis-py or of Jobs, says that Redis is away for now."""
    causes = (error, error.__cause__, error.__cause__ and error.__cause__.__cause__)
    return any(refused_for_now(one) or is_connection_lost(one) for one in causes)


def concerns_server(error: JobsError) -> bool:
    """Return whether an error is about the server as a whole, rather than about one board."""
    return isinstance(error, ServerError) and not isinstance(error, DeniedError | UnconfirmedError)


class Patience:
    """The time that is left to try again."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether to give up instead of pausing once more."""
        return time.monotonic() + RETRY_PAUSE > self._deadline


TAIL = 2.0
"""Seconds after an outage in which a thread that finds its connection broken only now is no news."""


@dataclass
class _State:
    """What all who share an outage know of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    troubled: frozenset[str] = frozenset()
    began: float = 0.0
    ended: float = -TAIL
    is_said: bool = False


class Outage:
    """Says once that Redis is away, and once that it is back, on behalf of several threads.

    Args:
        away: Called with the error's sentence.
        back: Called with a sentence.
        server: The name of Redis in it.
    """

    def __init__(self, server: str, away: Callable[[str], None], back: Callable[[str], None]) -> None:
        self._server = server
        self._away, self._back = away, back
        self._part = ""
        self._state = _State()

    def of(self, part: str) -> Outage:
        """Return the same outage for threads of a part: they may have the names of others."""
        other = copy(self)
        other._part = f"{part} "
        return other

    @property
    def seconds(self) -> float:
        """How long the latest outage lasted."""
        return round(self._state.ended - self._state.began, 3)

    def begin(self, who: str, error: BaseException) -> None:
        """Note that Redis did not serve one of the threads."""
        state = self._state
        with state.lock:
            now = time.monotonic()
            if not state.troubled:
                state.began = now
            state.troubled |= {self._part + who}
            if not state.is_said and now >= state.ended + TAIL:
                state.is_said = True
                self._away(str(error))

    def end(self, who: str) -> None:
        """Note that Redis serves one of the threads. It is back when it serves all of them."""
        state = self._state
        if self._part + who not in state.troubled:
            return
        with state.lock:
            state.troubled -= {self._part + who}
            if not state.troubled:
                state.ended = time.monotonic()
                if state.is_said:
                    state.is_said = False
                    self._back(f"{self._server} serves again, after {self.seconds:.1f} s")
