"""The connection of a call, which can be left at any time.

Nothing interrupts botocore while it looks up a name, waits for credentials or for a function. So a call runs
on a thread of its own. Leaving it ends its connection, so that the thread ends soon as well, and keeps it
from sending what it has not sent yet.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

from jobs_core import SocketInterrupter, StoppedError

IDLE, EVERY = 60, 30
"""Seconds without traffic before a sign of life, and between two.

A NAT gateway of AWS forgets a connection after 350 seconds, and a function may be silent for 15 minutes.
"""


class Here(threading.local):
    """The line of the call that runs on this thread, for its connections."""

    line: SocketInterrupter | None = None


here = Here()


def check(**_: Any) -> None:
    """Raise StoppedError if the call on this thread was left. For botocore, before it sends a request."""
    if here.line is not None and here.line.is_interrupted:
        raise StoppedError


def keep_alive(sock: socket.socket) -> None:
    """Send signs of life while a function works, where the system can."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPALIVE", IDLE), ("TCP_KEEPINTVL", EVERY)):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, seconds)
