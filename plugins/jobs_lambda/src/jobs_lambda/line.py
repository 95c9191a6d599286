"""The connection of a call, which can be abandoned at any time.

botocore cannot be interrupted while it resolves a name or waits for credentials or a function. Each call
therefore runs on its own thread. Abandoning a call shuts down its connection, which ends the thread soon, and
prevents a request that is not sent yet.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

from jobs_core import SocketInterrupter, StoppedError

IDLE, EVERY = 60, 30
"""Idle seconds before the first TCP keepalive, and seconds between keepalives.

An AWS NAT gateway drops a connection after 350 idle seconds, and a function can run for 15 minutes.
"""


class CurrentCall(threading.local):
    """The interrupter of the call that runs on this thread, for its connections."""

    line: SocketInterrupter | None = None


current_call = CurrentCall()


def check(**_: Any) -> None:
    """Raise StoppedError if the call on this thread was abandoned. botocore calls it before each request."""
    if current_call.line is not None and current_call.line.is_interrupted:
        raise StoppedError


def keep_alive(sock: socket.socket) -> None:
    """Enable TCP keepalives, as far as the system supports them."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPALIVE", IDLE), ("TCP_KEEPINTVL", EVERY)):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, seconds)
