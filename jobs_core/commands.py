"""Call the commands of one board: functions of the library `jobs`, over a redis-py client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import redis
from redis import exceptions as rx

from jobs_core import errors
from jobs_core.engine import loader
from jobs_core.engine.build import commands
from jobs_core.engine.redis_errors import translated, with_our_errors
from jobs_core.keys import Keys
from jobs_core.text import writable

__all__ = ["Call", "Commands", "translated"]

Call = tuple[str, Sequence[Any]]
"""A command's name and its arguments after the board."""

PATIENCE = 5.0
"""Seconds to wait for somebody else to put a board file in place, or for a slot to arrive."""

PAUSE = 0.05

LOOK_AGAIN = 10.0
"""Seconds after which a client asks for the library's version again: a client that was held up while it
loaded an older one may have replaced it since."""


class Commands:
    """Calls the commands of one board over a redis-py client. Thread-safe.

    Functions that Redis has lost (FUNCTION FLUSH, a restart without persistence) are loaded again without the
    caller noticing. Commands are not repeated when the connection breaks: Redis may have run them.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.client = client
        self.keys = keys
        self._look_at: float | None = None
        """When to ask for the library's version again; None before the first time."""

    def call(self, name: str, *args: Any) -> Any:
        """Call one command and return its reply. Raises what `jobs_core.errors` draws.

        While a board file is being put in place, that is done first.
        """
        while True:
            (reply,) = self.batch([(name, args)])
            if not isinstance(reply, errors.JobsError):
                return reply
            if not isinstance(reply, errors.AgainError):
                raise reply
            self.settle()

    def settle(self) -> None:
        """Put the rest of a board file in place that was committed, if there is one.

        A user who may only read waits for others to do so. Raises AgainError after `PATIENCE` seconds.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            (left,) = self.batch([("JAPPLY", ["roll"])])
            if isinstance(left, int):
                if left == 0:
                    return
            elif isinstance(left, errors.AgainError) and time.monotonic() < deadline:
                time.sleep(PAUSE)
            elif isinstance(left, errors.JobsError):
                raise left

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several commands in one round trip. A refused one gives its error in place of a reply.

        That may be an AgainError, as long as a board file is being put in place: see `settle`.
        """
        with self.connection() as connection:
            self.send(connection, calls)
            return self.receive(connection, calls)

    def stream(self, calls: Iterable[Call], size: int = 500) -> Iterator[Any]:
        """Call any number of commands, and yield their replies in order, as `batch` gives them.

        Redis works on one batch while the next is being written.
        """
        with self.connection() as connection:
            waiting: Sequence[Call] = ()
            remaining = iter(calls)
            while chunk := list(islice(remaining, size)):
                self.send(connection, chunk)
                replies = _read_replies(connection, waiting)
                if _unknown(replies):
                    # Nothing may be under way on the connection while functions are loaded over it.
                    replies += _read_replies(connection, chunk)
                    yield from self._finish(connection, [*waiting, *chunk], replies)
                    waiting = ()
                else:
                    yield from self._finish(connection, waiting, replies)
                    waiting = chunk
            yield from self._finish(connection, waiting, _read_replies(connection, waiting))

    def load(self) -> dict[str, str]:
        """Load the library and the scripts, and make the board if there is none. Returns name → SHA.

        Raises LayoutError for a board that another version of Jobs made.
        """
        self.require_layout()
        with self.connection() as connection:
            shas = loader.publish(connection, self.keys)
            connection.send_command("SET", self.keys.layout, loader.VERSION, "NX")
            connection.read_response()
            return shas

    def require_layout(self) -> None:
        """Raise LayoutError for a board that another version of Jobs made: for those who read its keys."""
        (reply,) = self.batch([("JCOUNT", [])])
        if isinstance(reply, errors.LayoutError):
            raise reply

    @property
    def is_prepared(self) -> bool:
        """Whether Redis had the library when this client last asked, which was not long ago."""
        return self._look_at is not None and time.monotonic() < self._look_at

    def prepare(self) -> None:
        """See to it that Redis has the library, and the board its `commands` hash."""
        with self.connection():
            pass

    def restore(self) -> None:
        """Load the library again after Redis did not know a function."""
        with self.connection() as connection:
            self._restore(connection)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a pooled connection to call commands over; drop it when something is left unread on it."""
        pool = self.client.connection_pool
        with translated():
            connection = pool.get_connection()
            try:
                if not self.is_prepared:
                    self._prepare(connection)
                yield connection
            except BaseException:
                self._look_at = None  # what answers next time may be another server
                connection.disconnect()  # type: ignore[no-untyped-call]
                raise
            finally:
                pool.release(connection)

    def _prepare(self, connection: Any) -> None:
        if self._look_at is None:
            was_there = loader.prepare(connection, self.keys)
        else:
            was_there = loader.replace_older(connection)
        # Whoever has loaded it looks again with the next call: another client may have loaded just after.
        self._look_at = time.monotonic() + (LOOK_AGAIN if was_there else 0)

    def _restore(self, connection: Any) -> None:
        loader.restore(connection)
        self._look_at = time.monotonic()

    def send(self, connection: Any, calls: Sequence[Call]) -> None:
        """Send some calls over a connection, without waiting for their replies: see `receive`."""
        if calls:
            known = commands()
            tag = self.keys.tag
            packed = [
                ("FCALL_RO" if known[name].only_reads else "FCALL", name, 1, tag, *args)
                for name, args in calls
            ]
            connection.send_packed_command(_pack(connection, packed))

    def receive(self, connection: Any, calls: Sequence[Call]) -> list[Any]:
        """Read the replies to calls that were sent. A refused one gives its error in place of a reply."""
        return self._finish(connection, calls, _read_replies(connection, calls))

    def _finish(self, connection: Any, calls: Sequence[Call], replies: list[Any]) -> list[Any]:
        """Call again what Redis had no function for, and make its refusals our errors."""
        unknown = _unknown(replies)
        if unknown:
            self._restore(connection)
            again = [calls[i] for i in unknown]
            self.send(connection, again)
            for i, reply in zip(unknown, _read_replies(connection, again), strict=True):
                replies[i] = reply
        return [with_our_errors(reply) for reply in replies]


def _pack(connection: Any, calls: Sequence[Sequence[Any]]) -> Any:
    """Write calls as Redis reads them. Text that was not UTF-8 when it came goes back as the bytes it was."""
    try:
        return connection.pack_commands(calls)
    except (UnicodeEncodeError, rx.DataError):
        as_bytes = [
            [
                writable(part).encode("utf-8", "surrogateescape") if isinstance(part, str) else part
                for part in call
            ]
            for call in calls
        ]
        return connection.pack_commands(as_bytes)


def _read_replies(connection: Any, calls: Sequence[Any]) -> list[Any]:
    return [loader.read_reply(connection) for _ in calls]


def _unknown(replies: Sequence[Any]) -> list[int]:
    """The places of replies to functions that Redis does not have."""
    return [place for place, reply in enumerate(replies) if is_unknown(reply)]


def is_unknown(reply: Any) -> bool:
    """Whether Redis has no function of that name."""
    return isinstance(reply, rx.ResponseError) and "Function not found" in str(reply)
