"""Connections of a board to its Redis: found, prepared, and dropped when Redis is elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from functools import cached_property
from typing import Any, Self, TypeVar

import redis
from redis import exceptions as rx

from jobs_core import errors
from jobs_core.engine import loader
from jobs_core.engine.access import Access
from jobs_core.engine.durable import HISTORY, is_noted, note_history, read_replicas
from jobs_core.engine.keys import Keys
from jobs_core.engine.outage import (
    RETRY_FOR,
    RETRY_PAUSE,
    Outage,
    Patience,
    is_connection_lost,
    is_unreachable,
    refused_for_now,
)
from jobs_core.engine.redis_errors import address, to_jobs_error, translated
from jobs_core.engine.routing import ClusterRoute, text_of
from jobs_core.engine.timeouts import for_blocking, with_timeout
from jobs_core.engine.tls_probe import tls_mismatch

T = TypeVar("T")

RECHECK = 10.0
"""Seconds after which a client checks again what may have changed: whether the board is durable, and the
library, which a slow client may have replaced with an older one."""


class Connections:
    """The connections of a board. Thread-safe.

    If Redis goes away, its address is resolved again, and it is tried again for `patience` seconds.
    """

    def __init__(self, client: redis.Redis, keys: Keys, patience: float | None = None) -> None:
        self.client = client
        self.patience = RETRY_FOR if patience is None else patience
        self.keys = keys
        self.server = address(client)
        """The name of Redis in errors: its host and port."""
        self.access = Access(client, keys)
        self.has_connected = False
        """Whether Redis has ever answered. If not, its address may be wrong, so nothing waits for it."""
        self.replicas = 0
        """How many replicas must have what is written: 0 if the board is not durable."""
        self._closed = threading.Event()  # shared with the twins of `with_timeout`
        self._stale: set[Any] = set()  # connections to close once their replies are read
        self._siblings: list[Connections] = []  # the commands of other boards that `for_board` has returned
        self._check_at: float | None = None
        """When to check the library's version again. None before the first check."""

    def with_timeout(self, seconds: float | None = None, *, patience: float) -> Self:
        """Return the same commands with another time-out for answers, and another patience.

        Args:
            seconds: How long to wait for an answer, over connections of their own. None changes nothing.
            patience: Seconds to try again while Redis is away. 0 raises the error at once.
        """
        twin = copy(self)
        twin.__dict__.pop("_blocking", None)
        twin.patience = patience
        twin._stale = set()
        twin._siblings = []
        if seconds is not None:
            twin.client = with_timeout(self.client, seconds)
            twin.access = Access(twin.client, self.keys)
            twin._check_at = None
        return twin

    def for_board(self, other: Self) -> Self:
        """Return the commands of another board, on the same connections."""
        twin = copy(self)
        twin.keys = other.keys
        twin.access = Access(self.client, other.keys)
        twin._check_at = None
        twin._siblings = []
        self._siblings.append(twin)
        return twin

    @property
    def blocking(self) -> redis.Redis:
        """A client for blocking calls, with connections of its own."""
        self.require_open()
        return self._blocking

    @cached_property
    def _blocking(self) -> redis.Redis:
        return for_blocking(self.client)

    def require_open(self) -> None:
        """Raise UserError after `close`."""
        if self._closed.is_set():
            raise errors.UserError(f"The board {self.keys.board!r} was closed. Open it again to use it.")

    def close(self) -> None:
        """Reject all later calls, and close the connections of `blocking`. The client stays open."""
        self._closed.set()
        if "_blocking" in self.__dict__:
            self._blocking.close()

    def read(self, call: Callable[[redis.Redis], T]) -> T:
        """Call commands of Redis that only read, and repeat them while Redis is away."""
        self.require_open()
        patience = Patience(self.patience)
        while True:
            try:
                with translated(self.server):
                    return call(self.client)
            except errors.ServerError as error:
                is_away = self._is_found and is_unreachable(error)
                if patience.is_over or not (is_away or refused_for_now(error.__cause__)):
                    raise
            self.forget_connections()
            time.sleep(RETRY_PAUSE)

    @cached_property
    def _follow_outage(self) -> Outage:
        warn = logging.getLogger("jobs_core").warning
        return Outage(self.server, away=warn, back=warn)

    def note_outage(self, error: Exception | None = None) -> None:
        """Record that Redis cannot be reached, or serves again, and log each once."""
        if error is None:
            self._follow_outage.end("")
        else:
            self._follow_outage.begin("", error)
            self.forget_connections()

    @contextmanager
    def suppress_outage(self) -> Iterator[None]:
        """Suppress the error of an outage, so that the caller can try again."""
        try:
            with translated(self.server):
                yield
            self.note_outage()
        except errors.ServerError as error:
            if not is_unreachable(error):
                raise
            self.note_outage(error)
            time.sleep(RETRY_PAUSE)

    @property
    def _is_found(self) -> bool:
        """Whether Redis has ever answered, or Sentinels or other nodes have told where it is."""
        route = self.client.connection_pool.connection_kwargs.get("route")
        return self.has_connected or (route is not None and route.has_located)

    @property
    def is_prepared(self) -> bool:
        """Whether Redis had the library when this client checked, within the last seconds."""
        return self._check_at is not None and time.monotonic() < self._check_at

    def recheck(self) -> None:
        """Look again, before the next call, at what may have changed: the board may be less durable now."""
        if self._check_at is not None:
            self._check_at = time.monotonic()

    def prepare(self) -> None:
        """Load the library, and the board's `commands` hash, if they are missing."""
        with self.connection():
            pass

    def denied(self) -> frozenset[str]:
        """Ask Redis which commands of Jobs it denies this user on the board: XADD, FCALL|JACK."""
        with self.connection() as connection:
            return self.access.ask(connection)

    def require_question(self) -> None:
        """Raise DeniedError if Redis did not even let this user ask for its permissions."""
        if self.access.refusal_to_ask is not None:
            raise to_jobs_error(self.access.refusal_to_ask, self.server)

    def require_role(self, name: str) -> None:
        """Raise DeniedError, naming what is missing, unless this user has all permissions of a role.

        A user who may not ask for its permissions passes: its next call reports what is denied.
        """
        self.denied()
        self.access.require_role(name)

    @property
    def node(self) -> str:
        """The server of the board as `host:port`: in a cluster, the primary that has its slot."""
        route = self.client.connection_pool.connection_kwargs.get("route")
        with translated(self.server):
            return text_of(route.locate()) if isinstance(route, ClusterRoute) else self.server

    def on_primaries(self, *words: Any, only: Collection[str] | None = None) -> dict[str, Any]:
        """Call a command on every primary of the cluster, or on some, by `host:port`.

        Returns the replies by `host:port`, errors among them. Empty if the URL is not that of a cluster.
        """
        route = self.client.connection_pool.connection_kwargs.get("route")
        if not isinstance(route, ClusterRoute):
            return {}
        with translated(self.server):
            return route.on_primaries(*words, only=only)

    def restore(self) -> None:
        """Load the library again after Redis did not find a function."""
        with self.connection() as connection:
            self._restore(connection)

    @contextmanager
    def connection(self, *, prepared: bool = True) -> Iterator[Any]:
        """Provide a pooled connection for calls. Close it on an error, because replies may be unread.

        Unless it is to be `prepared`, the server may lack the library.
        """
        with translated(self.server):
            connection = self._find_connection(prepared)
            try:
                yield connection
            except BaseException as error:
                self._stale.add(connection)
                self._explain_sentinel(error)
                raise
            finally:
                self._release(connection)

    def _find_connection(self, prepared: bool) -> Any:
        """Connect to Redis, and load the library if needed. Try again while Redis is away.

        A client that has never reached Redis, and whom nobody has told where it is, does not wait for it: its
        address may be wrong.
        """
        self.require_open()
        patience = Patience(self.patience)
        while True:
            try:
                connection = self._pooled_connection(prepared)
                self.has_connected = True
                return connection
            except (rx.RedisError, OSError, errors.DeniedError) as error:
                is_lost = self._is_found and is_connection_lost(error)
                is_refused = refused_for_now(error) or refused_for_now(error.__cause__)
                if patience.is_over or not (is_lost or is_refused):
                    self._explain_database(error)
                    self._explain_tls(error)
                    raise
                self.forget_connections()
            time.sleep(RETRY_PAUSE)

    def _explain_database(self, error: Exception) -> None:
        """Raise OptionError if the server lacks the database that the URL names."""
        if "DB index is out of range" in str(error):
            database = self.client.connection_pool.connection_kwargs.get("db")
            raise errors.OptionError(
                f"The URL of Redis names the database {database}, which {self.server} does not have. "
                "Use a smaller number, or raise `databases` in the server's configuration.",
                option="url",
            ) from error

    def _explain_sentinel(self, error: BaseException) -> None:
        """Raise OptionError if a server without the commands of Redis is a Sentinel."""
        if "unknown command" not in str(error):
            return
        info: Mapping[str, Any] = {}
        with suppress(rx.RedisError, OSError):  # then the error is the better explanation
            info = self.client.info("server")
        if "sentinel" in (info.get("redis_mode"), info.get("server_mode")):  # of Redis, and of Valkey
            raise errors.OptionError(
                f"{self.server} is a Sentinel. Write redis+sentinel://{self.server}/NAME in the URL, "
                "with the name of its primary.",
                option="url",
            ) from error

    def _explain_tls(self, error: Exception) -> None:
        """Raise ServerError if the first connection fails because only one side uses TLS."""
        may_be = is_connection_lost(error) or isinstance(error, rx.InvalidResponse)
        if may_be and not self.has_connected and (sentence := tls_mismatch(self.client)):
            raise errors.ServerError(sentence) from error

    def _pooled_connection(self, prepared: bool) -> Any:
        connection = self.client.connection_pool.get_connection()
        try:
            if prepared and not self.is_prepared:
                self._prepare(connection)
            if self._is_durable and not is_noted(connection):
                note_history(connection, *loader.exchange(connection, HISTORY))
        except BaseException:
            self._stale.add(connection)
            self._release(connection)
            raise
        return connection

    @property
    def _is_durable(self) -> bool:
        """Whether this board is durable, or another one whose calls these connections carry."""
        return any(one.replicas for one in (self, *self._siblings))

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
        for client in (self.client, self.__dict__.get("_blocking")):
            if client is not None:
                client.connection_pool.disconnect(inuse_connections=False)

    def _prepare(self, connection: Any) -> None:
        if self._check_at is None:
            was_there = loader.prepare(connection, self.keys)
        else:
            was_there = loader.replace_older(connection)
        self.access.ask(connection)
        boards: list[Connections] = [self, *self._siblings]
        found = read_replicas(connection, *(one.keys for one in boards))
        for one, replicas in zip(boards, found, strict=True):
            one.replicas = one.replicas if replicas is None else replicas
        # After loading, check again with the next call: another client may have loaded just afterwards.
        is_settled = was_there and None not in found
        self._check_at = time.monotonic() + (RECHECK if is_settled else 0)

    def _restore(self, connection: Any) -> None:
        loader.restore(connection)
        self._check_at = time.monotonic()
