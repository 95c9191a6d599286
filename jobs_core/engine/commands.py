"""Call the commands of one board: functions of the library `jobs`, over a redis-py client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import redis

from jobs_core import errors
from jobs_core.engine import loader
from jobs_core.engine.access import Access
from jobs_core.engine.build import commands
from jobs_core.engine.keys import Keys
from jobs_core.engine.redis_errors import address, convert_errors, translated
from jobs_core.engine.wire import pack, read_replies, unknown_places

__all__ = ["Call", "Commands", "translated"]

Call = tuple[str, Sequence[Any]]
"""A command's name and its arguments after the board."""

PATIENCE = 5.0
"""Seconds to wait for another client to apply a board file, or for a slot to arrive."""

PAUSE = 0.05

RECHECK = 10.0
"""Seconds after which a client checks the library's version again, because a slow client may have replaced it
with an older one."""

STILL_APPLYING = (
    "A board file is still being applied, and this user may only read. Try again in a moment, or run "
    "a command that changes the board as a user with write permission."
)


class Commands:
    """Calls the commands of one board over a redis-py client. Thread-safe.

    If Redis has lost the functions (FUNCTION FLUSH, a restart without persistence), they are loaded again
    automatically. Commands are not repeated if the connection breaks, because Redis may have run them.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.client = client
        self.keys = keys
        self.server = address(client)
        """The name of Redis in errors: its host and port."""
        self.access = Access(client, keys)
        self._check_at: float | None = None
        """When to check the library's version again. None before the first check."""

    def call(self, name: str, *args: Any) -> Any:
        """Call one command and return its reply. Raises the errors of `jobs_core.errors`.

        If a board file is being applied, finish that first.
        """
        while True:
            (reply,) = self.batch([(name, args)])
            if not isinstance(reply, errors.JobsError):
                return reply
            if not isinstance(reply, errors.AgainError):
                raise reply
            self.finish_apply()

    def finish_apply(self) -> None:
        """Finish applying a committed board file, if there is one.

        A user who may only read, or who reads a replica, waits for another client to do so. Raises AgainError
        after `PATIENCE` seconds.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            left = self._apply_next_part()
            if isinstance(left, errors.DeniedError):
                self._wait_until_applied(deadline)
                return
            if isinstance(left, int):
                if left == 0:
                    return
            elif isinstance(left, errors.AgainError) and time.monotonic() < deadline:
                time.sleep(PAUSE)
            elif isinstance(left, errors.JobsError):
                raise left

    def _apply_next_part(self) -> Any:
        """Apply the next part of a board file. Returns how many jobs are left, or an error."""
        try:
            (left,) = self.batch([("JAPPLY", ["roll"])])
        except errors.DeniedError as error:
            return error
        return left

    def _wait_until_applied(self, deadline: float) -> None:
        while True:
            (reply,) = self.batch([("JCOUNT", [])])
            if not isinstance(reply, errors.AgainError):
                return
            if time.monotonic() >= deadline:
                is_applied = "JAPPLY roll" in str(reply)  # otherwise the board is unavailable
                raise errors.AgainError(STILL_APPLYING if is_applied else str(reply))
            time.sleep(PAUSE)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several commands in one round trip. The reply of a rejected command is its error.

        Raises DeniedError, without calling any, if this user may not call one of them. An error may be an
        AgainError while a board file is being applied: see `settle`.
        """
        with self.connection() as connection:
            self.send(connection, calls)
            return self.receive(connection, calls)

    def stream(self, calls: Iterable[Call], size: int = 500) -> Iterator[Any]:
        """Call any number of commands, and yield their replies in order, like `batch`.

        Redis works on one batch while the next one is written.
        """
        with self.connection() as connection:
            waiting: Sequence[Call] = ()
            remaining = iter(calls)
            while chunk := list(islice(remaining, size)):
                self.send(connection, chunk)
                replies = read_replies(connection, waiting)
                if unknown_places(replies):
                    # No calls may be in flight on the connection while it loads functions.
                    replies += read_replies(connection, chunk)
                    yield from self._finish(connection, [*waiting, *chunk], replies)
                    waiting = ()
                else:
                    yield from self._finish(connection, waiting, replies)
                    waiting = chunk
            yield from self._finish(connection, waiting, read_replies(connection, waiting))

    def load(self) -> dict[str, str]:
        """Load the library and the scripts, and create the board if needed. Returns the SHAs by command name.

        Raises LayoutError for a board made by another version of Jobs.
        """
        self.require_layout()
        with self.connection() as connection:
            shas = loader.publish(connection, self.keys)
            connection.send_command("SET", self.keys.layout, loader.VERSION, "NX")
            connection.read_response()
            return shas

    def require_layout(self) -> None:
        """Raise LayoutError for a board made by another version of Jobs. Call it before reading keys."""
        (reply,) = self.batch([("JCOUNT", [])])
        if isinstance(reply, errors.LayoutError):
            raise reply

    @property
    def is_prepared(self) -> bool:
        """Whether Redis had the library when this client checked, within the last seconds."""
        return self._check_at is not None and time.monotonic() < self._check_at

    def prepare(self) -> None:
        """Load the library, and the board's `commands` hash, if they are missing."""
        with self.connection():
            pass

    def denied(self) -> frozenset[str]:
        """Ask Redis which commands of Jobs it denies this user on the board: XADD, FCALL|JACK."""
        with self.connection() as connection:
            return self.access.ask(connection)

    def require_role(self, name: str) -> None:
        """Raise DeniedError, naming what is missing, unless this user has all permissions of a role."""
        self.denied()
        self.access.require_role(name)

    def restore(self) -> None:
        """Load the library again after Redis did not find a function."""
        with self.connection() as connection:
            self._restore(connection)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Provide a pooled connection for calls. Close it on an error, because replies may be unread."""
        pool = self.client.connection_pool
        with translated(self.server):
            connection = pool.get_connection()
            try:
                if not self.is_prepared:
                    self._prepare(connection)
                yield connection
            except BaseException:
                self._check_at = None  # the next connection may lead to another server
                connection.disconnect()  # type: ignore[no-untyped-call]
                raise
            finally:
                pool.release(connection)

    def _prepare(self, connection: Any) -> None:
        if self._check_at is None:
            was_there = loader.prepare(connection, self.keys)
        else:
            was_there = loader.replace_older(connection)
        self.access.ask(connection)
        # After loading, check again with the next call: another client may have loaded just afterwards.
        self._check_at = time.monotonic() + (RECHECK if was_there else 0)

    def _restore(self, connection: Any) -> None:
        loader.restore(connection)
        self._check_at = time.monotonic()

    def send(self, connection: Any, calls: Sequence[Call]) -> None:
        """Send calls over a connection without waiting for their replies: see `receive`."""
        if calls:
            self.access.require(name for name, _ in calls)
            known = commands()
            tag = self.keys.tag
            packed = [
                ("FCALL_RO" if known[name].only_reads else "FCALL", name, 1, tag, *args)
                for name, args in calls
            ]
            connection.send_packed_command(pack(connection, packed))

    def receive(self, connection: Any, calls: Sequence[Call]) -> list[Any]:
        """Read the replies to calls that were sent. The reply of a rejected command is its error."""
        return self._finish(connection, calls, read_replies(connection, calls))

    def _finish(self, connection: Any, calls: Sequence[Call], replies: list[Any]) -> list[Any]:
        """Repeat calls whose function was missing, and convert the errors of Redis."""
        unknown = unknown_places(replies)
        if unknown:
            self._restore(connection)
            again = [calls[i] for i in unknown]
            self.send(connection, again)
            for i, reply in zip(unknown, read_replies(connection, again), strict=True):
                replies[i] = reply
        return [self._to_error(reply, name) for reply, (name, _) in zip(replies, calls, strict=True)]

    def _to_error(self, reply: Any, name: str) -> Any:
        found = convert_errors(reply, self.server)
        return self.access.explained(found, name) if isinstance(found, errors.DeniedError) else found
