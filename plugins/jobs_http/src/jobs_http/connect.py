"""Connections that go only to addresses that the guard permits.

A name is resolved here, each address is checked, and the connection is made to that very address, so that no
answer of a name server can change between the check and the use. `Host` and TLS keep the name.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from jobs_http.errors import Trouble
from jobs_http.guard import Guard
from jobs_http.watch import Watch, here

HOSTS = 10
"""Connections that each thread keeps open, one to a host."""

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


def connect(watch: Watch, host: str, port: int, seconds: float, options: Any = ()) -> socket.socket:
    """A connection to a host, at an address that may be called, within so many seconds.

    Raises Trouble (`connect`, `timeout`, `refused`) or StoppedError.
    """
    deadline = time.monotonic() + seconds
    found = _resolve(watch, host.strip("[]"), port, deadline)
    permitted = [info for info in found if watch.guard.permits(host, info[4][0])]
    if not permitted:
        raise Trouble("refused", "the address is one that may not be called")
    trouble = Trouble("connect", "the name has no address")
    for number, info in enumerate(permitted):
        share = (deadline - time.monotonic()) / (len(permitted) - number)
        try:
            return _connect(watch, info, time.monotonic() + share, options)
        except Trouble as error:
            trouble = error
    raise trouble


def _resolve(watch: Watch, host: str, port: int, deadline: float) -> list[AddressInfo]:
    """The addresses of a host. Nothing interrupts the system's resolver: it runs on a thread of its own."""
    if _is_address(host):
        return _lookup(host, port, socket.AI_NUMERICHOST)
    try:
        return watch.context.call(lambda: _lookup(host, port, 0), max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise Trouble("timeout", "the name was not resolved in time") from None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _lookup(host: str, port: int, flags: int) -> list[AddressInfo]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        raise Trouble("connect", "the name could not be resolved") from None


def _connect(watch: Watch, info: AddressInfo, deadline: float, options: Any) -> socket.socket:
    family, kind, protocol, _, address = info
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Trouble("connect", f"no connection could be made: {error.strerror}") from None
    try:
        sock.setblocking(False)
        for option in options or ():
            sock.setsockopt(*option)
        number = sock.connect_ex(address)
        watch.connection.hold(sock)  # once it is connecting: before, it could not be shut down
        if number in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            _wait(sock, deadline)
            watch.check()
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "")
    except OSError as error:
        sock.close()
        words = os.strerror(error.errno) if error.errno else "the system refused"
        raise Trouble("connect", f"no connection could be made: {words}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _wait(sock: socket.socket, deadline: float) -> None:
    """Until the connection stands, has failed or was interrupted."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise Trouble("timeout", "no connection stood in time")


def _open(connection: HTTPConnection) -> socket.socket:
    watch = here.watch
    assert watch is not None, "a connection outside of a request"
    seconds = float(connection.timeout or 0)
    sock = connect(watch, connection._dns_host, connection.port, seconds, connection.socket_options)
    sock.settimeout(seconds)
    watch.fresh = True
    return sock


def _use(connection: HTTPConnection) -> None:
    """A request is to be sent on a connection: if that stands from an earlier one, watch it from now on."""
    if here.watch is not None and connection.sock is not None and not here.watch.fresh:
        here.watch.connection.hold(connection.sock)


class GuardedConnection(HTTPConnection):
    """A connection without TLS."""

    def _new_conn(self) -> socket.socket:
        return _open(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        _use(self)
        super().request(*arguments, **options)


class GuardedTLSConnection(HTTPSConnection):
    """A connection with TLS."""

    def connect(self) -> None:
        """Connect, with no warning of a certificate that the payload said is not to be checked."""
        super().connect()
        self.is_verified = True

    def _new_conn(self) -> socket.socket:
        return _open(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        _use(self)
        super().request(*arguments, **options)


class GuardedPool(HTTPConnectionPool):
    """The connections to one host, without TLS."""

    ConnectionCls = GuardedConnection


class GuardedTLSPool(HTTPSConnectionPool):
    """The connections to one host, with TLS."""

    ConnectionCls = GuardedTLSConnection


class Adapter(HTTPAdapter):
    """Sends requests over guarded connections, and keeps these open for the next.

    It is used without a `requests.Session`, which would keep cookies from one task to another, read the
    whole answer of a redirect, and take proxies and passwords from the environment.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=HOSTS, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pools guarded ones."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        pools: dict[str, Callable[..., Any]] = {"http": GuardedPool, "https": GuardedTLSPool}
        self.poolmanager.pool_classes_by_scheme = pools


class _Mine(threading.local):
    adapter: Adapter | None = None
    guard: Guard | None = None


_mine = _Mine()


def adapter(guard: Guard) -> Adapter:
    """This thread's adapter; another guard begins with no connection."""
    if _mine.adapter is None or _mine.guard != guard:
        if _mine.adapter is not None:
            _mine.adapter.close()
        _mine.adapter, _mine.guard = Adapter(), guard
    return _mine.adapter


def close() -> None:
    """Close the connections that this thread keeps."""
    if _mine.adapter is not None:
        _mine.adapter.close()
        _mine.adapter = None
