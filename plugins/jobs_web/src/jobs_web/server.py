"""The web server: its address, its certificate, and its end."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import ssl
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from jobs_core import OptionError
from jobs_web.connections import Connection

GRACE = 1
"""Seconds in which answers may end when the server stops. Streams would never end."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate and its key, in PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise OptionError unless the files can be used."""
        for name, path in (("tls-cert", self.certificate), ("tls-key", self.key)):
            try:
                path.read_bytes()
            except OSError as error:
                raise OptionError(f"{name}: cannot read {path}: {error.strerror}", option=name) from None
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password="")
        except (ssl.SSLError, ValueError):
            raise OptionError(
                f"tls-cert: {self.certificate} and {self.key} are no certificate in PEM and its key, "
                "without a passphrase",
                option="tls-cert",
            ) from None


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals to others."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class Server:
    """Serves an application. `run` blocks, until `stop` is called on another thread or by a signal."""

    def __init__(self, app: ASGIApp, listener: socket.socket, tls: Tls | None = None) -> None:
        self._listener = listener
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                access_log=False,  # a URL may have a one-time link, or what somebody searches for
                log_config=None,
                http=Connection,
                lifespan="off",
                proxy_headers=False,  # `access.proxy` reads them
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.key if tls else None,
            )
        )

    def run(self) -> None:
        """Serve until `stop`."""
        for name in ("uvicorn.error", "asyncio"):  # strangers cause their warnings, as often as they like
            logging.getLogger(name).setLevel(logging.ERROR)
        self._uvicorn.run([self._listener])

    def stop(self) -> None:
        """End the server. Streams are cut off, which is no error to log."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._uvicorn.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address. Raises OptionError if that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise OptionError(f"host: there is no address of {host!r} here", option="host") from None
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(address[:2], family=family, dualstack_ipv6=both)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None
    # Connections inherit it. Otherwise the body of an answer waits 40 ms for the client to confirm its head:
    # asyncio sets it only for sockets that name their protocol, which those of create_server do not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> OptionError:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return OptionError(f"port: {where} is taken: choose another port", option="port")
    if error.errno == errno.EACCES:
        return OptionError(f"port: this user may not listen on {where}: choose 1024 or higher", option="port")
    return OptionError(f"host: cannot listen on {where}: {error.strerror}", option="host")


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine reaches the socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url_of(host: str, listener: socket.socket, *, is_https: bool = False) -> str:
    """Return the URL at which a socket is reached by the name of its host.

    One that listens on all addresses is reached by the name of this machine.
    """
    if ipaddress.ip_address(listener.getsockname()[0]).is_unspecified:
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if is_https else 'http'}://{name}:{listener.getsockname()[1]}"
