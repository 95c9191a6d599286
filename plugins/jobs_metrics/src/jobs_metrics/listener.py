"""An HTTP server that serves metrics at `/metrics`, on threads of its own."""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from jobs_core import JobsError, OptionError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client.registry import Collector

LOOPBACK = "127.0.0.1"

TIMEOUT = 10
"""Seconds that a client may take to send its request, and to take the answer."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. `option` is the name of what says so, for errors."""

    option: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(option: str, text: str) -> Address:
    """Read `[HOST:]PORT`. Without a host, only this machine reaches it. Port 0 is any free one.

    Raises OptionError.

    >>> str(read_address("metrics", "9464"))
    '127.0.0.1:9464'
    """
    host, colon, port = text.strip().rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if is_bracketed:
        host = host[1:-1]
    is_port = port.isascii() and port.isdigit() and int(port) <= 65535
    if not is_port or bool(colon) != bool(host) or (":" in host and not is_bracketed):
        raise OptionError(
            f"{option}: expected [HOST:]PORT, such as 9464 or 0.0.0.0:9464, got {text!r}", option=option
        )
    return Address(option, host or LOOPBACK, int(port))


class Listener:
    """Serves a registry until `close`.

    Args:
        address: Where.
        registry: What to serve. An error of Jobs while it is collected answers 503, with one sentence.

    Raises:
        OptionError: It cannot listen there.
    """

    def __init__(self, address: Address, registry: Collector) -> None:
        self._server = _bound(address)
        self._server.set_app(_at_metrics(make_wsgi_app(registry)))
        port = self._server.server_address[1]
        self.url = f"http://{Address(address.option, address.host, int(port))}/metrics"
        """Where the metrics are."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[0.1], name="jobs-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening. Answers under way are cut off."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> None:
        self.address_family = family
        super().__init__(address[:2], _Handler)

    def server_bind(self) -> None:
        """Bind, without asking the DNS for the name of this machine, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    """Handles a request without logging it."""

    timeout = TIMEOUT

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: scrapers ask every few seconds."""


def _bound(address: Address) -> _Server:
    try:
        family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise _error(address, f"there is no address of {address.host!r} here") from None
    try:
        return _Server(family, found)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _error(address, f"{address} is taken: choose another port") from None
        if error.errno == errno.EACCES:
            raise _error(address, f"this user may not listen on {address}: choose 1024 or higher") from None
        raise _error(address, f"cannot listen on {address}: {error.strerror}") from None


def _error(address: Address, sentence: str) -> OptionError:
    return OptionError(f"{address.option}: {sentence}", option=address.option)


def _at_metrics(app: Callable[..., Any]) -> WSGIApplication:
    """Serve the application at `/metrics`, and answer its errors with one sentence."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return _headers_only(answer, environ, start)
        if environ["PATH_INFO"] != "/metrics":
            return _sentence(start, "404 Not Found", "The metrics are at /metrics.")
        environ["QUERY_STRING"] = ""  # prometheus-client would choose metrics by it
        try:
            found: Iterable[bytes] = app(environ, start)
        except JobsError as error:
            return _sentence(start, "503 Service Unavailable", str(error))
        return found

    return answer


def _headers_only(app: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Answer HEAD as GET, without the body."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def begin(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        begun.append((status, headers))
        return lambda data: None

    length = sum(map(len, app({**environ, "REQUEST_METHOD": "GET"}, begin)))
    ((status, headers),) = begun
    start(status, [*headers, ("Content-Length", str(length))])
    return []


def _sentence(start: StartResponse, status: str, sentence: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{sentence}\n".encode()]
