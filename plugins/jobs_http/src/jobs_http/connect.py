"""Connections to addresses that the guard permits.

This module resolves a name, checks each address and connects to that same address. DNS cannot change between
the check and the connection. `Host` and TLS still use the name.
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

from jobs_core import is_shortage
from jobs_http.errors import Refusal, RequestFailed, Shortage
from jobs_http.guard import Guard
from jobs_http.watch import Watch, current_request

POOL_SIZE = 10
"""Connections that each thread keeps open, one per host."""

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


def connect(watch: Watch, host: str, port: int, seconds: float, options: Any = ()) -> socket.socket:
    """Connect to a permitted address of a host within `seconds`.

    Raises RequestFailed (`connect`, `timeout`, `refused`) or StoppedError.
    """
    deadline = time.monotonic() + seconds
    found = _resolve(watch, host.strip("[]"), port, deadline)
    permitted = [info for info in found if watch.guard.permits(host, info[4][0])]
    if found and not permitted:
        raise Refusal(watch.guard.refusal(host, found[0][4][0]))
    trouble = RequestFailed("connect", "the host name has no address")
    for number, info in enumerate(permitted):
        share = (deadline - time.monotonic()) / (len(permitted) - number)
        try:
            return _connect(watch, info, time.monotonic() + share, options)
        except RequestFailed as error:
            trouble = error
    raise trouble


def _resolve(watch: Watch, host: str, port: int, deadline: float) -> list[AddressInfo]:
    """Return the addresses of a host. The resolver cannot be interrupted, so it runs on its own thread."""
    if _is_address(host):
        return _lookup(host, port, socket.AI_NUMERICHOST)
    try:
        return watch.context.call(lambda: _lookup(host, port, 0), max(0.0, deadline - time.monotonic()))
    except RuntimeError as error:
        if is_shortage(error):
            raise Shortage("cannot start a thread to resolve the host name") from None
        raise
    except TimeoutError:
        raise RequestFailed("timeout", "no DNS response in time") from None


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
        raise RequestFailed("connect", "cannot resolve the host name") from None


def _connect(watch: Watch, info: AddressInfo, deadline: float, options: Any) -> socket.socket:
    family, kind, protocol, _, address = info
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        note = f"connection failed: {error.strerror}"
        raise Shortage(note) if is_shortage(error) else RequestFailed("connect", note) from None
    try:
        sock.setblocking(False)
        for option in options or ():
            sock.setsockopt(*option)
        number = sock.connect_ex(address)
        watch.connection.hold(sock)  # only a connecting socket can be shut down
        if number in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            _wait(sock, deadline)
            watch.check()
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "")
    except OSError as error:
        sock.close()
        words = os.strerror(error.errno) if error.errno else "the system refused it"
        raise RequestFailed("connect", f"connection failed: {words}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _wait(sock: socket.socket, deadline: float) -> None:
    """Wait until the connection is open, has failed or was interrupted."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise RequestFailed("timeout", "no connection in time")


def _open(connection: HTTPConnection) -> socket.socket:
    watch = current_request.watch
    assert watch is not None, "no request runs on this thread"
    seconds = float(connection.timeout or 0)
    sock = connect(watch, connection._dns_host, connection.port, seconds, connection.socket_options)
    sock.settimeout(seconds)
    watch.fresh = True
    return sock


def _use(connection: HTTPConnection) -> None:
    """Watch a connection that a request reuses."""
    if current_request.watch is not None and connection.sock is not None and not current_request.watch.fresh:
        current_request.watch.connection.hold(connection.sock)


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
        """Connect, without a warning if the payload disables certificate checks."""
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
    """Sends requests over guarded connections and reuses these.

    It works without a `requests.Session`, which would share cookies between tasks, read whole redirect
    responses, and use proxies and passwords from the environment.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Use guarded pools."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        pools: dict[str, Callable[..., Any]] = {"http": GuardedPool, "https": GuardedTLSPool}
        self.poolmanager.pool_classes_by_scheme = pools


class _PerThread(threading.local):
    adapter: Adapter | None = None
    guard: Guard | None = None


_per_thread = _PerThread()


def adapter(guard: Guard) -> Adapter:
    """Return this thread's adapter. A changed guard closes all connections."""
    if _per_thread.adapter is None or _per_thread.guard != guard:
        if _per_thread.adapter is not None:
            _per_thread.adapter.close()
        _per_thread.adapter, _per_thread.guard = Adapter(), guard
    return _per_thread.adapter


def close() -> None:
    """Close this thread's connections."""
    if _per_thread.adapter is not None:
        _per_thread.adapter.close()
        _per_thread.adapter = None
