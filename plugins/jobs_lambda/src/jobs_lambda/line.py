"""The connection of a call, which can be cut from another thread."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress

IDLE, EVERY = 60, 30
"""Seconds without traffic before a sign of life, and between two.

A NAT gateway of AWS forgets a connection after 350 seconds, and a function may be silent for 15 minutes.
"""


class Line:
    """One socket at a time, kept as a duplicate.

    To shut that down wakes whoever waits for the original, also inside of TLS, and no other connection
    can have its number by then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False

    @property
    def is_cut(self) -> bool:
        """Whether its call was left."""
        return self._cut

    def hold(self, number: int) -> None:
        """From now on this is the socket, by its file's number."""
        with self._lock:
            self._let_go()
            self._socket = socket.socket(fileno=os.dup(number))
            keep_alive(self._socket)
            if self._cut:
                self._shut_down()

    def cut(self) -> None:
        """End the connection, and those that are yet to come."""
        with self._lock:
            self._cut = True
            self._shut_down()

    def close(self) -> None:
        """The call has ended."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def keep_alive(sock: socket.socket) -> None:
    """Send signs of life while a function works, where the system can."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPALIVE", IDLE), ("TCP_KEEPINTVL", EVERY)):
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, seconds)
