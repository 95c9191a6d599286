"""Find the server that a board is on: behind Sentinel, or in a cluster.

A route is asked before each new connection. So whatever makes Jobs connect again, such as a lost connection,
a read-only replica or a moved slot, leads to the server that has the board now.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

import redis
from redis import exceptions as rx
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

Place = tuple[str, int]
"""A host and a port."""

ASK_TIMEOUT = 1.0
"""Seconds to wait for a server that is asked where the board is, at most. There are others to ask."""

CALL_TIMEOUT = 5.0
"""Seconds to wait for a server that nobody can stand in for, unless the client's options say otherwise."""

MAX_KNOWN = 100
"""The most nodes of a cluster that a route remembers."""


class Route(Protocol):
    """Finds the server of a board. Thread-safe."""

    name: str
    """The name of the server in errors."""

    has_located: bool
    """Whether it has ever found the server. Then an address that does not answer is not a wrong one."""

    def locate(self) -> Place:
        """Return where to connect to now. Raises ConnectionError if nobody can tell."""
        ...

    def learn(self, place: Place) -> None:
        """Note that a server says that the board is elsewhere."""
        ...

    def describe(self, place: Place) -> str:
        """Return what a server is, for an error."""
        ...


class SentinelRoute:
    """Asks Sentinels for the primary of a service.

    Args:
        sentinels: The Sentinels, in the order to ask them.
        service: The name of the service.
        ask: Calls a command on a server, and returns its reply.
    """

    def __init__(self, sentinels: Sequence[Place], service: str, ask: Ask) -> None:
        self.name = f"the primary {service!r}"
        self.has_located = False
        self._sentinels = list(sentinels)
        self._service = service
        self._ask = ask

    def locate(self) -> Place:
        """Return the primary, by the first Sentinel that knows it."""
        problem: Exception | None = None
        for place in tuple(self._sentinels):
            try:
                found = self._ask(place, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            except (rx.RedisError, OSError) as error:
                problem = _about_sentinel(place, error)
                continue
            if found:
                self._put_first(place)
                self.has_located = True
                return str(found[0]), int(found[1])
        asked = ", ".join(map(text_of, self._sentinels))
        if problem is None:
            raise rx.ConnectionError(f"no Sentinel of {asked} knows a primary named {self._service!r}")
        raise rx.ConnectionError(f"no Sentinel of {asked} answered: {problem}") from problem

    def learn(self, place: Place) -> None:
        """A primary never says where another one is."""

    def describe(self, place: Place) -> str:
        """Return what a server is: `127.0.0.1:6379, the primary 'mymaster'`."""
        return f"{text_of(place)}, {self.name}"

    def _put_first(self, place: Place) -> None:
        others = [other for other in self._sentinels if other != place]
        self._sentinels = [place, *others]  # one assignment: other threads may read it


def _about_sentinel(place: Place, error: Exception) -> Exception:
    """Return what to say of a server that was asked as a Sentinel, and did not answer."""
    server = text_of(place)
    if "unknown command" in str(error):
        return rx.ConnectionError(
            f"{server} is no Sentinel: for a server of Redis, write redis:// in the URL"
        )
    if isinstance(error, rx.AuthenticationError):
        return rx.ConnectionError(
            f"the Sentinel {server} rejected its user name or password: correct sentinel_username "
            "and sentinel_password in the URL"
        )
    return error


class ClusterRoute:
    """Asks the nodes of a cluster which primary has the slot of a board.

    Args:
        seeds: Some nodes.
        key: A key of the board, or its tag.
        ask: Calls a command on a server, and returns its reply.
    """

    def __init__(self, seeds: Sequence[Place], key: str, ask: Ask) -> None:
        self.slot = key_slot(key.encode())
        self.name = f"the cluster of {text_of(seeds[0])}"
        self.has_located = False
        self._seeds = tuple(seeds)
        self._ask = ask
        self._known: tuple[Place, ...] = ()
        self._primaries: frozenset[Place] = frozenset()
        self._told: Place | None = None

    def for_key(self, key: str) -> ClusterRoute:
        """Return the route to another board of the cluster."""
        return ClusterRoute(self._known or self._seeds, key, self._ask)

    def locate(self) -> Place:
        """Return the primary that has the slot, by the first node that knows it."""
        told, self._told = self._told, None
        return told or self._ask_nodes()

    def _ask_nodes(self) -> Place:
        problem: Exception | None = None
        for place in self._nodes():
            try:
                found = self._primary(place, self._ask(place, "CLUSTER", "SLOTS"))
            except (rx.RedisError, OSError) as error:
                problem = error
                continue
            if found is not None:
                self.has_located = True
                return found
        asked = ", ".join(map(text_of, self._seeds))
        if problem is None:
            raise rx.ConnectionError(f"no node of the cluster of {asked} has the slot {self.slot}")
        raise rx.ConnectionError(f"no node of the cluster of {asked} answered: {problem}") from problem

    def primaries(self) -> list[Place]:
        """Return all primaries. Raises ConnectionError if no node answers."""
        self._ask_nodes()
        return sorted(self._primaries)

    def on_primaries(self, *words: Any, only: Collection[str] | None = None) -> dict[str, Any]:
        """Call a command on every primary, or on some, by `host:port`. An error is its reply."""
        found = {text_of(place): place for place in self.primaries()}
        return {
            name: self._reply(place, words) for name, place in found.items() if only is None or name in only
        }

    def _reply(self, place: Place, words: tuple[Any, ...]) -> Any:
        try:
            return self._ask(place, *words, patient=True)
        except (rx.RedisError, OSError) as error:
            return error

    def learn(self, place: Place) -> None:
        """A node says that another one has the slot: ask nobody before the next connection."""
        self._told = place

    def describe(self, place: Place) -> str:
        """Return what a server is: `127.0.0.1:7002, a node of the cluster of 127.0.0.1:7001`."""
        return f"{text_of(place)}, a node of {self.name}"

    def _nodes(self) -> Iterator[Place]:
        """Yield the nodes to ask. Which comes first is random, since one of them may hang."""
        known = list(dict.fromkeys((*self._known, *self._seeds)))
        random.shuffle(known)
        yield from known

    def _primary(self, asked: Place, slots: Any) -> Place | None:
        """Return the primary of the slot by a reply to CLUSTER SLOTS, and remember all nodes."""
        nodes: list[Place] = []
        primaries: list[Place] = []
        found: Place | None = None
        for first, last, *members in slots:
            # A node that does not know its own host leaves it out.
            places = [(str(member[0] or asked[0]), int(member[1])) for member in members]
            nodes += places
            primaries += places[:1]
            if int(first) <= self.slot <= int(last) and places:
                found = places[0]
        self._primaries = frozenset(primaries) or self._primaries
        self._known = tuple(dict.fromkeys(nodes))[:MAX_KNOWN] or self._known
        return found


class Ask:
    """Calls one command on a server, over a connection of its own.

    Args:
        kind: The class of the connection, `redis.Connection` or `redis.SSLConnection`.
        options: The options of the connection: user, password and TLS.
    """

    def __init__(self, kind: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self._kind = kind
        own = {"decode_responses": True, "protocol": 2, "retry": Retry(NoBackoff(), 0)}
        timeouts = {name: float(options.get(name) or CALL_TIMEOUT) for name in _TIMEOUTS}
        self._options = {**options, **timeouts, **own}
        self._hasty = {name: min(timeout, ASK_TIMEOUT) for name, timeout in timeouts.items()}

    def __call__(self, place: Place, *words: Any, patient: bool = False) -> Any:
        """Call a command. Be patient with a server that nobody can stand in for."""
        host, port = place
        options = self._options if patient else self._options | self._hasty
        connection = self._kind(host=host, port=port, **options)
        with closing(_Closable(connection)):
            connection.send_command(*words)
            return connection.read_response()


_TIMEOUTS = ("socket_timeout", "socket_connect_timeout")


class _Closable:
    def __init__(self, connection: Any) -> None:
        self.close = connection.disconnect


def text_of(place: Place) -> str:
    """Write a place as `host:port`."""
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def followed(route: Route, error: rx.MovedError) -> rx.AskError:
    """Tell a route where a board is. Returns what to raise instead: MOVED is for clients without a route."""
    route.learn((error.host, error.port))
    return rx.AskError(error.message)


def note_server(error: Exception, route: Route, host: str, port: int) -> None:
    """Note which server an error is about: see `redis_errors.py`."""
    error.add_note(route.describe((host, port)))


class Routed:
    """Makes a connection of redis-py ask its route where to connect to, and tell it of moved slots."""

    def __init__(self, *, route: Route, **options: Any) -> None:
        super().__init__(**options)
        self.route = route

    def _connect(self) -> Any:
        self.host, self.port = self.route.locate()
        try:
            return super()._connect()  # type: ignore[misc]
        except OSError as error:
            note_server(error, self.route, self.host, self.port)
            raise

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Read one reply, like redis-py. Raise AskError for MOVED: whoever has a route can follow it."""
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]
        except rx.MovedError as error:
            raise followed(self.route, error) from None
        except rx.RedisError as error:
            note_server(error, self.route, self.host, self.port)
            raise


class RoutedConnection(Routed, redis.Connection):
    """A connection to the server that a route finds."""


class RoutedSSLConnection(Routed, redis.SSLConnection):
    """A connection with TLS to the server that a route finds."""
