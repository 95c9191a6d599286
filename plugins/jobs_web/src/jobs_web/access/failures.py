"""Failed logins, by the address that they come from."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST = 10
"""Failed logins of an address in a period."""

PERIOD = 60.0
"""The period, in seconds."""

ADDRESSES = 10_000
"""How many addresses are remembered at most."""


class FailedLogins:
    """Counts failed logins in memory. An IPv6 address counts as its network of 64 bits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Return the seconds until this address may try again; 0 if it may now."""
        times = self._times.get(_network(address))
        if times is None or len(times) < MOST:
            return 0
        return max(0, math.ceil(times[0] + PERIOD - self._clock()))

    def add(self, address: str) -> None:
        """Count a failed login."""
        times = self._times.setdefault(_network(address), deque(maxlen=MOST))
        times.append(self._clock())
        self._times.move_to_end(_network(address))
        if len(self._times) > ADDRESSES:
            self._times.popitem(last=False)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((int(found), 64), strict=False))
