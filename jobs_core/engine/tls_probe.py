"""Find out why a server does not answer: it speaks TLS and the client does not, or the reverse."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

import redis

PROBE_TIMEOUT = 1.0
"""Seconds to wait for each step, at most."""


def tls_mismatch(client: redis.Redis) -> str | None:
    """Return a sentence if exactly one of the client and its server uses TLS, else None."""
    pool = client.connection_pool
    host, port = pool.connection_kwargs.get("host"), pool.connection_kwargs.get("port", 6379)
    if host is None:
        return None
    timeout = min(PROBE_TIMEOUT, pool.connection_kwargs.get("socket_connect_timeout") or PROBE_TIMEOUT)
    with suppress(OSError), socket.create_connection((host, port), timeout) as connection:
        if issubclass(pool.connection_class, redis.SSLConnection):
            if _answers_plainly(connection):
                return f"{host}:{port} does not speak TLS. Write redis:// in its URL, not rediss://."
        elif _answers_with_tls(connection):
            return f"{host}:{port} speaks TLS. Write rediss:// in its URL, not redis://."
    return None


def _answers_plainly(connection: Any) -> bool:
    connection.sendall(b"PING\r\n")
    return connection.recv(1) in (b"+", b"-")


def _answers_with_tls(connection: Any) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    try:
        context.wrap_socket(connection).close()
    except ssl.SSLError as error:  # a server that asks for a certificate speaks TLS, too
        return "ALERT" in str(error.reason)
    return True
