"""Call the commands of one board: functions of the library `jobs`, over a redis-py client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import Any

import redis
from redis import exceptions as rx

from jobs_core import errors
from jobs_core.engine import loader
from jobs_core.engine.access import Access
from jobs_core.engine.build import commands
from jobs_core.engine.keys import Keys
from jobs_core.engine.outage import PATIENCE, PAUSE, Patience, is_connection_lost, refused_for_now
from jobs_core.engine.redis_errors import address, translated, with_our_errors
from jobs_core.engine.wire import pack, read_replies, unknown_places

__all__ = ["Call", "Commands", "translated"]

Call = tuple[str, Sequence[Any]]
"""A command's name and its arguments after the board."""

APPLY_PATIENCE, APPLY_PAUSE = 5.0, 0.05
"""Seconds to wait for another client to apply a board file, or for a slot to arrive, and between two tries."""

RECHECK = 10.0
"""Seconds after which a client checks the library's version again, because a slow client may have replaced it
with an older one."""

STILL_APPLYING = (
    "A board file is still being applied, and this user may only read. Try again in a moment, or run "
    "a command that changes the board as a user with write permission."
)


LONGEST_BLOCK = 10.0
"""The longest that a blocking call may wait in Redis, in seconds."""


class Commands:
    """Calls the commands of one board over a redis-py client. Thread-safe.

    If Redis has lost the functions (FUNCTION FLUSH, a restart without persistence), they are loaded again
    automatically. If Redis goes away, it is sought again at its address for `patience` seconds. A command
    whose reply was lost is repeated only if it just reads, because Redis may have run it.
    """

    def __init__(self, client: redis.Redis, keys: Keys, patience: float = PATIENCE) -> None:
        self.client = client
        self.patience = patience
        self.keys = keys
        self.server = address(client)
        """The name of Redis in errors: its host and port."""
        self.access = Access(client, keys)
        self._has_connected = False
        self._stale: set[Any] = set()  # connections to close once their replies are read
        self._check_at: float | None = None
        """When to check the library's version again. None before the first check."""

    def with_timeout(self, seconds: float | None = None, patience: float = PATIENCE) -> Commands:
        """Return the same commands over connections of their own, with another time-out for answers.

        Args:
            seconds: How long to wait for an answer. The default is the client's time-out.
            patience: Seconds to try again while Redis is away. 0 raises the error at once.
        """
        return Commands(with_timeout(self.client, seconds), self.keys, patience)

    @cached_property
    def blocking(self) -> redis.Redis:
        """A client for calls that block for up to `LONGEST_BLOCK` seconds, with connections of its own."""
        timeout = answer_timeout(self.client)
        return with_timeout(self.client, timeout and timeout + LONGEST_BLOCK)

    def close_blocking(self) -> None:
        """Close the connections of `blocking`, if there are any."""
        if "blocking" in self.__dict__:
            self.blocking.close()

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
            self.settle()

    def settle(self) -> None:
        """Finish applying a committed board file, if there is one.

        A user who may only read, or who reads a replica, waits for another client to do so. Raises AgainError
        after `APPLY_PATIENCE` seconds.
        """
        deadline = time.monotonic() + APPLY_PATIENCE
        while True:
            left = self._apply_next_part()
            if isinstance(left, errors.DeniedError):
                self._wait_until_applied(deadline)
                return
            if isinstance(left, int):
                if left == 0:
                    return
            elif isinstance(left, errors.AgainError) and time.monotonic() < deadline:
                time.sleep(APPLY_PAUSE)
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
            time.sleep(APPLY_PAUSE)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several commands in one round trip. The reply of a rejected command is its error.

        Raises DeniedError, without calling any, if this user may not call one of them. An error may be an
        AgainError while a board file is being applied: see `settle`.
        """
        patience = Patience(self.patience)
        while True:
            try:
                with self.connection() as connection:
                    self.send(connection, calls)
                    return self.receive(connection, calls)
            except errors.ServerError as error:
                if patience.is_over or not may_repeat(calls, error.__cause__):
                    raise
            time.sleep(PAUSE)

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
        with translated(self.server):
            connection = self._find_connection()
            try:
                yield connection
            except BaseException:
                self._stale.add(connection)
                raise
            finally:
                self._release(connection)

    def _find_connection(self) -> Any:
        """Connect to Redis, and load the library if needed. Try again while Redis is away.

        A client that has never reached Redis does not wait for it: its address may be wrong.
        """
        patience = Patience(self.patience)
        while True:
            try:
                connection = self._prepared_connection()
                self._has_connected = True
                return connection
            except (rx.RedisError, OSError, errors.DeniedError) as error:
                is_lost = self._has_connected and is_connection_lost(error)
                is_refused = refused_for_now(error) or refused_for_now(error.__cause__)
                if patience.is_over or not (is_lost or is_refused):
                    raise
                self.forget_connections()
            time.sleep(PAUSE)

    def _prepared_connection(self) -> Any:
        connection = self.client.connection_pool.get_connection()
        try:
            if not self.is_prepared:
                self._prepare(connection)
        except BaseException:
            self._stale.add(connection)
            self._release(connection)
            raise
        return connection

    def _release(self, connection: Any) -> None:
        """Return a connection to the pool. Close a stale one: the next may lead to another server."""
        if connection in self._stale:
            self._stale.discard(connection)
            self._check_at = None
            connection.disconnect()
        self.client.connection_pool.release(connection)

    def forget_connections(self) -> None:
        """Close the idle connections, so that the next call resolves the address of Redis again."""
        self._check_at = None
        self.client.connection_pool.disconnect(inuse_connections=False)

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
        if any(map(refused_for_now, replies)):
            self._stale.add(connection)
            self.forget_connections()
            self._repeat_refused(calls, replies)
        return [self._to_error(reply, name) for reply, (name, _) in zip(replies, calls, strict=True)]

    def _repeat_refused(self, calls: Sequence[Call], replies: list[Any]) -> None:
        """Repeat the calls that Redis refused for now, on new connections, and replace their replies."""
        patience = Patience(self.patience)
        while not patience.is_over and (refused := [i for i, r in enumerate(replies) if refused_for_now(r)]):
            time.sleep(PAUSE)
            again = [calls[i] for i in refused]
            with self.connection() as connection:
                self.send(connection, again)
                for i, reply in zip(refused, read_replies(connection, again), strict=True):
                    replies[i] = reply
                if any(map(refused_for_now, replies)):
                    self._stale.add(connection)

    def _to_error(self, reply: Any, name: str) -> Any:
        found = with_our_errors(reply, self.server)
        return self.access.explained(found, name) if isinstance(found, errors.DeniedError) else found


def may_repeat(calls: Sequence[Call], cause: object) -> bool:
    """Return whether calls that failed as a whole may be sent again: Redis did not run them, or they only read."""
    if refused_for_now(cause):
        return len(calls) == 1
    return is_connection_lost(cause) and all(commands()[name].only_reads for name, _ in calls)


def answer_timeout(client: redis.Redis) -> float | None:
    """Return how many seconds a client waits for an answer. None means forever."""
    found = client.connection_pool.connection_kwargs.get("socket_timeout")
    return None if found is None else float(found)


def with_timeout(client: redis.Redis, seconds: float | None) -> redis.Redis:
    """Return a client for the same Redis, with connections and a time-out for answers of its own."""
    pool = client.connection_pool
    options = {
        name: value
        for name, value in pool.connection_kwargs.items()
        if not name.startswith(("maint_notifications", "orig_"))  # redis-py's own, of the other pool
    }
    options["socket_timeout"] = answer_timeout(client) if seconds is None else seconds
    return redis.Redis.from_pool(redis.ConnectionPool(connection_class=pool.connection_class, **options))
